"""Figures: how samples become numbers, and a document that keeps them."""

from typing import Any

from tests.load.figures import P99, RATE, Document, Figure, Sample, alternate


def a_figure(*product: float, floor: tuple[float, ...] = (), **changes: Any) -> Figure:
    stands = {"row": "relay", "measure": RATE.name, "unit": RATE.unit, "disk": "as it is", "is_more_better": True}
    return Figure(**{**stands, "product": product, "floor": floor, **changes})


def a_document(*figures: Figure, **changes: Any) -> Document:
    machine = {"processor": "A", "cores": 2, "memory_gib": 4, "system": "Linux", "python": "3", "packages": {"x": "1"}}
    stands = {
        "at": "2026-10-13",
        "form": "full",
        "command": "make bench",
        "commit": "abc",
        "machine": {**machine, "load_before": 0.1},
        "figures": figures,
        "left_out": (),
        "flush_ms": {"as it is": 0.1},
        "minutes": 1.0,
    }
    return Document(**{**stands, **changes})


def test_a_value_is_the_median_of_the_samples_and_a_share_the_median_of_pairs() -> None:
    figure = a_figure(10, 30, 20, floor=(20, 40, 100))
    assert figure.value == 20
    assert figure.floor_value == 40
    assert figure.ratio == 0.5


def test_a_share_of_nothing_is_no_share() -> None:
    assert a_figure(1, floor=()).ratio is None
    assert a_figure(0, floor=(0,)).ratio is None


def test_product_and_floor_run_in_turn_and_give_one_sample_each_time() -> None:
    turns: list[str] = []

    def side(name: str) -> Sample:
        turns.append(name)
        return {("a row", RATE): float(len(turns)), ("a row", P99): 5.0}

    rate, p99 = alternate(2, "as it is", lambda: side("product"), lambda: side("floor"))
    assert turns == ["product", "floor", "product", "floor"]
    assert (rate.product, rate.floor) == ((1.0, 3.0), (2.0, 4.0))
    assert rate.is_more_better
    assert not p99.is_more_better


def test_what_only_the_floor_has_is_no_figure() -> None:
    assert alternate(1, "as it is", dict, lambda: {("floor only", RATE): 1.0}) == []


def test_a_document_comes_back_from_its_json_as_it_was() -> None:
    document = a_document(a_figure(1, 2, floor=(3, 4)), left_out=("No compiler.",))
    assert Document.of_text(document.text()) == document
    assert Document.of_text(a_document().text()) == a_document()
