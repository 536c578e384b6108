"""The operator's page as HTML: each panel asks a question and answers it in one sentence."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from services.analytics.pages.pictures import bar_width, control_chart
from shared.pages import environment

STATIC = Path(__file__).parent / "static"


def present(*, now: datetime, is_synthetic: bool, **figures: Any) -> str:
    """The page of `funnel`, `participation`, `feedback` and `pipeline` (the models of `api.network`)."""
    chart = figures["participation"].by_month
    return (
        _templates()
        .get_template("network.html")
        .render(
            now=now,
            is_synthetic=is_synthetic,
            wide=control_chart(chart, width=764, key="wide") if chart.points else None,
            narrow=control_chart(chart, width=358, key="narrow") if chart.points else None,
            **figures,
        )
    )


@cache
def _templates() -> Environment:
    made = environment(__package__ or "services.analytics.pages")
    made.filters |= {"percent": _percent}
    made.globals |= {"bar_width": bar_width}
    return made


def _percent(share: float | None) -> str:
    """One decimal."""
    return "" if share is None else f"{share * 100:.1f}%"
