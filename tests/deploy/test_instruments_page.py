"""`docs/instruments.md`: all that a reader needs to check a score by hand."""

import pytest

from deploy.contracts.instruments import page
from shared.instruments import INSTRUMENTS, Instrument


def section_of(instrument: Instrument) -> str:
    _, _, after = page().partition(f"\n## {instrument.name}\n")
    return after.partition("\n## ")[0]


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_an_instrument_is_told_with_source_licence_items_and_where_each_band_starts(instrument: Instrument) -> None:
    told = section_of(instrument)
    assert f"- Source: {instrument.citation}\n" in told
    assert f"- Licence: {instrument.licence}\n" in told
    assert f"- From {instrument.low:g} to {instrument.high:g}, higher is {instrument.higher_is}\n" in told
    for term in instrument.terms:
        assert f"| `{term.item}` | {term.what} | {term.takes} |" in told
    for band in instrument.bands:
        assert f"| `{band.code}` | {band.words} | {band.starts_at:g} |" in told


def test_weights_recodes_tables_and_rules_by_item_are_written_out() -> None:
    told = {key: section_of(instrument) for key, instrument in INSTRUMENTS.items()}
    assert "a number from 0 to 60 | 2 times |" in told["pro-2-cd|1.0"]
    assert "`loose_stools_per_day` at most 1.5 and `abdominal_pain` at most 1" in told["pro-2-cd|1.0"]
    assert "| yes or no | 1 when yes |" in told["hbi|1.0"]
    assert "| 0 as 0; 1 to 3 as 1; 4 to 60 as 2 |" in told["sccai|1.0"]
    physical = told["promis-global-physical-health|1.2"]
    assert "| 0 as 5; 1 to 3 as 4; 4 to 6 as 3; 7 to 9 as 2; 10 as 1 |" in physical
    assert "The score of each sum: 4: 16.2, 5: 19.9," in physical


def test_what_was_not_checked_against_its_source_says_so() -> None:
    unchecked = {key for key, instrument in INSTRUMENTS.items() if "from memory; verify" in section_of(instrument)}
    assert {"sccai|1.0", "manitoba-ibd-index|1.0", "pain-nrs|1.0", "fatigue-nrs|1.0", "ibd-disk|1.0"} <= unchecked
    assert {"pro-2-uc|1.0", "ibd-10|1.0"} & unchecked == {"pro-2-uc|1.0"}
