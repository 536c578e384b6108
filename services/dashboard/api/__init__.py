"""The dashboard's routes: reading a page, and what is kept of the reading."""

from fastapi import APIRouter

from services.dashboard.api import glass, glass_pages, linking, live, looks, pages, views
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    pages.router,
    live.router,
    looks.router,
    views.router,
    glass.router,
    glass_pages.router,
    linking.router,
    receipts.router,
)
