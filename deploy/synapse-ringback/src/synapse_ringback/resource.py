"""``GET /call-config.json`` at Synapse."""

from http import HTTPStatus

from synapse.module_api import DirectServeJsonResource, JsonDict, SynapseRequest
from synapse.module_api.errors import SynapseError

from synapse_ringback.backend import Backend, Failure, came_from_here


class CallConfigResource(DirectServeJsonResource):
    """Answers every origin (CORS), preflight and errors included: Synapse sees to that, and that nobody keeps the answer."""

    isLeaf = True

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    async def _async_render_GET(self, request: SynapseRequest) -> tuple[int, JsonDict]:
        if came_from_here(request.requestHeaders):
            raise SynapseError(HTTPStatus.LOOP_DETECTED, "backend_url of synapse_ringback leads back to the homeserver")
        if request.postpath:
            raise SynapseError(HTTPStatus.NOT_FOUND, "there is nothing below /call-config.json", "M_NOT_FOUND")
        try:
            host = request.getHeader(b"host")
            authorization = request.getHeader(b"authorization")
            return await self._backend.call_config((host or b"").decode("ascii", "replace"), authorization)
        except Failure:
            raise SynapseError(
                HTTPStatus.BAD_GATEWAY,
                "the call server is not running, or does not answer: try again later (the homeserver's log says why)",
                "RINGBACK_UNAVAILABLE",
            ) from None
