"""Clinical's routes, by what is written."""

from fastapi import APIRouter

from services.clinical.api import assessments, labs, medications, plans
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    assessments.router,
    labs.router,
    medications.router,
    plans.router,
    receipts.router,
    receipts.arrivals,
)
