"""The network's figures through analytics' HTTP door, on a real PostgreSQL: known answers, consent, what is hidden."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from math import erfc, sqrt
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.events import ConsentState, RecordChange, SurveyCompleted
from tests.builders import a_visit, an_enrollment, an_event
from tests.conftest import FreshDatabase, Tokens, client_of
from tests.services.analytics.attack import (
    is_small,
    numbers_of,
    told_by_differences,
    told_by_mean,
    told_by_table,
)
from tests.services.analytics.network import (
    APRIL,
    KNOWN,
    LOW,
    MARCH,
    MIDDLE,
    SITES,
    TOP,
    USED_AND_TOP,
    Group,
    events_of,
    give_up,
    learn,
    set_aside,
    site,
)

FIGURES = ("/v1/network/funnel", "/v1/network/participation", "/v1/network/feedback")
ROUTES = (*FIGURES, "/v1/pipeline", "/network")
Document = dict[str, Any]


async def forget(analytics: FastAPI) -> None:
    tables = ("site", "enrolment", "visit", "survey", "clinical_fact", "view", "feedback", "delivery", "consumer_head")
    await analytics.state.database.run("; ".join(f"DELETE FROM {table}" for table in tables))


async def read(client: httpx.AsyncClient, path: str) -> Document:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


def shown(count: int, of: int) -> Document:
    """A share of which nothing is hidden."""
    return {
        "count": {"value": count, "shown": "shown"},
        "of": {"value": of, "shown": "shown"},
        "share": pytest.approx(count / of) if of else None,
    }


async def funnel_of(client: httpx.AsyncClient) -> dict[str, tuple[int | None, int | None]]:
    """Count and denominator of each step."""
    steps = (await read(client, "/v1/network/funnel"))["steps"]
    return {step["name"]: (step["count"]["value"], step["of"] and step["of"]["value"]) for step in steps}


@pytest.fixture
async def known(analytics: FastAPI) -> FastAPI:
    await learn(analytics, *KNOWN)
    return analytics


async def test_the_funnel_counts_what_was_worked_out_by_hand(known: FastAPI, operator: httpx.AsyncClient) -> None:
    assert await funnel_of(operator) == {
        "Clinics sending surveys": (2, 3),
        "Clinicians with over 5 patients": (3, None),
        "Patients enrolled": (105, None),
        "Surveys received": (67, 94),
        "Feedback given": (43, 67),
        "Used over 1 month": (32, 43),
    }
    steps = (await read(operator, "/v1/network/funnel"))["steps"]
    assert [step["share"] for step in steps] == [None, None, None, *map(pytest.approx, (67 / 94, 43 / 67, 32 / 43))]


async def test_participation_counts_what_was_worked_out_by_hand(known: FastAPI, operator: httpx.AsyncClient) -> None:
    document = await read(operator, "/v1/network/participation")
    assert document["answered"] == shown(67, 94)
    assert document["viewed_in_visit"] == shown(31, 94)
    assert document["by_month"]["centre"] is None, "two months have no limits"
    assert [(point["period"], point["count"], point["of"]) for point in document["by_month"]["points"]] == [
        ("Mar 2024", 55, 55),
        ("Apr 2024", 12, 39),
    ]
    by_site = {row["site_id"]: (row["answered"], row["viewed_in_visit"]) for row in document["by_site"]}
    assert by_site == {
        "riverbend": (shown(44, 71), shown(20, 71)),
        "lakeside": (shown(23, 23), shown(11, 23)),
        "hillcrest": (shown(0, 0), shown(0, 0)),
    }
    assert [row["name"] for row in document["by_site"]] == sorted(row["name"] for row in document["by_site"])


async def test_feedback_counts_each_person_once_as_was_worked_out_by_hand(
    known: FastAPI, operator: httpx.AsyncClient
) -> None:
    figures = (await read(operator, "/v1/network/feedback"))["figures"]
    assert figures["responses"]["value"] == 55
    assert figures["top_score"] == shown(32, 55)
    assert figures["mean_score"] == pytest.approx((20 * 27 + 11 * 18 + 12 * 27 + 12 * 15) / 55 / 27 * 100)
    assert figures["used_in_visit"] == shown(31, 55)
    assert figures["used_outside_visit"] == shown(0, 55)
    assert figures["used_over_one_month"] == shown(32, 55)
    assert figures["helped"] == {"discussion": shown(20, 31), "what-matters": shown(11, 11), "decisions": shown(0, 0)}
    found, chi_square = figures["association"], 55 * (20 * 12 - 11 * 12) ** 2 / (31 * 24 * 32 * 23)
    assert found["table"] == [[20, 11], [12, 12]]
    assert found["chi_square"] == pytest.approx(chi_square)
    assert found["p_value"] == pytest.approx(erfc(sqrt(chi_square / 2)))
    assert found["odds_ratio"] == pytest.approx(20 * 12 / (11 * 12))
    assert found["top_shares"] == [pytest.approx(20 / 31), 0.5]
    assert "no proof of cause" in found["note"]


@pytest.mark.parametrize("consent", [ConsentState.WITHDRAWN, ConsentState.DISSENTED, ConsentState.INVITED])
async def test_who_does_not_consent_any_more_leaves_every_figure(
    known: FastAPI, operator: httpx.AsyncClient, consent: ConsentState
) -> None:
    person = USED_AND_TOP.person(7)
    change = an_enrollment(patient_id=person, clinician_id="dr-1", consent=consent)
    await learn(known, an_event(change, sequence=2, site_id="riverbend"))
    assert await funnel_of(operator) == {
        "Clinics sending surveys": (2, 3),
        "Clinicians with over 5 patients": (3, None),
        "Patients enrolled": (104, None),
        "Surveys received": (66, 93),
        "Feedback given": (42, 66),
        "Used over 1 month": (31, 42),
    }
    participation = await read(operator, "/v1/network/participation")
    assert (participation["answered"], participation["viewed_in_visit"]) == (shown(66, 93), shown(30, 93))
    assert participation["by_month"]["points"][0]["count"] == 54
    riverbend = next(row for row in participation["by_site"] if row["site_id"] == "riverbend")
    assert (riverbend["answered"], riverbend["viewed_in_visit"]) == (shown(43, 70), shown(19, 70))
    figures = (await read(operator, "/v1/network/feedback"))["figures"]
    assert (figures["responses"]["value"], figures["top_score"]) == (54, shown(31, 54))
    assert figures["association"]["table"] == [[19, 11], [12, 12]]


async def test_who_consents_later_enters_with_their_past(analytics: FastAPI, operator: httpx.AsyncClient) -> None:
    invited = [Group("people", 12, "riverbend", "dr-1", MARCH, answered_days_before=1, consent=ConsentState.INVITED)]
    await learn(analytics, *SITES, *events_of(invited))
    assert (await funnel_of(operator))["Surveys received"] == (0, 0)
    now = [an_enrollment(patient_id=invited[0].person(number), clinician_id="dr-1") for number in range(12)]
    await learn(analytics, *(an_event(body, sequence=2, site_id="riverbend") for body in now))
    assert (await funnel_of(operator))["Surveys received"] == (12, 12)


async def test_a_visit_that_is_cancelled_is_not_due_any_more(known: FastAPI, operator: httpx.AsyncClient) -> None:
    people = [Group("booked", 11, "lakeside", "dr-2", APRIL, is_completed=False)]
    await learn(known, *events_of(people))
    assert (await read(operator, "/v1/network/participation"))["answered"] == shown(67, 105)
    cancelled = [
        a_visit(patient_id=people[0].person(n), visit_id=people[0].visit(n), state="cancelled") for n in range(11)
    ]
    await learn(known, *(an_event(body, sequence=2, site_id="lakeside") for body in cancelled))
    assert (await read(operator, "/v1/network/participation"))["answered"] == shown(67, 94)


async def test_a_survey_that_was_entered_in_error_counts_nowhere(known: FastAPI, operator: httpx.AsyncClient) -> None:
    people = [Group("answered", 11, "lakeside", "dr-2", APRIL, answered_days_before=2)]
    await learn(known, *events_of(people))
    assert (await read(operator, "/v1/network/participation"))["answered"] == shown(78, 105)
    mistaken = [
        event.body.model_copy(update={"version": 2, "change": RecordChange.ENTERED_IN_ERROR})
        for event in events_of(people)
        if isinstance(event.body, SurveyCompleted)
    ]
    await learn(known, *(an_event(body, sequence=2, site_id="lakeside") for body in mistaken))
    assert (await read(operator, "/v1/network/participation"))["answered"] == shown(67, 105)
    assert (await funnel_of(operator))["Surveys received"] == (67, 105)


async def test_a_steady_year_has_limits_and_a_month_that_falls_out_of_them_is_said(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    groups = []
    for month in range(8):
        at, is_bad = MARCH + timedelta(days=30 * month), month == 7
        answered = Group(f"answered {month}", 11 if is_bad else 30, "riverbend", "dr-1", at, answered_days_before=1)
        silent = Group(f"silent {month}", 34 if is_bad else 15, "riverbend", "dr-1", at)
        groups += [answered, silent]
    await learn(analytics, *SITES, *events_of(groups))
    chart = (await read(operator, "/v1/network/participation"))["by_month"]
    assert [(point["count"], point["of"]) for point in chart["points"]] == [*[(30, 45)] * 7, (11, 45)]
    centre = (7 * 30 + 11) / (8 * 45)
    assert chart["centre"] == pytest.approx(centre)
    assert chart["points"][0]["lower"] == pytest.approx(centre - 3 * sqrt(centre * (1 - centre) / 45))
    assert chart["signals"] == [f"{chart['points'][7]['period']} lies outside its limits."]


async def test_a_month_that_collapses_into_a_small_count_is_said_to_be_hidden_and_not_to_break_no_rule(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    groups = []
    for month in range(13):
        at, answered = MARCH + timedelta(days=30 * month), 30 if month < 12 else 8
        groups.append(Group(f"answered {month}", answered, "riverbend", "dr-1", at, answered_days_before=1))
        groups.append(Group(f"silent {month}", 45 - answered, "riverbend", "dr-1", at))
    await learn(analytics, *SITES, *events_of(groups))
    chart = (await read(operator, "/v1/network/participation"))["by_month"]
    assert len(chart["points"]) == 11
    assert len(chart["hidden_periods"]) == 2, "the month that collapsed, and one that hides it"
    assert chart["hidden_periods"][-1] == "Mar 2025"
    assert (chart["centre"], chart["signals"]) == (pytest.approx(30 / 45), [])


# What leaves, and to whom


def counts_in(document: Any) -> Iterator[int]:
    """Every count of people, visits or responses in an answer."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name in ("value", "count", "of") and isinstance(value, int):
                yield value
            yield from counts_in(value)
    if isinstance(document, list):
        for value in document:
            yield from [value] if isinstance(value, int) and not isinstance(value, bool) else counts_in(value)


