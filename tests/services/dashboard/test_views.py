"""What counts as a look, how long it goes on, and that the same events again come to the same counts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.analytics.domain.pseudonyms import Pseudonyms
from services.analytics.handlers import applier
from services.dashboard.api.closing import close_silent_views
from services.dashboard.domain.context import BEFORE_CHECK_IN
from shared.auth import Caller, Role
from shared.db import open_pool, transaction
from shared.events import DashboardViewed, ViewContext, ViewEnd
from tests.builders import VISIT_AT
from tests.conftest import Pools, client_of
from tests.services.dashboard.conftest import HERE, PAGE, SHOWN, THERE, Clients, break_glass
from tests.services.streams import published
from tests.services.trails import trail
from tests.sign_in.conftest import Clock

SILENT_FOR = timedelta(minutes=30)


@pytest.fixture
async def browser(dashboard: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Of a clinician of the patient's site, signed in."""
    caller = Caller("dr-own", Role.CLINICIAN, frozenset({THERE}))
    async with transaction(dashboard.state.pool, caller.scope) as connection:
        secret = await dashboard.state.sessions.open(connection, caller)
    async with client_of(dashboard) as client:
        client.headers["cookie"] = f"{dashboard.state.sessions.cookie}={secret}"
        yield client


async def looks(dashboard: FastAPI) -> list[DashboardViewed]:
    """What is published of looks, in order."""
    return [event.body for event in await published(dashboard) if isinstance(event.body, DashboardViewed)]


async def said(client: httpx.AsyncClient, view: DashboardViewed, **beacon: Any) -> None:
    answer = await client.post(f"/v1/views/{view.view_id}/beacon", json=beacon)
    assert answer.status_code == 204, answer.text


async def close(dashboard: FastAPI, clock: Clock) -> int:
    async with open_pool(dashboard.state.database.worker, size=1) as pool:
        return await close_silent_views(pool, clock, SILENT_FOR)


async def test_the_same_reload_twice_is_one_look_and_each_is_on_record(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock
) -> None:
    for _ in range(3):
        assert (await browser.get(SHOWN)).status_code == 200
        clock.go_on(seconds=5)
    assert len(await looks(dashboard)) == 1
    assert len(await trail(dashboard, route="show_page", kind="read")) == 3


async def test_a_reload_is_one_where_the_browser_also_sends_a_password_for_a_proxy(
    dashboard: FastAPI, browser: httpx.AsyncClient
) -> None:
    for _ in range(2):
        answer = await browser.get(SHOWN, headers={"authorization": "Basic eDp5"})
        assert answer.status_code == 200
    assert len(await looks(dashboard)) == 1


@pytest.mark.parametrize("says_first", [True, False])
async def test_a_page_that_was_just_left_goes_on_with_all_that_was_seen_of_it(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock, says_first: bool
) -> None:
    """A browser says that it leaves a page once it has the next one; a tab that is closed, before."""
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    for number, panel in enumerate(("who", "checks", "who", "concerns"), start=1):
        clock.go_on(seconds=20)
        spoken = {"duration_ms": 2000 * number, "panels": [panel]}
        if says_first:
            await said(browser, first, **spoken)
        page = await browser.get(SHOWN, params={"span": "5-years"} if number % 2 else {})
        assert f"/v1/views/{first.view_id}/beacon" in page.text
        assert f'data-seen="{2000 * (number if says_first else number - 1)}"' in page.text
        if not says_first:
            await said(browser, first, **spoken)
    opened, *_, last = await looks(dashboard)
    assert {look.view_id for look in await looks(dashboard)} == {first.view_id}
    seen = {"duration_ms": 8000, "panels": ("who", "checks", "concerns"), "closed_by": ViewEnd.BEACON}
    assert last == opened.model_copy(update=seen)


