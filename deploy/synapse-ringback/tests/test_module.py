"""What can be known of the module without a Synapse; `python -m unittest`, with Synapse installed and `src` on the path.

The rest is seen at a real one: `e2e/tests/e2e/origin/synapse_module.rs`.
"""

import json
import unittest
from typing import Any
from unittest import mock

from synapse.module_api.errors import ConfigError
from twisted.internet import defer

from synapse_ringback import Config, Ringback
from synapse_ringback import backend as backend_module
from synapse_ringback.backend import Backend, Failure

HERE = Config("http://localhost:3000")
STUN: dict[str, Any] = {"urls": ["stun:stun.example.org"]}


class Settings(unittest.TestCase):
    def test_defaults(self) -> None:
        config = Ringback.parse_config({"backend_url": "http://localhost:3000/"})
        self.assertEqual(config, Config("http://localhost:3000", None, True))

    def test_refusals_name_the_setting_and_what_to_write(self) -> None:
        wrong: list[tuple[dict[str, Any], str, str]] = [
            ({}, "backend_url", "http://localhost:3000"),
            ({"backend_url": 3000}, "backend_url", "http://localhost:3000"),
            ({"backend_url": "localhost:3000"}, "backend_url", "http://localhost:3000"),
            ({"backend_url": "http://localhost:x"}, "backend_url", "http://localhost:3000"),
            ({"backend_url": "http://me:secret@localhost"}, "backend_url", "http://localhost:3000"),
            ({"backend_url": "http://localhost:3000/call-config.json"}, "backend_url", "nothing but"),
            ({"backend_url": "http://localhost:3000", "public_url": "wss://calls.example.org"}, "public_url", "https://"),
            ({"backend_url": "http://localhost:3000", "well_known": "yes"}, "well_known", "true or false"),
            ({"backend_url": "http://localhost:3000", "publicUrl": "https://x"}, "publicUrl", "public_url"),
        ]
        for config, setting, words in wrong:
            with self.subTest(config=config), self.assertRaises(ConfigError) as refused:
                Ringback.parse_config(config)
            self.assertEqual(tuple(refused.exception.path or ()), (setting,))
            self.assertIn(words, refused.exception.msg)


class Http:
    """Stands for Ringback, and notes by what host name and token it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def fetch(self, headers: Any) -> tuple[int, bytes]:
        host = headers.getRawHeaders("host")[0]
        token = (headers.getRawHeaders("authorization") or [None])[0]
        self.asked.append((host, token))
        turn = [{"urls": ["turn:t"], "username": f"1:{token}", "credential": "c"}] if token else []
        url = f"http://{host}"
        return 200, json.dumps({"baseUrl": url, "websocketUrl": url, "iceServers": [STUN, *turn]}).encode()


def backend(config: Config, http: Http) -> Backend:
    made = Backend(config, mock.Mock())
    made._within_patience = http.fetch  # type: ignore[method-assign]
    return made


def now(awaitable: Any) -> Any:
    """The result of what waits for nothing."""
    results: list[Any] = []
    defer.ensureDeferred(awaitable).addBoth(results.append)
    if isinstance(results[0], BaseException) or hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]


class Asking(unittest.TestCase):
    def test_clients_are_told_the_host_that_they_use(self) -> None:
        http = Http()
        asking = backend(HERE, http)
        for host, url in [
            ("192.168.1.22:8008", "http://192.168.1.22:3000"),
            ("Matrix.example.org", "http://matrix.example.org:3000"),
            ("[fd00::1]:8008", "http://[fd00::1]:3000"),
            ("evil/..", "http://localhost:3000"),
            ("", "http://localhost:3000"),
        ]:
            self.assertEqual(now(asking.call_config(host, None))[1]["baseUrl"], url)
        elsewhere = backend(Config("http://10.0.0.5:3000"), http)
        self.assertEqual(now(elsewhere.call_config("192.168.1.22:8008", None))[1]["baseUrl"], "http://10.0.0.5:3000")
        public = backend(Config("http://localhost:3000", "https://calls.example.org"), http)
        told = now(public.call_config("192.168.1.22:8008", None))[1]
        self.assertEqual((told["baseUrl"], told["websocketUrl"]), ("https://calls.example.org",) * 2)

    def test_answers_for_everyone_are_kept_for_a_short_time_and_for_few_hosts(self) -> None:
        http = Http()
        asking = backend(HERE, http)
        with mock.patch("time.monotonic", return_value=1000.0) as clock:
            for _ in range(3):
                now(asking.call_config("a", None))
            self.assertEqual(len(http.asked), 1)
            clock.return_value += backend_module._FRESH
            now(asking.call_config("a", None))
            self.assertEqual(len(http.asked), 2)
            for number in range(1000):
                now(asking.call_config(f"host{number}", None))
        self.assertLessEqual(len(asking._kept), backend_module._MOST_HOSTS)

    def test_what_one_user_gets_is_never_another_s(self) -> None:
        http = Http()
        asking = backend(HERE, http)
        for token in ["Bearer alice", "Bearer bob", "Bearer alice"]:
            told = now(asking.call_config("a", token.encode()))[1]
            self.assertEqual(told["iceServers"][1]["username"], f"1:{token}")
        self.assertEqual(now(asking.call_config("a", None))[1]["iceServers"], [STUN])
        self.assertEqual([token for _, token in http.asked], ["Bearer alice", "Bearer bob", "Bearer alice", None])
        self.assertNotIn("credential", repr(asking._kept))

    def test_what_is_not_ringback_is_no_answer(self) -> None:
        for status, text in [
            (200, b"<html>"),
            (200, b'{"baseUrl": "x"}'),
            (404, b'{"errcode":"M_UNRECOGNIZED","error":"No resource"}'),
            (502, b"Bad Gateway"),
        ]:
            with self.subTest(text=text), self.assertRaisesRegex(Failure, "not Ringback"):
                backend_module._read(status, text)
        refusal = {"errcode": "M_UNKNOWN_TOKEN", "error": "log in again"}
        self.assertEqual(backend_module._read(401, json.dumps(refusal).encode()), refusal)


if __name__ == "__main__":
    unittest.main()
