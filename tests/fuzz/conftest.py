"""A network in which nobody is told to wait: what is looked for are answers that should not be."""

import pytest

from shared.settings import Platform, Rate, Rates

UNLIMITED = Rate(burst=1_000_000, per_minute=60_000_000)


@pytest.fixture(scope="session")
def platform(platform: Platform) -> Platform:
    rates = Rates(person=UNLIMITED, stranger=UNLIMITED, token=UNLIMITED)
    return platform.model_copy(update={"rates": rates})
