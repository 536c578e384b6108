"""The operator's page: is it feasible, do people answer, do they feel included, is the data arriving."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from services.analytics.api import network
from services.analytics.pages import present
from shared.http.access import Operator

router = APIRouter(include_in_schema=False)


@router.get("/network")
async def show_overview(request: Request, caller: Operator) -> Response:
    """All figures of one moment, in one transaction."""
    async with network.on_record(request) as connection:
        funnel, feedback = await network.of_people(connection, caller)
        html = present(
            funnel=funnel,
            participation=await network.participation(connection, caller),
            feedback=feedback.figures,
            pipeline=await network.pipeline(connection, caller),
            now=datetime.now(UTC),
            is_synthetic=request.app.state.settings.platform.is_synthetic,
        )
    return Response(html, media_type="text/html; charset=utf-8")
