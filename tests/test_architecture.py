"""What an import graph cannot see: the same files in every service, who commits, where topics are named."""

import ast
from collections.abc import Iterator
from importlib import import_module
from inspect import isasyncgenfunction, iscoroutinefunction
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant

from deploy.contracts.access import routes_of
from deploy.doors import SERVICES, consumes, publishes
from shared.events import TOPICS
from shared.http.direct import DirectRoute

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path for top in ("shared", "services", "deploy") for path in (ROOT / top).rglob("*.py"))
EVERY_SERVICE_HAS = {
    "__init__.py",
    "settings.py",
    "tables.py",
    "domain",
    "store.py",
    "api",
    "app.py",
    "worker.py",
    "migrations",
}
A_SERVICE_MAY_HAVE = {"handlers.py", "pages", "sending"}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 50
# What a worker reads, whose role sees every site, says so in its name.
OF_ALL_SITES = "_of_all_sites"
# The doors: where a request, a batch or a command begins. Nobody else opens a transaction.
DOORS = (
    "shared/http/",
    "shared/group_commit.py",
    "shared/consumer.py",
    "shared/dead_letters.py",
    "/api/",
    "/api.py",
    "/sending/",
    "deploy/",
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    found = {path.name for path in (ROOT / "services" / service).iterdir() if path.name != "__pycache__"}
    files = {name.removesuffix(".py") for name in found}
    assert {name.removesuffix(".py") for name in EVERY_SERVICE_HAS} <= files
    assert files <= {name.removesuffix(".py") for name in EVERY_SERVICE_HAS | A_SERVICE_MAY_HAVE}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_and_no_function_outgrows_its_budget(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno < MOST_LINES_OF_A_FUNCTION, function.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_doors_open_transactions(path: Path) -> None:
    if any(door in name_of(path) for door in DOORS) or name_of(path) == "shared/db.py":
        return
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    opened = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "transaction"]
    assert not opened


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_uses_an_orm(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            imported = [f"{module}.{name.name}".lower() for name in node.names if "sqlalchemy" in module + name.name]
            assert not [name for name in imported if ".orm" in name or "session" in name]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_topics_are_named_in_the_events_module_only(path: Path) -> None:
    if name_of(path).startswith("shared/events/"):
        return
    strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    assert not set(TOPICS) & {value for value in strings if isinstance(value, str)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_reading_store_function_takes_a_site_scope(service: str) -> None:
    store = ROOT / "services" / service / "store"
    files = sorted(store.glob("*.py")) or [store.with_suffix(".py")]
    for function in (function for file in files for function in functions(file)):
        is_statement = any(argument.arg == "connection" for argument in function.args.args)
        writes = function.name.startswith(("record_", "lengthen_", "hold_")) or function.name.endswith(OF_ALL_SITES)
        if is_statement and not writes and not function.name.startswith("_"):
            annotations = {ast.unparse(argument.annotation) for argument in function.args.args if argument.annotation}
            assert "SiteScope" in annotations, f"{service}: {function.name} reads without a scope of sites"


def test_every_topic_has_one_publisher_and_a_consumer() -> None:
    for name, topic in TOPICS.items():
        assert [service for service in SERVICES if topic in publishes(service)] == [topic.publisher], name
        assert [service for service in SERVICES if topic in consumes(service)], f"nobody reads {name}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_of_patients_or_sites_leads_its_key_with_the_site(service: str) -> None:
    metadata = import_module(f"services.{service}.tables").metadata
    without_site = {"relay_cursor", "consumer_offset", "notary_cursor"}
    without_site |= {"session", "ended_subject"}  # of somebody of several sites, or of none
    for table in metadata.tables.values():
        if table.name not in without_site:
            assert next(iter(table.primary_key.columns)).name == "site_id", table.name


def test_nobody_sleeps_to_wait_in_tests_but_waits_for_a_condition() -> None:
    sleeping = {
        name_of(path)
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "sleep"
    }
    assert not sleeping, "tests/waiting.py waits for conditions"


def routers_that_services_share() -> list[APIRouter]:
    """Those of signing in and out, receipts, keys and health."""
    modules = [import_module(f"shared.http.{path.stem}") for path in (ROOT / "shared/http").glob("*.py")]
    return [one for module in modules for one in vars(module).values() if isinstance(one, APIRouter)]


@pytest.mark.parametrize("service", [*SERVICES, "shared"])
def test_no_request_waits_for_a_thread_to_read_its_parameters(service: str) -> None:
    is_shared = service == "shared"
    routers = routers_that_services_share() if is_shared else import_module(f"services.{service}.api").ROUTERS
    paths = {route.path for route in routes_of(routers)}
    assert not is_shared or {"/sign-in", "/sign-in/own", "/sign-out", "/health/live"} <= paths
    for route in routes_of(routers):
        called = {one.call for one in _dependencies(route.dependant)}
        in_threads = [one for one in called if not any(kind(one) for kind in _IN_THE_LOOP)]
        assert not in_threads, f"{route.path}: FastAPI calls {in_threads} in a thread, being no coroutine functions"


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_tried_first_stands_first(service: str) -> None:
    are_direct = [
        isinstance(route, DirectRoute) for route in routes_of(import_module(f"services.{service}.api").ROUTERS)
    ]
    assert are_direct == sorted(are_direct, reverse=True)


_IN_THE_LOOP = (
    iscoroutinefunction,
    isasyncgenfunction,
    lambda one: iscoroutinefunction(type(one).__call__),
)


def _dependencies(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _dependencies(one)