def told_by_totals(total: Document, rows: list[Document]) -> list[int]:
    """What the total less the rows that are shown comes to, for count, complement and denominator."""
    if total["share"] is None:
        return []
    given = [(row["count"]["value"], row["of"]["value"]) for row in rows if row["of"]["value"] is not None]
    count = total["count"]["value"] - sum(one for one, _ in given)
    of = total["of"]["value"] - sum(all_of_it for _, all_of_it in given)
    return [count, of - count, of]


STEPS = ("enrolled", "visits", "surveys", "feedback", "over_one_month")
SIZES = st.sampled_from([0, 1, 2, 5, 9, 10, 11, 12, 19, 20, 30])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.tuples(*[SIZES] * 6), min_size=1, max_size=3))
async def test_no_small_count_leaves_and_none_can_be_computed_from_what_does(
    analytics: FastAPI, operator: httpx.AsyncClient, sizes: list[tuple[int, ...]]
) -> None:
    await forget(analytics)
    events = []
    for number, (answered, silent, top, low, almost, skipped) in enumerate(sizes):
        place, month = f"site-{number}", (MARCH, APRIL)[number % 2]
        groups = [
            Group("answered", answered, place, "dr", month, answered_days_before=1, is_viewed=True),
            Group("silent", silent, place, "dr", APRIL),
            Group("top", top, place, "dr", MARCH, answered_days_before=1, efforts=TOP, used_over_one_month=True),
            Group("low", low, place, "dr", month, answered_days_before=1, efforts=LOW, is_viewed=True, is_used=True),
            Group(
                "almost", almost, place, "dr", month, answered_days_before=20, efforts=(9, 9, 8), is_used=True,
                helped_discussion=number == 0, used_over_one_month=None,
            ),
            Group("skipped", skipped, place, "dr", MARCH, answered_days_before=1, efforts=(9, None, 9)),
        ]  # fmt: skip
        named = [Group(**{**vars(group), "name": f"{group.name} {number}"}) for group in groups]
        events += [site(place, f"Clinic {number}"), *events_of(named)]
    await learn(analytics, *events)

    funnel = (await read(operator, "/v1/network/funnel"))["steps"][2:]
    participation = await read(operator, "/v1/network/participation")
    feedback = (await read(operator, "/v1/network/feedback"))["figures"]
    everything = [*counts_in(funnel), *counts_in(participation), *counts_in(feedback)]
    assert not list(filter(is_small, everything))
    chain = [funnel[1]["of"]["value"], *(step["count"]["value"] for step in funnel[1:])]
    assert [funnel[2]["of"]["value"], funnel[3]["of"]["value"]] == chain[1:3], "hidden once, hidden again"
    given = [count for count in chain if count is not None]
    assert not [before - after for before, after in pairwise(given) if is_small(before - after)]
    numbers = numbers_of(dict(zip(STEPS, [funnel[0]["count"]["value"], *chain], strict=True)), feedback)
    assert told_by_differences(numbers) == []
    assert [*told_by_mean(feedback), *told_by_table(feedback)] == []
    for name in ("answered", "viewed_in_visit"):
        rows = [row[name] for row in participation["by_site"]]
        assert not list(filter(is_small, told_by_totals(participation[name], rows)))
        hidden = [row for row in rows if row["of"]["value"] is None]
        assert len(hidden) != 1 or participation[name]["share"] is None
        for found in (participation[name], *rows):
            assert found["share"] is None or not is_small(found["of"]["value"] - found["count"]["value"])
    of_both = [
        row["answered"]["of"]["value"] or row["viewed_in_visit"]["of"]["value"] for row in participation["by_site"]
    ]
    total = participation["answered"]["of"]["value"]
    assert total is None or not is_small(total - sum(of or 0 for of in of_both)), (
        "one column shows what the other hides"
    )
    points = [{"count": {"value": p["count"]}, "of": {"value": p["of"]}} for p in participation["by_month"]["points"]]
    assert not list(filter(is_small, told_by_totals(participation["answered"], points)))


