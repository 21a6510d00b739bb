"""Clients that only know the homeserver find Ringback, the call server beside it.

Synapse itself answers ``GET /call-config.json``, with what Ringback says, and names Ringback in
``/.well-known/matrix/client``. In ``homeserver.yaml``::

    modules:
      - module: synapse_ringback.Ringback
        config:
          backend_url: http://localhost:3000
          public_url: https://calls.example.org
"""

import logging

from synapse.module_api import JsonDict, ModuleApi

from synapse_ringback.backend import Backend, Failure
from synapse_ringback.config import Config, parse
from synapse_ringback.resource import CallConfigResource

__all__ = ["Config", "Ringback"]

logger = logging.getLogger(__name__)

_ENTRY = "dev.ringback.call"


class Ringback:
    """What Synapse loads."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        self._config = config
        self._backend = Backend(config, api.http_client)
        api.register_web_resource("/call-config.json", CallConfigResource(self._backend))
        if config.public_url is not None and config.well_known:
            _add_to_well_known(api, config.public_url)
        api.delayed_background_call(0, self._look, desc="ringback_look")

    @staticmethod
    def parse_config(config: JsonDict) -> Config:
        """Checks the part of ``homeserver.yaml`` that is ours; Synapse does not start where this raises."""
        return parse(config)

    async def _look(self) -> None:
        """Tells the operator at the start whether it works, rather than the users later."""
        url, public_url = self._config.backend_url, self._config.public_url
        try:
            found = await self._backend.own_words()
        except Failure as failure:
            logger.error(
                "Ringback cannot be asked at backend_url %s: %s. Clients that ask for /call-config.json get 502 until it can",
                url,
                failure,
            )
            return
        told = found["baseUrl"]
        if public_url is not None and told not in (public_url, url):
            logger.error(
                "Ringback tells clients that it is at %s, and public_url says %s: make RINGBACK_PUBLIC_URL and public_url equal",
                told,
                public_url,
            )
        else:
            logger.info("found Ringback at %s", url)


def _add_to_well_known(api: ModuleApi, public_url: str) -> None:
    """Adds to what Synapse serves as ``/.well-known/matrix/client``.

    Modules have no interface to that: a web resource of theirs below ``/.well-known`` does not get on with Synapse's own. The
    setting ``extra_well_known_client_content`` does the same by hand, and counts for more.
    """
    entry = {"base_url": public_url}
    by_hand = f"add `extra_well_known_client_content: {{{_ENTRY}: {{base_url: {public_url}}}}}` to homeserver.yaml"
    try:
        server = api._hs.config.server
        content, served = server.extra_well_known_client_content, server.serve_client_wellknown
    except AttributeError:
        logger.error("This version of Synapse does not let modules add to /.well-known/matrix/client: %s", by_hand)
        return
    if content.setdefault(_ENTRY, entry) != entry:
        logger.error("extra_well_known_client_content has another %s than public_url, %s", _ENTRY, public_url)
    if not served:
        logger.warning(
            "Synapse serves no /.well-known/matrix/client, for public_baseurl is not set: clients find Ringback by "
            "/call-config.json alone"
        )
