"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import erasures, patients, sites, surveys, visits
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    sites.router,
    patients.router,
    erasures.router,
    visits.router,
    surveys.router,
    receipts.router,
)
