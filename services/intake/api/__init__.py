"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import (
    alert_pages,
    alert_rules,
    alerts,
    answering,
    corrections,
    entry,
    erasures,
    high_risk,
    links,
    patients,
    sites,
    surveys,
    tokens,
    visits,
)
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    surveys.router,  # what is asked for most stands first: routes are tried in their order
    corrections.router,
    sites.router,
    patients.router,
    erasures.router,
    visits.router,
    links.router,
    entry.router,
    answering.router,
    tokens.router,
    alerts.router,
    alert_rules.router,
    alert_pages.router,
    high_risk.router,
    receipts.router,
)
