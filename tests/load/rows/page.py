"""Pages through one dashboard door, each look on record before it is answered; and the same bytes from the floor.

Of the page for people also what a fresh process takes for its first, and what it weighs with all that it loads.
"""

import time

import httpx

from deploy.doors import Door
from shared.auth import Role
from tests.load import databases, subjects
from tests.load.bed import Bed
from tests.load.figures import CPU, MEDIAN, P99, RATE, Figure, Measure, Sample, alternate
from tests.load.loops import BadRun, closed, opened
from tests.load.subjects import Meter, Subject, written_at_rest
from tests.weight import loaded_by

DOOR = Door("dashboard", "app")
WEIGHT = Measure("compressed", "kB")
FIRST_MS = Measure("time", "ms")
FIRST = "first page as HTML of a fresh process"
WHOLE = "page as HTML with all that it loads"
FORMS = {"JSON": ("/v1/patients/", "/page"), "HTML": ("/patients/", "")}


def row(form: str, connections: int) -> str:
    return f"read a page as {form}, {connections} connection{'s' if connections > 1 else ''}"


def measure(bed: Bed) -> list[Figure]:
    """Every side begins with a fresh process on the same data; the floor has the answers of the product as its rows."""
    answers = _answers(bed)

    def product() -> Sample:
        with bed.stack.doors([DOOR], {"dashboard": "dashboard"}) as subject:
            return {**_first(bed, subject), **_loops(bed, subject)}

    def floor() -> Sample:
        subjects.make_floor(bed.stack.admin_dsn)
        with bed.stack.floor() as subject:
            databases.copy_into(subject.dsn, "page", ("site_id", "patient_id", "json", "html"), answers)
            return _loops(bed, subject)

    return alternate(bed.plan.alternations, bed.stack.disk, product, floor)


def _answers(bed: Bed) -> list[tuple[object, ...]]:
    """Site, patient, and the bytes that the product answers with, as JSON and as HTML."""
    rows: list[tuple[object, ...]] = []
    with (
        bed.stack.doors([DOOR], {"dashboard": "dashboard"}) as product,
        httpx.Client(base_url=product.url("dashboard"), timeout=30, trust_env=False) as client,
    ):
        for site, patient in bed.read_patients:
            token = bed.stack.network.issuer.token(Role.CLINICIAN, [site])
            headers = {"authorization": f"Bearer {token}"}
            pages = [
                client.get(before + patient + after, headers=headers).raise_for_status().content
                for before, after in FORMS.values()
            ]
            rows.append((site, patient, *pages))
    return rows


def _first(bed: Bed, subject: Subject) -> Sample:
    """The first page of the process, and what a browser that has nothing of it loads."""
    site, patient = bed.read_patients[0]
    bearer = f"Bearer {bed.stack.network.issuer.token(Role.CLINICIAN, [site])}"
    headers = {"authorization": bearer, "accept-encoding": "gzip", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=subject.url("dashboard"), timeout=30, trust_env=False) as client:
        began = time.perf_counter()
        page = client.get(f"/patients/{patient}", headers=headers).raise_for_status()
        spent_s = time.perf_counter() - began
        files = [client.get(path, headers=headers).raise_for_status() for path in loaded_by(page.text)]
    weight = sum(one.num_bytes_downloaded for one in (page, *files))
    return {(FIRST, FIRST_MS): 1000 * spent_s, (WHOLE, WEIGHT): weight / 1000}


def _loops(bed: Bed, subject: Subject) -> Sample:
    plan = bed.plan
    for form in FORMS:
        _closed(bed, subject, form, 32, plan.warm_up_s)
    return {
        **_closed(bed, subject, "JSON", 1, plan.window_s),
        **_closed(bed, subject, "JSON", 32, plan.window_s),
        **_open(bed, subject),
        **_closed(bed, subject, "HTML", 1, plan.window_s),
        **_closed(bed, subject, "HTML", 32, plan.window_s),
    }


def _closed(bed: Bed, subject: Subject, form: str, connections: int, seconds: int) -> Sample:
    name, written_before = row(form, connections), written_at_rest(subject)
    arguments = [str(bed.targets.folder), *FORMS[form]]
    meter = Meter(subject)
    found = closed(bed.tools, subject.url("dashboard"), "read.lua", connections, seconds, arguments)
    spent_s = meter.spent_s()
    written = written_at_rest(subject) - written_before
    if not found.requests <= written <= found.requests + connections:
        raise BadRun(f"{name}: {found.requests} pages were shown and {written} looks recorded.")
    return {
        (name, RATE): found.rate,
        (name, MEDIAN): found.p50_ms,
        (name, P99): found.p99_ms,
        (name, CPU): spent_s / written * 1e6,
    }


def _open(bed: Bed, subject: Subject) -> Sample:
    rate = bed.plan.open_rate
    name = f"read a page as JSON, open loop at {rate:,}/s"
    found = opened(bed.tools, subject, bed.targets.folder, "read", rate=rate, seconds=bed.plan.window_s)
    return {(name, measure): value for measure, value in found.measures().items()}
