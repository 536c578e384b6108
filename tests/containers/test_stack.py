"""`pytest --stack containers` really tests on the servers of docker-compose.yml."""

import asyncpg
import pytest

from deploy.local.stack import Addresses
from tests.containers.engine import COMPOSE

pytestmark = pytest.mark.containers


async def test_the_database_is_of_the_image_and_set_as_in_compose(
    stack: Addresses, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("stack") != "containers":
        pytest.skip("run with --stack containers")
    image, version = COMPOSE["services"]["postgres"]["image"].split(":")
    connection = await asyncpg.connect(stack.postgres_admin_dsn)
    try:
        assert (image, str(connection.get_server_version().major)) == ("postgres", version)
        assert await connection.fetchval("SHOW max_connections") == "200"
        assert await connection.fetchval("SHOW max_locks_per_transaction") == "128"
        assert await connection.fetchval("SHOW fsync") == "on"
    finally:
        await connection.close()
