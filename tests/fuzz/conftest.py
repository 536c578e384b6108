"""A network in which nobody is told to wait: what is looked for are answers that should not be."""

import pytest

from shared.settings import Platform
from tests.conftest import unlimited


@pytest.fixture(scope="session")
def platform(platform: Platform) -> Platform:
    return unlimited(platform)
