"""Feedback's HTTP door."""

from typing import Any

from fastapi import FastAPI

from services.feedback.api import ROUTERS
from services.feedback.settings import FeedbackSettings
from shared.http.app import Entrance
from shared.http.app import create_app as create
from shared.http.app import document as describe

NAME = "feedback"


def create_app(settings: FeedbackSettings) -> FastAPI:
    """The application; it opens its pool when it starts."""
    # Until patients have a page here, they are told that they are signed in.
    return create(
        NAME, settings, ROUTERS, state={"settings": settings}, entrance=Entrance(own_page=lambda _: "/signed-in")
    )


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return describe(NAME, ROUTERS)
