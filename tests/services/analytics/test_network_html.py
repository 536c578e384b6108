"""The operator's page as people get it: whole, safe under a strict policy, and honest about what it hides or lacks."""

import re
from collections import Counter
from datetime import timedelta

import httpx
from fastapi import FastAPI

from services.analytics.pages import STATIC
from shared.events import Event
from tests.markup import Document
from tests.services.analytics.network import (
    APRIL,
    KNOWN,
    LOW,
    MARCH,
    SITES,
    TOP,
    Group,
    events_of,
    learn,
    set_aside,
    site,
)

HOSTILE = """<script>alert(1)</script> & "O'Neill" <img src=x onerror=alert(2)>"""
ABOUT_A_YEAR = [
    Group(f"month {n}", 30, "riverbend", "dr-1", MARCH + timedelta(days=30 * n), True, 99 if n == 9 else 1)
    for n in range(10)
]


async def page_after(analytics: FastAPI, operator: httpx.AsyncClient, *events: Event) -> str:
    await learn(analytics, *events)
    await analytics.state.database.run("UPDATE delivery SET sent_at = applied_at - interval '1.5 seconds'")
    return await page(operator)


async def page(operator: httpx.AsyncClient) -> str:
    answer = await operator.get("/network")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def check_that_it_is_whole(html: str) -> None:
    document = Document(html)
    assert document.needs_more_than_the_policy_allows() == []
    ids = Counter(a["id"] for _, a, _ in document.elements if a.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    targets = {value.split("#")[1] for _, a, _ in document.elements if "#" in (value := a.get("href") or "")}
    labels = {label for _, a, _ in document.elements for label in (a.get("aria-labelledby") or "").split()}
    assert targets | labels <= set(ids)
    assert re.findall(r"#[0-9a-fA-F]{6}\b", html) == []
    for word in ("None", "nan", "Undefined", "{{", "{%"):
        assert word not in document.text


async def test_the_page_answers_its_five_questions(analytics: FastAPI, operator: httpx.AsyncClient) -> None:
    html = await page_after(analytics, operator, *KNOWN)
    check_that_it_is_whole(html)
    text = Document(html).text
    for said in (
        "Surveys received 67 71.3% 94 visits",
        "Feedback given 43 64.2% 67 surveys",
        "Used over 1 month 32 74.4% 43 feedback forms",
        "71.3% of 94 visits that were due had a survey.",
        "33.0% of 94 visits that were due had the page open.",
        "Riverbend GI 71 62.0% 28.2%",
        "Lakeside Clinic 23 100.0% 47.8%",
        "58.2% gave the top score",
        "32 of 55 people chose 9 on all three questions; mean 83.6 of 100.",
        "discuss with my clinician 20 31 64.5%",
        "make decisions 0 0 none yet",
        "gave the top score more often: 64.5% against 50.0%",
        "Pearson χ²(1) = 1.2, uncorrected, p = 0.279; crude odds ratio 1.82",
        "2 clinics are fine; the slowest took 1.5 s.",
        "Clinics that have not started: 1.",
        "Nothing: too few months for a rule yet, and every started clinic sends data.",
        "Synthetic data: no real person",
    ):
        assert said in text, said


async def test_a_network_without_anybody_says_so_and_hides_nothing(operator: httpx.AsyncClient) -> None:
    html = await page(operator)
    check_that_it_is_whole(html)
    text = Document(html).text
    assert "No month can be shown yet. A month needs more than 10 visits." in text
    assert "No visit was due yet." in text
    assert "No answer yet" in text
    assert 'class="hid"' not in html


async def test_small_counts_are_said_to_be_hidden_and_stand_nowhere(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    groups = [
        Group("a few", 7, "riverbend", "dr-1", MARCH, True, 1, is_viewed=True, efforts=TOP, is_used=True),
        Group("others", 40, "riverbend", "dr-1", APRIL),
        Group("elsewhere", 30, "lakeside", "dr-2", MARCH, answered_days_before=1, efforts=LOW),
    ]
    html = await page_after(analytics, operator, *SITES, *events_of(groups))
    check_that_it_is_whole(html)
    text = Document(html).text
    assert "Surveys received 37 48.1% 77 visits" in text
    assert "Riverbend GI hidden hidden hidden" in text
    assert "Lakeside Clinic hidden hidden hidden" in text, "the totals less Lakeside would be Riverbend"
    assert "hidden of 77 visits that were due had the page open." in text
    assert "Hidden: a count is 1–10, or would be given away" in text
    assert "1–10 (hidden) of 37 people chose 9" in text
    assert "Use in the visit against top scores: not shown, a cell is 0–10 or would give such a count away." in text
    figures = text[text.index("Is it feasible?") : text.index("Is the data arriving?")]
    assert not re.search(r"(?<![\d.])(7|10)(?![\d.%])", figures.replace("0–10", "").replace("1–10", ""))


async def test_a_name_from_outside_is_shown_as_written_and_never_run(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    people = Group("people", 12, "riverbend", "dr-1", MARCH, answered_days_before=1)
    html = await page_after(analytics, operator, site("riverbend", HOSTILE), *people.events())
    check_that_it_is_whole(html)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert HOSTILE in Document(html).text


async def test_a_signal_and_a_site_in_trouble_are_said_first_with_where_to_look(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    quiet = Group("quiet", 1, "lakeside", "dr-2", MARCH, answered_days_before=1)
    await page_after(analytics, operator, *SITES, *events_of([*ABOUT_A_YEAR, quiet]))
    await analytics.state.database.run(
        "UPDATE delivery SET applied_at = applied_at - interval '2 days', sent_at = sent_at - interval '2 days' "
        "WHERE site_id = 'lakeside'"
    )
    html = await page(operator)
    check_that_it_is_whole(html)
    text = Document(html).text
    last = ABOUT_A_YEAR[-1].visit_at or MARCH
    assert f"Answers before visits. {last:%b %Y} lies outside its limits." in text
    assert "Lakeside Clinic is silent." in text
    assert text.index("Lakeside Clinic is silent") < text.index("Is it feasible?")


async def test_a_month_that_is_hidden_is_said_first_and_the_rules_are_not_said_to_hold(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    fallen = MARCH + timedelta(days=30 * 12)
    groups = [
        Group(f"{name} {n}", size, "riverbend", "dr-1", MARCH + timedelta(days=30 * n), True, days)
        for n in range(12)
        for name, size, days in (("answered", 30, 1), ("silent", 15, 99))
    ]
    groups += [Group("a few", 8, "riverbend", "dr-1", fallen, True, 1), Group("most", 37, "riverbend", "dr-1", fallen)]
    html = await page_after(analytics, operator, *SITES, *events_of(groups))
    check_that_it_is_whole(html)
    text = Document(html).text
    said = "2 months are hidden, the last of them Mar 2025, and no rule looks at them."
    assert f"Answers before visits. {said}" in text
    assert f"No signal. {said}" in text
    assert html.count(said) == 4, "to look at, under the chart, and in the words of both pictures"
    assert "no rule is broken" not in text


async def test_the_chart_has_a_name_a_description_and_a_table(analytics: FastAPI, operator: httpx.AsyncClient) -> None:
    html = await page_after(analytics, operator, *SITES, *events_of(ABOUT_A_YEAR))
    document = Document(html)
    pictures = document.named("svg", role="img")
    assert {picture["class"] for picture in pictures} == {"only-wide", "only-narrow"}
    for picture in pictures:
        title, description = (picture["aria-labelledby"] or "").split()
        assert re.search(rf'<title id="{title}">[^<]{{10,}}</title>', html)
        assert re.search(rf'<desc id="{description}">[^<]{{10,}}</desc>', html)
    rows = [a for tag, a, above in document.elements if tag == "tr" and "details" in above and "tbody" in above]
    assert len(rows) >= len(ABOUT_A_YEAR)
    for group in ABOUT_A_YEAR:
        assert group.visit_at is not None
        assert f"{group.visit_at:%b %Y}" in document.text


async def test_a_site_of_which_only_dead_letters_have_come_is_shown(
    analytics: FastAPI, operator: httpx.AsyncClient
) -> None:
    await page_after(analytics, operator, *SITES)
    await analytics.state.database.run("DELETE FROM delivery")
    await set_aside(analytics, "hillcrest")
    html = await page(operator)
    check_that_it_is_whole(html)
    assert "Hillcrest, about to start set aside none 1" in Document(html).text


def test_sizes_and_colours_are_named_in_the_shared_stylesheet_only() -> None:
    own = (STATIC / "network.css").read_text()
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", own) == []
    assert set(re.findall(r"font-size: ([^;]+);", own)) <= {f"var(--t-{n})" for n in "123456"}