async def test_figures_are_for_operators_only(analytics: FastAPI, token: Tokens) -> None:
    for role in ("patient", "clinician", "coordinator", "system"):
        patient_id = USED_AND_TOP.person(0) if role == "patient" else None
        async with client_of(analytics, token(role, ["riverbend"], patient_id=patient_id)) as client:
            for path in ROUTES:
                answer = await client.get(path)
                kind = answer.json()["type"]
                assert (answer.status_code, kind) == (403, "urn:samepage:problem:wrong-role"), (role, path)


async def test_no_answer_names_a_person(known: FastAPI, operator: httpx.AsyncClient) -> None:
    pseudonyms = [str(row["person"]) for row in await known.state.database.rows("SELECT person FROM enrolment")]
    assert len(pseudonyms) == 111
    for path in ROUTES:
        text = (await operator.get(path)).text
        assert not [one for one in (*pseudonyms, str(USED_AND_TOP.person(0)), "dr-1") if one in text]


# Is the data arriving


async def test_the_pipeline_says_of_each_site_what_arrives_and_puts_trouble_first(
    known: FastAPI, operator: httpx.AsyncClient
) -> None:
    database: FreshDatabase = known.state.database
    more = [
        event
        for name in ("behind", "silent", "fine")
        for event in (site(name, f"The {name} one"), *Group(name, 1, name, "dr", MARCH, True, 1).events())
    ]
    await learn(known, *more)
    await database.run("UPDATE delivery SET sent_at = applied_at - interval '2 seconds'")
    await database.run("UPDATE delivery SET sent_at = applied_at - interval '90 seconds' WHERE site_id = 'behind'")
    await database.run(
        "UPDATE delivery SET sent_at = sent_at - interval '25 hours', applied_at = applied_at - interval '25 hours' "
        "WHERE site_id = 'silent'"
    )
    await set_aside(known, "lakeside")
    document = await read(operator, "/v1/pipeline")
    assert [(row["site_id"], row["state"], row["dead_letters"]) for row in document["sites"]] == [
        ("lakeside", "set aside", 1),
        ("behind", "behind", 0),
        ("silent", "silent", 0),
        ("riverbend", "fine", 0),
        ("fine", "fine", 0),
        ("hillcrest", "not started", 0),
    ]
    lags = {row["site_id"]: row["lag_s"] for row in document["sites"]}
    assert lags == {name: pytest.approx(90 if name == "behind" else 2) for name in lags}
    last = {row["site_id"]: row["last_topic"] for row in document["sites"]}
    assert last["hillcrest"] == "site-updated"
    assert all(row["last_event_at"] is not None for row in document["sites"])


