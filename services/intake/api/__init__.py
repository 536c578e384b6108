"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import contacts, deliveries, entry, erasures, links, patients, sites, surveys, tokens, visits
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    surveys.router,  # what is asked for most stands first: routes are tried in their order
    sites.router,
    patients.router,
    erasures.router,
    visits.router,
    links.router,
    contacts.router,
    deliveries.router,
    entry.router,
    tokens.router,
    receipts.router,
)
