"""Clinical's routes, by what is written."""

from fastapi import APIRouter

from services.clinical.api import assessments, labs, medications, mistakes, plans
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    assessments.router,
    labs.router,
    medications.router,
    plans.router,
    mistakes.router,
    receipts.router,
    receipts.arrivals,
)
