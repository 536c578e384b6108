"""The dashboard's routes: a page read here or from an EHR, the plan written on it, and what is kept of the reading."""

from fastapi import APIRouter

from services.dashboard.api import cds, copies, glass, glass_pages, launching, linking, live, looks, pages, plan, views
from shared.http import public_keys, receipts

ROUTERS: tuple[APIRouter, ...] = (
    pages.router,
    plan.router,
    live.router,
    copies.router,
    looks.router,
    views.router,
    glass.router,
    glass_pages.router,
    linking.router,
    cds.router,
    launching.router,
    receipts.router,
    receipts.arrivals,
    public_keys.router,
)
