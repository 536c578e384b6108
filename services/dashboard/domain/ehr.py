"""EHRs of the sites: whose they are, and how what they say of people becomes what we know them by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.fhir import OURS
from shared.key_sets import is_trustworthy

PATIENT_SYSTEM = f"{OURS}/NamingSystem/patient-id"
"""The identifier system of our patient ids: an EHR that keeps ours writes it into `Patient.identifier`."""

FHIR_ID = re.compile(r"[A-Za-z0-9-][A-Za-z0-9.-]{0,63}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PRACTITIONER = re.compile(r"(?:(?P<server>https?://.*)/)?(?P<who>Practitioner(?:Role)?/[A-Za-z0-9.-]{1,64})")
# As browsers send it: in lower case, and without the port that the scheme implies.
_ORIGIN = re.compile(r"(https(?!.*:443$)|http(?!.*:80$))://[a-z0-9.-]+(:[1-9][0-9]{0,4})?")


@dataclass(frozen=True, slots=True)
class Ehr:
    """An EHR of a site.

    `issuer` signs its calls, with keys that stand at the address `key_set`. Pages are launched from `fhir_server`,
    where we are called `client_id`. Its own pages are of `origins`: they may show ours in a frame, and call us.
    """

    site_id: str
    name: str
    issuer: str
    key_set: str
    fhir_server: str
    client_id: str
    origins: tuple[str, ...] = ()
    revoked_at: datetime | None = None

    @property
    def ehr_id(self) -> str:
        return f"{self.site_id}.{self.name}"

    @property
    def at_provider(self) -> str:
        """What sessions that it opened have as their session at the provider."""
        return f"ehr {self.ehr_id}"

    def subject_of(self, user: str) -> str | None:
        """Who one of its users is on record, `riverbend.epic/Practitioner/7`; None for who is no practitioner there."""
        match = _PRACTITIONER.fullmatch(user)
        if match is None or match["server"] not in (None, self.fhir_server):
            return None
        return f"{self.ehr_id}/{match['who']}"

    def wrong(self) -> str | None:
        """What keeps it from being registered, as a sentence; None when nothing does."""
        if not (_NAME.fullmatch(self.site_id) and _NAME.fullmatch(self.name)):
            return "Site and name are lower-case letters, digits and hyphens, at most 40."
        if not all(map(is_trustworthy, (self.key_set, self.fhir_server, *self.origins))):
            return "Addresses begin with https: only so it is sure whose they are."
        if not all(map(_ORIGIN.fullmatch, self.origins)):
            return "An origin is https://, one host in lower case (no pattern), perhaps a port, and nothing after it."
        return None if self.issuer and self.client_id else "Issuer and client id cannot be empty."


def our_id(patient_id: str, resource: Any) -> UUID | None:
    """Our id of a patient whom an EHR calls `patient_id`: what `resource`, its Patient, has under our identifier
    system, else the EHR's own id where it is of the form of ours. None where neither says.
    """
    if isinstance(resource, Mapping) and (resource.get("resourceType"), resource.get("id")) == ("Patient", patient_id):
        for identifier in resource.get("identifier") or ():
            if isinstance(identifier, Mapping) and identifier.get("system") == PATIENT_SYSTEM:
                return _uuid(str(identifier.get("value")))
    return _uuid(patient_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
