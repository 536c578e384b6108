"""Pictures of the operator's page: SVG by hand, named and described, coloured by class."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from services.analytics.domain import Cell, ControlChart, Point

HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 232, 16, 198, 40, 112


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where a share and a point's number lie in the picture."""

    width: int
    count: int
    low: float
    high: float

    def x(self, index: int) -> float:
        step = (self.right - LEFT) / max(self.count - 1, 1)
        return LEFT + index * step

    def y(self, share: float) -> float:
        return BOTTOM - (share - self.low) / (self.high - self.low) * (BOTTOM - TOP)

    @property
    def right(self) -> float:
        return self.width - RIGHT


def bar_width(cell: Cell, most: Cell) -> float:
    """Length of a bar, 0 to 100; a hidden count has none."""
    return 0.0 if cell.value is None or not most.value else min(cell.value / most.value * 100, 100)


def control_chart(chart: ControlChart, *, width: int, key: str) -> Markup:
    """A p-chart: points, centre line, stepped limits; a point outside is a square with its words."""
    edges = [edge for point in chart.points for edge in (point.share, point.lower, point.upper) if edge is not None]
    plot = _Plot(width, len(chart.points), max(min(edges) - 0.03, 0), min(max(edges) + 0.03, 1))
    parts = [_ticks(plot), _limits(chart, plot), _line(chart, plot), *_points(chart, plot), *_periods(chart, plot)]
    if chart.centre is not None:
        y = plot.y(chart.centre)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{plot.right}" y2="{y:.1f}" class="l-limit"/>')
        parts.append(f'<text x="{plot.right + 6}" y="{y + 4:.1f}" class="t-ink">baseline {chart.centre:.1%}</text>')
    css = "only-wide" if key == "wide" else "only-narrow"
    return Markup(  # noqa: S704 - numbers of ours; every text in it is escaped
        f'<svg class="{css}" viewBox="0 0 {width} {HEIGHT}" role="img" aria-labelledby="pc-{key}-t pc-{key}-d">'
        f'<title id="pc-{key}-t">Share of visits with a survey, by month, with control limits</title>'
        f'<desc id="pc-{key}-d">{escape(_described(chart))}</desc>{"".join(parts)}</svg>'
    )


def _described(chart: ControlChart) -> str:
    values = "; ".join(f"{point.period} {point.share:.1%} of {point.of}" for point in chart.points)
    return f"{values}. {chart.verdict}"


def _ticks(plot: _Plot) -> str:
    values = [tick / 100 for tick in range(0, 101, 10) if plot.low <= tick / 100 <= plot.high]
    return "".join(
        f'<line x1="{LEFT}" y1="{plot.y(value):.1f}" x2="{plot.right}" y2="{plot.y(value):.1f}" class="l-frame"/>'
        f'<text x="{LEFT - 6}" y="{plot.y(value) + 4:.1f}" text-anchor="end">{value:.0%}</text>'
        for value in values
    )


def _limits(chart: ControlChart, plot: _Plot) -> str:
    half = (plot.x(1) - plot.x(0)) / 2 if plot.count > 1 else 10
    steps = []
    for bound in ("lower", "upper"):
        path = [
            f"L{plot.x(index) - half:.1f} {plot.y(edge):.1f} L{plot.x(index) + half:.1f} {plot.y(edge):.1f}"
            for index, point in enumerate(chart.points)
            if (edge := getattr(point, bound)) is not None
        ]
        if path:
            steps.append(f'<path d="M{" ".join(path)[1:]}" class="l-thr"/>')
    return "".join(steps)


def _line(chart: ControlChart, plot: _Plot) -> str:
    corners = " L".join(f"{plot.x(index):.1f} {plot.y(point.share):.1f}" for index, point in enumerate(chart.points))
    return f'<path d="M{corners}" class="l-main l-thin"/>'


def _points(chart: ControlChart, plot: _Plot) -> list[str]:
    return [_point(point, plot.x(index), plot.y(point.share)) for index, point in enumerate(chart.points)]


def _point(point: Point, x: float, y: float) -> str:
    if not point.is_outside:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="p-ink"/>'
    words = f"{point.period}: {point.share:.1%} of {point.of}"
    return (
        f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="p-flag"/>'
        f'<text x="{x - 12:.1f}" y="{y + 4:.1f}" class="t-strong halo" text-anchor="end">{escape(words)}</text>'
    )


def _periods(chart: ControlChart, plot: _Plot) -> list[str]:
    every = max(len(chart.points) // (6 if plot.width > 500 else 3), 1)
    return [
        f'<text x="{plot.x(index):.1f}" y="{HEIGHT - 16}" text-anchor="middle">{escape(point.period)}</text>'
        for index, point in enumerate(chart.points)
        if index % every == 0
    ]
