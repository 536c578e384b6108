"""The page's JSON is what its document promises to clinic front-ends."""

import pytest

from services.dashboard.api.page_document import page_example, page_schema
from services.dashboard.domain import assemble, empty, open_words
from shared.sealing import NOT_READABLE_NOW
from tests.services.dashboard.conftest import PAGE, THERE, Clients


def test_every_member_of_every_page_is_documented_and_so_is_the_example() -> None:
    nothing_known = open_words(assemble(empty()), lambda _sealed, _place: NOT_READABLE_NOW)
    assert set(page_schema()["required"]) == nothing_known.keys() == page_example().keys()


def test_the_example_shows_the_words_as_a_reader_gets_them() -> None:
    example = page_example()
    assert example["concerns"][0]["words"] == "Words of the patient (synthetic)"
    assert example["concerns"][0]["words_state"] == "readable"
    assert "sealed" not in str(example["concerns"])


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', '"another",W/{} '])
async def test_who_has_this_version_is_told_so_in_whatever_form_the_tag_comes_back(as_: Clients, form: str) -> None:
    async with as_("clinician", THERE) as clinician:
        tag = (await clinician.get(PAGE)).headers["etag"]
        known = await clinician.get(PAGE, headers={"if-none-match": form.format(tag)})
        assert (known.status_code, known.headers["etag"], known.content) == (304, tag, b"")
        assert (await clinician.get(PAGE, headers={"if-none-match": '"another"'})).status_code == 200
