"""A small OpenID Connect provider for development: everybody whom it knows signs in with one press, without a password.

It is as strict as a real one about everything else: registered clients with a secret, exact addresses, PKCE always,
codes that are good once and for a minute. The suite of `tests/sign_in` runs against it and against Keycloak. Never let
anybody else reach it: whoever does is whoever they say.
"""

from deploy.provider.people import Person, keep_people, known_people
from deploy.provider.provider import Client, Provider

__all__ = ["Client", "Person", "Provider", "keep_people", "known_people"]
