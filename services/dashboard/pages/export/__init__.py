"""Copies of a page that leave the system: all of it as JSON, as a FHIR Bundle, as a summary on paper.

A copy is whole or there is none: every text on the page that it is made of has been opened.
"""

from services.dashboard.pages.export.copies import Copy, Format, copy_of
from services.dashboard.pages.export.paper import Paper

__all__ = ["Copy", "Format", "Paper", "copy_of"]
