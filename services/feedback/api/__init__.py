"""Feedback's routes: answers go in, and only "which visits are open" comes out."""

from fastapi import APIRouter

from services.feedback.api import feedback, invitations
from shared.http import receipts

ROUTERS: tuple[APIRouter, ...] = (feedback.router, invitations.router, receipts.router, receipts.arrivals)