async def test_of_one_look_no_more_panels_are_kept_than_a_page_may_have(
    dashboard: FastAPI, browser: httpx.AsyncClient
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    names = ["a" * length for length in range(1, 31)]
    await said(browser, first, duration_ms=1, panels=names[:15])
    await said(browser, first, duration_ms=2, panels=names[15:])
    assert (await looks(dashboard))[-1].panels == tuple(names[:20])


async def test_a_page_of_a_while_ago_or_now_for_two_is_looked_at_anew(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    await said(browser, first, duration_ms=2000)
    clock.go_on(seconds=31)
    await browser.get(SHOWN)
    await browser.get(SHOWN, params={"shared": "true"})
    opened = [look for look in await looks(dashboard) if look.closed_by is None]
    assert [look.is_shared_screen for look in opened] == [False, False, True]


async def test_a_page_that_is_opened_again_once_the_time_of_the_visit_begins_is_looked_at_in_the_visit(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock
) -> None:
    clock.now = VISIT_AT - BEFORE_CHECK_IN - timedelta(seconds=5)
    await browser.get(SHOWN)
    clock.go_on(seconds=10)
    await browser.get(SHOWN)
    assert [look.context for look in await looks(dashboard)] == [ViewContext.BEFORE_VISIT, ViewContext.IN_VISIT]


async def test_a_page_that_its_script_loads_anew_goes_on_also_once_the_visit_begins(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock
) -> None:
    clock.now = VISIT_AT - BEFORE_CHECK_IN - timedelta(minutes=20)
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    clock.go_on(minutes=40)
    own = browser.headers["cookie"]
    browser.headers["cookie"] = f"{own}; samepage-on-screen={first.view_id}"
    await browser.get(SHOWN)
    browser.headers["cookie"] = own
    clock.go_on(minutes=1)
    await browser.get(SHOWN)
    by = [(look.context, look.view_id == first.view_id) for look in await looks(dashboard)]
    assert by == [(ViewContext.BEFORE_VISIT, True), (ViewContext.IN_VISIT, False)], "the second by hand"


async def test_the_look_that_a_browser_says_it_just_left_goes_on_however_long_it_was_silent(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock, as_: Clients
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    browser.headers["cookie"] += f"; samepage-just-left={first.view_id}"
    clock.go_on(minutes=10)
    assert f'data-view="{first.view_id}"' in (await browser.get(SHOWN)).text
    async with as_("clinician", THERE, "dr-other") as other:
        other.headers["cookie"] = browser.headers["cookie"]
        await other.get(SHOWN)
    await browser.get(SHOWN, params={"shared": "true"})
    browser.headers["cookie"] = browser.headers["cookie"].replace(str(first.view_id), "no-look-at-all")
    clock.go_on(minutes=1)
    assert (await browser.get(SHOWN)).status_code == 200
    by = [(look.is_shared_screen, look.view_id == first.view_id) for look in await looks(dashboard)]
    assert by == [(False, True), (False, False), (True, False), (False, False)], "another's, for two, unnamed"


async def test_who_hears_that_the_page_is_unchanged_goes_on_with_the_same_look(
    dashboard: FastAPI, clock: Clock, as_: Clients
) -> None:
    async with as_("clinician", THERE, "dr-own") as client, as_("clinician", THERE, "dr-other") as other:
        shown = (await client.get(PAGE)).headers
        held = {"if-none-match": shown["etag"]}
        for _ in range(5):
            clock.go_on(minutes=20)
            again = await client.get(PAGE, headers=held)
            assert (again.status_code, again.headers["samepage-view"]) == (304, shown["samepage-view"])
        assert len(await looks(dashboard)) == 1
        assert [row["status"] for row in await trail(dashboard, route="read_page")] == [200, *[304] * 5]
        assert await close(dashboard, clock) == 0, "it is not silent"
        assert (await other.get(PAGE, headers=held)).status_code == 304
        assert (await client.get(PAGE, params={"shared": "true"}, headers=held)).status_code == 304
        clock.go_on(minutes=31)
        assert (await client.get(PAGE, headers=held)).status_code == 304
        views = {look.view_id for look in await looks(dashboard)}
        assert len(views) == 4, "of somebody else, for two, and after long"


async def test_another_person_is_no_reload(dashboard: FastAPI, browser: httpx.AsyncClient, as_: Clients) -> None:
    await browser.get(SHOWN)
    async with as_("coordinator", THERE, "j-ortiz") as other:
        await other.get(SHOWN)
    assert [look.role for look in await looks(dashboard)] == ["clinician", "coordinator"]


async def test_a_page_that_is_kept_up_to_date_goes_on_being_one_look(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock, as_: Clients
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    same = {"samepage-view": str(first.view_id)}
    await said(browser, first, duration_ms=2000)
    clock.go_on(minutes=10)
    again = await browser.get(SHOWN, headers=same)
    assert f'data-beacon="/v1/views/{first.view_id}/beacon"' in again.text
    assert len(await looks(dashboard)) == 2, "opened, and heard of"
    async with as_("clinician", THERE, "dr-other") as other:
        assert (await other.get(PAGE, headers=same)).headers["samepage-view"] != same["samepage-view"]
    clock.go_on(hours=13)
    async with as_("clinician", THERE, "dr-own") as client:
        assert (await client.get(PAGE, headers=same)).headers["samepage-view"] != same["samepage-view"]


async def test_a_system_that_asks_again_without_saying_so_looks_again(dashboard: FastAPI, as_: Clients) -> None:
    async with as_("clinician", THERE, "dr-own") as client:
        view = (await client.get(PAGE)).headers["samepage-view"]
        await client.get(PAGE)
        assert (await client.get(PAGE, headers={"samepage-view": view})).headers["samepage-view"] == view
    assert len(await looks(dashboard)) == 2


async def test_through_broken_glass_a_look_goes_on_too(dashboard: FastAPI, clinician: httpx.AsyncClient) -> None:
    await break_glass(clinician)
    await clinician.get(SHOWN)
    (first,) = await looks(dashboard)
    page = await clinician.get(SHOWN, headers={"samepage-view": str(first.view_id)})
    assert f'data-view="{first.view_id}"' in page.text
    assert len(await looks(dashboard)) == 1


@pytest.mark.parametrize(
    "said_by_browser", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}]
)
@pytest.mark.parametrize("path", [SHOWN, PAGE])
async def test_what_a_browser_fetches_ahead_is_neither_shown_nor_counted(
    dashboard: FastAPI, browser: httpx.AsyncClient, path: str, said_by_browser: dict[str, str]
) -> None:
    answer = await browser.get(path, headers=said_by_browser)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:samepage:problem:ahead-of-time")
    assert await looks(dashboard) == []
    assert (await browser.get(path)).status_code == 200
    assert len(await looks(dashboard)) == 1


async def test_who_is_nobody_looks_at_nothing(dashboard: FastAPI) -> None:
    async with client_of(dashboard) as nobody:
        assert (await nobody.get(SHOWN)).status_code == 401
        assert (await nobody.head(SHOWN)).status_code in (401, 405)
        assert (await nobody.get("/health/ready")).status_code == 200
    assert await looks(dashboard) == []


async def test_a_look_that_falls_silent_is_closed_once_by_a_time_out_and_marked_so(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock
) -> None:
    await browser.get(SHOWN)
    clock.go_on(minutes=29)
    assert await close(dashboard, clock) == 0
    clock.go_on(minutes=2)
    assert await close(dashboard, clock) == 1
    assert await close(dashboard, clock) == 0
    opened, closed = await looks(dashboard)
    assert closed == opened.model_copy(update={"closed_by": ViewEnd.TIMEOUT})
    assert closed.duration_ms is None, "nobody knows how long"
    (row,) = await trail(dashboard, route="close-silent-views")
    assert (row["subject"], row["patient_id"]) == ("dashboard-worker", opened.patient_id)


async def test_a_look_that_was_heard_of_is_not_timed_out_and_one_that_speaks_late_is_believed(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock, as_: Clients
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    await said(browser, first, duration_ms=61_000, panels=["concerns"])
    async with as_("clinician", THERE, "dr-other") as other:
        late = UUID((await other.get(PAGE)).headers["samepage-view"])
        clock.go_on(minutes=31)
        assert await close(dashboard, clock) == 1
        await said(other, first.model_copy(update={"view_id": late}), duration_ms=1_900_000)
    ends = {look.view_id: (look.closed_by, look.duration_ms) for look in await looks(dashboard)}
    assert ends == {first.view_id: (ViewEnd.BEACON, 61_000), late: (ViewEnd.BEACON, 1_900_000)}


async def test_what_a_site_reports_is_whole_as_it_is(
    dashboard: FastAPI, clock: Clock, browser: httpx.AsyncClient, as_: Clients
) -> None:
    await browser.get(SHOWN)
    (seen,) = await looks(dashboard)
    told = seen.model_dump(mode="json", exclude={"view_id", "closed_by"}) | {"duration_ms": None}
    async with as_("system", THERE) as system:
        answer = await system.post("/v1/views", json=told, headers={"idempotency-key": "a-view-of-before"})
        assert answer.status_code == 201, answer.text
    assert [look.closed_by for look in await looks(dashboard)] == [None, ViewEnd.REPORTED]
    clock.go_on(minutes=31)
    assert await close(dashboard, clock) == 1
    assert [look.closed_by for look in await looks(dashboard)] == [None, ViewEnd.REPORTED, ViewEnd.TIMEOUT]


async def test_the_same_events_again_and_in_any_order_come_to_the_same_counts(
    dashboard: FastAPI, browser: httpx.AsyncClient, clock: Clock, as_: Clients, pool_of: Pools
) -> None:
    await browser.get(SHOWN)
    (first,) = await looks(dashboard)
    for duration_ms in (2000, 5000):
        await said(browser, first, duration_ms=duration_ms)
        await browser.get(SHOWN)
    async with as_("clinician", THERE, "dr-other") as other:
        await other.get(PAGE)
    clock.go_on(minutes=31)
    assert await close(dashboard, clock) == 1
    events = [event for event in await published(dashboard) if isinstance(event.body, DashboardViewed)]
    assert len(events) == 5
    apply = applier(Pseudonyms(b"p" * 32))
    async with transaction(await pool_of("analytics")) as connection:
        for batch in (events, events, events[::-1], events[2:]):
            await apply(connection, batch)
            counted = await connection.fetch("SELECT duration_ms FROM view ORDER BY duration_ms")
            assert [row["duration_ms"] for row in counted] == [5000, None]


async def test_more_looks_than_are_closed_at_once_are_all_closed(dashboard: FastAPI, clock: Clock) -> None:
    await dashboard.state.database.run(
        f"""
        INSERT INTO view SELECT '{HERE}', gen_random_uuid(), gen_random_uuid(), NULL, 'dr-own', 'clinician', 'outside',
            false, '{clock().isoformat()}', NULL, '{{}}' FROM generate_series(1, 450)
        """
    )
    clock.go_on(hours=1)
    assert await close(dashboard, clock) == 450
    assert {look.closed_by for look in await looks(dashboard)} == {ViewEnd.TIMEOUT}
