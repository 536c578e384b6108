"""The dashboard's routes: reading a page, here or from an EHR, and what is kept of the reading."""

from fastapi import APIRouter

from services.dashboard.api import cds, copies, glass, glass_pages, launching, linking, live, looks, pages, views
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    pages.router,
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
)
