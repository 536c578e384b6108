"""Charts of a year or of five, and what was known on each of their days."""

from datetime import date
from typing import Any

from fastapi import FastAPI

from services.dashboard.pages.charts.frame import Span
from services.dashboard.pages.pictures import Pictures, pictures_of
from services.dashboard.pages.reader import Reader
from services.dashboard.worker import SUBSCRIPTION
from shared.events import Body, ViewerRole
from tests.builders import PATIENT, a_lab, a_medication, a_survey, a_visit, an_event, an_id
from tests.markup import Document
from tests.services.dashboard.conftest import PAGE, SHOWN, THERE, Clients
from tests.services.dashboard.histories import a_month, month, page_of
from tests.services.dashboard.test_page_html import html_of
from tests.services.streams import arrive

SINCE_2021: list[Body] = [body for number in range(0, 60, 6) for body in a_month(number)]


def pictures(*bodies: Body, span: Span = Span.YEAR) -> Pictures:
    return pictures_of(page_of(*bodies), Reader(month(60), ViewerRole.CLINICIAN), span)


def known_on(found: Pictures, day: str) -> dict[str, str]:
    return dict(next(moment.lines for moment in found.moments if moment.day == day))


def test_tables_show_the_time_that_is_chosen_and_what_it_began_with() -> None:
    year, five = (pictures(*SINCE_2021, span=span) for span in Span)
    assert [point["at"][:7] for point in year.points] == ["2025-05", "2025-10", "2026-05"]
    assert (len(five.points), len(five.medications)) == (10, 10)


def test_five_years_are_one_axis_for_all_charts_too() -> None:
    html = html_of(page_of(*SINCE_2021), now=month(60), span=Span.FIVE_YEARS)
    today = {a["x1"] for a in Document(html).named("line", **{"class": "l-today"})}
    assert len(today) == 2, "one place on the wide pictures and one on the narrow ones"
    assert "score, past 5 years" in html
    assert "past 12 months" not in html.lower()


def test_each_moment_says_what_was_known_then_and_nothing_of_later() -> None:
    lab: dict[str, Any] = {"loinc": "38445-3", "name": "Calprotectin", "unit": "ug/g"}
    found = pictures(
        a_visit(visit_id=an_id("v"), scheduled_at=month(52), state="completed", completed_at=month(52)),
        a_survey(submitted_at=month(53)),
        a_lab(**lab, taken_at=month(54), value=16, comparator="<"),
        a_medication(started_on=date(2026, 7, 1), stopped_on=date(2026, 9, 1), stop_reason="no-response"),
    )
    days = [moment.day for moment in found.moments]
    assert days == ["1 Oct 2025", "1 Mar 2026", "31 Mar 2026", "1 May 2026", "1 Jul 2026", "1 Sep 2026", "30 Oct 2026"]
    assert set(known_on(found, days[0]).values()) == {"none yet", "none on the clinic's list"}
    assert known_on(found, days[3]) == {
        "Score": "16, mild, 31 Mar 2026",
        "Taking": "none on the clinic's list",
        "Calprotectin": "<16 µg/g, 1 May 2026",
        "Last visit": "1 Mar 2026",
    }
    assert [known_on(found, day)["Taking"] for day in days[4:]] == [
        "Adalimumab 40 mg every 2 weeks",
        "none on the clinic's list",
        "none on the clinic's list",
    ]
    shares = [moment.share for moment in found.moments]
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] < 1


def test_what_is_not_kept_is_said_on_the_page() -> None:
    few = Document(html_of(page_of(a_survey()))).text
    assert "are kept" not in few
    many = Document(html_of(page_of(*(body for number in range(13) for body in a_month(number))), now=month(13))).text
    assert "Of surveys up to 1 Nov 2021 only the scores and what is drawn are kept." in many
    page = page_of(a_survey())
    page["history"]["steps"] |= {"kept": 260, "has_more": True}
    assert "Only the newest 260 agreed steps are kept." in Document(html_of(page)).text
    del page["history"]
    assert "are kept" not in Document(html_of(page)).text, "as before an upgrade"


async def test_the_chosen_time_stays_in_the_addresses_of_the_page(as_: Clients) -> None:
    async with as_("clinician", THERE) as clinician:
        year = Document((await clinician.get(SHOWN)).text)
        five = Document((await clinician.get(f"{SHOWN}?span=5-years&shared=true")).text)
    hrefs = {a.get("href") for a in five.named("a")}
    path = f"/patients/{PATIENT}"
    assert {f"{path}?shared=true&span=5-years", f"{path}?span=5-years", f"{path}?shared=true#h-tr"} <= hrefs
    assert [a.get("href") for a in year.named("a", **{"aria-current": "true"})] == [f"{path}#h-tr"]


async def test_a_time_that_no_chart_shows_is_a_page_with_the_way_back_and_a_problem_for_programs(
    as_: Clients,
) -> None:
    def in_browser(language: str) -> dict[str, str]:
        return {"accept": "text/html,application/xhtml+xml", "cookie": f"__Host-samepage-language={language}"}

    async with as_("clinician", THERE) as clinician:
        pages = [await clinician.get(f"{SHOWN}?span=7-years", headers=in_browser(one)) for one in ("", "es")]
        nobodys = await clinician.get("/patients/nobody", headers=in_browser("en"))
        program = await clinician.get(f"{SHOWN}?span=7-years")
    assert [one.status_code for one in (*pages, nobodys, program)] == [422] * 4
    unknown, spanish = (Document(one.text) for one in pages)
    assert "There is no such page Something in its address cannot be read. Esta página no existe." in unknown.text
    assert "Esta página no existe Algo en su dirección no se puede leer." in spanish.text
    assert "There is" not in spanish.text
    assert len(spanish.named("a", href=SHOWN)) == 1
    assert SHOWN not in nobodys.text
    assert program.json()["errors"][0]["field"] == "query.span"


async def test_a_row_from_before_there_were_bounds_takes_the_next_event(as_: Clients, dashboard: FastAPI) -> None:
    await dashboard.state.database.rows("UPDATE patient_page SET facts = facts - 'floors' - 'newest_surveys'")
    await arrive(dashboard, SUBSCRIPTION, an_event(a_survey(), site_id=THERE))
    async with as_("clinician", THERE) as clinician:
        page = (await clinician.get(PAGE)).json()
    assert page["history"]["surveys"]["kept"] == 1
