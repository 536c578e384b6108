"""The migrations of every service lead to its tables."""

import pytest

from deploy.doors import SERVICES
from deploy.migrate import differences
from tests.conftest import Databases


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrations_lead_to_the_tables(service: str, database: Databases) -> None:
    assert await differences(service, (await database(service)).owner) is None


async def test_a_table_that_no_migration_made_is_found(database: Databases) -> None:
    """The tables of one service on the database of another differ, and it is said how."""
    assert "feedback" in (await differences("feedback", (await database("clinical")).owner) or "")
