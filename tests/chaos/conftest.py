"""The pipeline under the auditor's tests."""

import pytest

from tests.chaos.pipeline import Pipeline
from tests.conftest import Databases


@pytest.fixture
async def pipeline(database: Databases) -> Pipeline:
    """Empty, on two fresh databases."""
    pipeline = Pipeline(await database("intake"), await database("dashboard"))
    await pipeline.begin()
    return pipeline
