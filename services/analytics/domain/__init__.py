"""The network's measures, pure. Every figure carries its own count and denominator, small ones hidden.

Population: only people whose consent is `consented` now. Who withdraws leaves every later figure.
"""

from services.analytics.domain.control_chart import ControlChart, Month, Point, p_chart
from services.analytics.domain.feedback import Answer, FeedbackFigures, figures_of
from services.analytics.domain.pipeline import SitePipeline, pipeline_of
from services.analytics.domain.suppression import Cell, Leaving, Share, hide_shares, share

__all__ = [
    "Answer",
    "Cell",
    "ControlChart",
    "FeedbackFigures",
    "Leaving",
    "Month",
    "Point",
    "Share",
    "SitePipeline",
    "figures_of",
    "hide_shares",
    "p_chart",
    "pipeline_of",
    "share",
]