async def test_a_clinic_whose_dead_letter_was_dropped_is_fine_until_another_is_set_aside(
    known: FastAPI, operator: httpx.AsyncClient
) -> None:
    await known.state.database.run("UPDATE delivery SET sent_at = applied_at - interval '2 seconds'")

    async def lakeside() -> tuple[str, int]:
        rows = {row["site_id"]: row for row in (await read(operator, "/v1/pipeline"))["sites"]}
        return rows["lakeside"]["state"], rows["lakeside"]["dead_letters"]

    await set_aside(known, "lakeside")
    assert await lakeside() == ("set aside", 1)
    await give_up(known)
    assert await lakeside() == ("fine", 0)
    await set_aside(known, "lakeside", "waiting", offset=6)
    assert await lakeside() == ("set aside", 1), "what waits for an event that was lost needs somebody too"
    await set_aside(known, "lakeside", offset=7)
    assert await lakeside() == ("set aside", 2)


async def test_a_network_without_anybody_has_figures_of_nothing(operator: httpx.AsyncClient) -> None:
    assert (await funnel_of(operator))["Surveys received"] == (0, 0)
    participation = await read(operator, "/v1/network/participation")
    assert (participation["answered"], participation["by_site"]) == (shown(0, 0), [])
    assert (await read(operator, "/v1/network/feedback"))["figures"]["mean_score"] is None
    assert (await read(operator, "/v1/pipeline"))["sites"] == []


async def test_people_of_a_site_that_is_not_known_yet_count_when_it_is(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    people = Group("early", 12, "riverbend", "dr-1", MARCH, answered_days_before=1, efforts=MIDDLE)
    await learn(analytics, *people.events())
    assert (await funnel_of(operator))["Patients enrolled"] == (0, None)
    await learn(analytics, SITES[0])
    assert (await funnel_of(operator))["Patients enrolled"] == (12, None)
