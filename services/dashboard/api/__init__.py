"""The dashboard's routes: reading a page, and what is kept of the reading."""

from fastapi import APIRouter

from services.dashboard.api import looks, own, pages, views
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (own.router, pages.router, looks.router, views.router, receipts.router)
