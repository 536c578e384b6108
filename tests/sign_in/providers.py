"""What the suite asks of a provider, so that the one for development and Keycloak run through the same tests."""

from typing import Protocol

import httpx

from shared.auth import Role
from shared.settings import SignIn
from tests.sign_in.browser import Browser

SITE = "riverbend"
# By subject or user name; the provider gives each the role and, but for the operator, this site.
PEOPLE = {"rowe": Role.CLINICIAN, "kim": Role.COORDINATOR, "lund": Role.OPERATOR, "pat": Role.PATIENT}


class People(Protocol):
    """A provider with `PEOPLE`, at which the services are registered."""

    def sign_in(self, service: str) -> SignIn:
        """What the service is told of it."""

    async def choose(self, browser: Browser, page: httpx.Response, person: str, *, until: str = "") -> httpx.Response:
        """Sign in as a person on the provider's page."""

    def asks(self, page: httpx.Response) -> bool:
        """Whether this is the page that asks who somebody is."""
