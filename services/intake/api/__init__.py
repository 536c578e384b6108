"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import entry, erasures, forms, links, patients, sites, surveys, tokens, visits
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    surveys.router,  # what is asked for most stands first: routes are tried in their order
    sites.router,
    patients.router,
    erasures.router,
    visits.router,
    links.router,
    forms.router,
    entry.router,
    tokens.router,
    receipts.router,
)
