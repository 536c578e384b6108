"""Analytics' routes: the network's figures and the operator's page."""

from fastapi import APIRouter

from services.analytics.api import network, overview
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (network.router, overview.router, receipts.arrivals)
