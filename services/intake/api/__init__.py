"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import (
    answering,
    corrections,
    entry,
    erasures,
    forms,
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
    forms.router,
    entry.router,
    answering.router,
    tokens.router,
    receipts.router,
)
