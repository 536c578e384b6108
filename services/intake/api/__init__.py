"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import patients, sites, surveys, visits
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (sites.router, patients.router, visits.router, surveys.router, receipts.router)
