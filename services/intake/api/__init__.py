"""Intake's routes, by what is written."""

from fastapi import APIRouter

from services.intake.api import (
    alert_pages,
    alert_rules,
    alerts,
    answering,
    consent,
    contacts,
    corrections,
    deliveries,
    entry,
    erasures,
    forms,
    high_risk,
    import_pages,
    imports,
    links,
    news,
    patients,
    responses,
    sites,
    survey_rules,
    surveys,
    tokens,
    visit_pages,
    visits,
)
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (
    surveys.router,  # what is asked for most stands first: routes are tried in their order
    corrections.router,
    responses.router,
    sites.router,
    patients.router,
    consent.router,
    erasures.router,
    visits.router,
    news.router,
    imports.router,
    import_pages.router,
    links.router,
    contacts.router,
    deliveries.router,
    forms.router,
    entry.router,
    answering.router,
    tokens.router,
    alerts.router,
    alert_rules.router,
    alert_pages.router,
    high_risk.router,
    survey_rules.router,
    visit_pages.router,
    receipts.router,
)
