"""The settings, checked."""

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from synapse.module_api.errors import ConfigError

_KNOWN = ("backend_url", "public_url", "well_known")


@dataclass(frozen=True)
class Config:
    """Where Ringback is."""

    backend_url: str
    """Where Synapse reaches it; no slash at the end."""
    public_url: str | None = None
    """Where clients reach it; no slash at the end. Without it they are told what Ringback says, who is asked as if they had asked
    themselves: by the host name by which they have found Synapse, where Ringback is on the same machine."""
    well_known: bool = True
    """Whether ``/.well-known/matrix/client`` names ``public_url``."""

    @property
    def backend_host(self) -> str:
        """Host and port of ``backend_url``."""
        return urlsplit(self.backend_url).netloc

    @property
    def backend_port(self) -> int:
        split = urlsplit(self.backend_url)
        return split.port or (443 if split.scheme == "https" else 80)

    @property
    def backend_is_here(self) -> bool:
        """Whether Ringback is asked on this machine, by a name that means another machine to everyone else."""
        host = urlsplit(self.backend_url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified


def parse(config: Any) -> Config:
    """Reads the settings of the module.

    Raises:
        ConfigError: which says what is wrong with which of them, and what to write.
    """
    unknown = sorted(str(name) for name in config if name not in _KNOWN)
    if unknown:
        raise ConfigError(f"there is no such setting; those that there are: {', '.join(_KNOWN)}", (unknown[0],))
    if config.get("backend_url") is None:
        raise ConfigError("missing: say where Synapse reaches Ringback, such as http://localhost:3000", ("backend_url",))
    well_known = config.get("well_known", True)
    if not isinstance(well_known, bool):
        raise ConfigError("expected true or false", ("well_known",))
    public_url = config.get("public_url")
    return Config(
        backend_url=_url(config["backend_url"], "backend_url", "http://localhost:3000"),
        public_url=None if public_url is None else _url(public_url, "public_url", "https://calls.example.org"),
        well_known=well_known,
    )


def _url(value: Any, name: str, example: str) -> str:
    refused = ConfigError(f"expected a URL of nothing but scheme, host and port, such as {example}", (name,))
    if not isinstance(value, str):
        raise refused
    try:
        split = urlsplit(value)
        port_is_one = split.port is None or split.port > 0
    except ValueError:
        raise refused from None
    plain = split.path in ("", "/") and not split.query and not split.fragment and "@" not in split.netloc
    if split.scheme not in ("http", "https") or not split.hostname or not port_is_one or not plain or not value.isascii():
        raise refused
    return value.rstrip("/")
