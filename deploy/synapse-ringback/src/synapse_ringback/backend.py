"""Asking Ringback."""

import json
import logging
import re
import time
from typing import Any

from synapse.module_api import JsonDict, SimpleHttpClient, make_deferred_yieldable, run_in_background
from twisted.internet import defer
from twisted.web.client import readBody
from twisted.web.http_headers import Headers

from synapse_ringback.config import Config

logger = logging.getLogger(__name__)

_PATIENCE = 5.0
"""For how many seconds Ringback is waited for."""
_FRESH = 10.0
"""For how many seconds an answer for everyone is given again."""
_MOST_HOSTS = 100
"""How many host names answers are kept for: clients choose the name, and must not fill the memory."""
_VIA = b"X-Synapse-Ringback"
"""A request that has it came from here already."""
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


class Failure(Exception):
    """Why there is no answer of Ringback's; for the operator."""


class Backend:
    """Ringback, as Synapse reaches it."""

    def __init__(self, config: Config, http: SimpleHttpClient) -> None:
        self._config = config
        self._http = http
        self._kept: dict[str, tuple[float, JsonDict]] = {}
        self._away = False

    async def own_words(self) -> JsonDict:
        """What Ringback says to Synapse itself.

        Raises:
            Failure: where it is not Ringback that answers.
        """
        status, body = await self._ask(self._config.backend_host, None)
        if status != 200:
            raise Failure(f"it answers {status} {body['errcode']}")
        return body

    async def call_config(self, asked_host: str, authorization: bytes | None) -> tuple[int, JsonDict]:
        """What a client is to be told, and the status: Ringback's own, of a refusal too.

        What somebody gets who sends a token is for them alone (it has TURN credentials), and is not kept.

        Args:
            asked_host: the client's ``Host``, empty where it sends none.
            authorization: its ``Authorization``.

        Raises:
            Failure: where it is not Ringback that answers.
        """
        host = self._host(asked_host)
        if authorization is not None:
            return await self._told(host, authorization)
        until, body = self._kept.get(host, (0.0, {}))
        if time.monotonic() < until:
            return 200, body
        status, body = await self._told(host, None)
        if status == 200 and not any("credential" in server for server in body["iceServers"]):
            if len(self._kept) >= _MOST_HOSTS:
                self._kept.clear()
            self._kept[host] = (time.monotonic() + _FRESH, body)
        return status, body

    def _host(self, asked: str) -> str:
        """The name that Ringback is asked by: it tells clients the name that they use, unless it has a public URL."""
        match = _HOST.fullmatch(asked)
        if match is None or not self._config.backend_is_here:
            return self._config.backend_host
        return f"{match[1].lower()}:{self._config.backend_port}"

    async def _told(self, host: str, authorization: bytes | None) -> tuple[int, JsonDict]:
        try:
            status, body = await self._ask(host, authorization)
        except Failure as failure:
            if not self._away:
                logger.warning("Ringback cannot be asked at %s: %s", self._config.backend_url, failure)
            self._away = True
            raise
        if self._away:
            logger.warning("Ringback answers again at %s", self._config.backend_url)
        self._away = False
        if status == 200 and self._config.public_url is not None:
            body["baseUrl"] = body["websocketUrl"] = self._config.public_url
        return status, body

    async def _ask(self, host: str, authorization: bytes | None) -> tuple[int, JsonDict]:
        headers = Headers({b"Accept": [b"application/json"], b"Host": [host.encode("ascii")], _VIA: [b"1"]})
        if authorization is not None:
            headers.addRawHeader(b"Authorization", authorization)
        began = time.monotonic()
        try:
            status, text = await self._within_patience(headers)
        except Exception as error:
            slow = time.monotonic() - began >= _PATIENCE
            why = str(error).rstrip(".") or type(error).__name__
            raise Failure(f"no answer within {_PATIENCE:.0f} s" if slow else why) from error
        return status, _read(status, text)

    async def _within_patience(self, headers: Headers) -> tuple[int, bytes]:
        # Synapse has chosen its reactor before it loads modules, and not before this file can be imported.
        from twisted.internet import reactor

        asking: defer.Deferred[tuple[int, bytes]] = run_in_background(self._fetch, headers)
        return await make_deferred_yieldable(asking.addTimeout(_PATIENCE, reactor))

    async def _fetch(self, headers: Headers) -> tuple[int, bytes]:
        response = await self._http.request("GET", f"{self._config.backend_url}/call-config.json", headers=headers)
        return response.code, await make_deferred_yieldable(readBody(response))


def came_from_here(headers: Headers) -> bool:
    """Whether the request is one of ours: ``backend_url`` leads back to Synapse."""
    return headers.hasHeader(_VIA)


def _read(status: int, text: bytes) -> JsonDict:
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict):
        if status == 200 and _is_config(body):
            return body
        if status >= 400 and isinstance(body.get("errcode"), str) and body["errcode"] != "M_UNRECOGNIZED":
            return body
    raise Failure(f"it is not Ringback that answers there ({status}); see that backend_url is right")


def _is_config(body: JsonDict) -> bool:
    servers = body.get("iceServers")
    texts = (body.get("baseUrl"), body.get("websocketUrl"))
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(servers, list)
        and all(isinstance(server, dict) for server in servers)
    )
