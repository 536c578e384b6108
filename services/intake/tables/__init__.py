"""The tables of intake. The site leads every key."""

from services.intake.tables import alerts, imports, links, people, surveys
from services.intake.tables.metadata import metadata

__all__ = ["alerts", "imports", "links", "metadata", "people", "surveys"]
