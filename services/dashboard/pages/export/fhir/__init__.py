"""A page as a FHIR R4 Bundle, for the systems of other clinics."""

from services.dashboard.pages.export.fhir.bundle import bundle_of

__all__ = ["bundle_of"]
