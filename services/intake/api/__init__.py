"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import entry, erasures, links, patients, sites, surveys, tokens, visits
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    sites.router,
    patients.router,
    erasures.router,
    visits.router,
    surveys.router,
    links.router,
    entry.router,
    tokens.router,
    receipts.router,
)
