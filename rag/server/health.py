"""Whether the server lives, whether it can answer, and what it counted."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from rag.server.bodies import Alive, Ready
from rag.server.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health")
    async def health() -> Alive:
        """Tell that the process answers."""
        return Alive(status="alive")

    @routes.get("/ready", responses={503: {"description": "Still loading, or failed to."}})
    async def ready() -> Ready:
        """Tell whether models are loaded and the index is open; a problem (503) until then."""
        desk.library()
        return Ready(status="ready")

    @routes.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Return counters and timings in Prometheus' text format."""
        return Response(desk.metrics.text(), media_type=desk.metrics.media_type)

    return routes
