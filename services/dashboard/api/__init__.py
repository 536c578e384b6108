"""The dashboard's routes: reading a page, and what is kept of the reading."""

from fastapi import APIRouter

from services.dashboard.api import glass, glass_pages, linking, looks, own, pages, views
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    own.router,
    pages.router,
    looks.router,
    views.router,
    glass.router,
    glass_pages.router,
    linking.router,
    receipts.router,
)
