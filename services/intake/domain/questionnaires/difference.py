"""What changed from one version of a form to another."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from services.intake.domain.questionnaires.definition import Definition, Item

# What an item is made of, beside the items inside it, which are compared by themselves.
_PARTS = tuple(one.name for one in fields(Item) if one.compare and one.name not in ("link_id", "items", "ancestors"))
_OF_FORM = ("words", "codes", "instruments", "asks_for_reasons", "launch_context", "expressions")


@dataclass(frozen=True, slots=True)
class Difference:
    """Link ids in the order of the form that has them; `changed` names the parts of an item that differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    of_form: tuple[str, ...]


def difference(older: Definition, newer: Definition) -> Difference:
    """What somebody who knows the older form finds otherwise in the newer one.

    An item is moved when it stands in another group, or at another place among those that both forms have.
    """
    kept = [link_id for link_id in newer.by_id if link_id in older.by_id]
    before = [link_id for link_id in older.by_id if link_id in newer.by_id]
    changed = {link_id: _changed(older.by_id[link_id], newer.by_id[link_id]) for link_id in kept}
    return Difference(
        added=tuple(link_id for link_id in newer.by_id if link_id not in older.by_id),
        removed=tuple(link_id for link_id in older.by_id if link_id not in newer.by_id),
        moved=tuple(
            link_id
            for link_id, was in zip(kept, before, strict=True)
            if link_id != was or older.by_id[link_id].ancestors != newer.by_id[link_id].ancestors
        ),
        changed={link_id: parts for link_id, parts in changed.items() if parts},
        of_form=tuple(name for name in _OF_FORM if getattr(older, name) != getattr(newer, name)),
    )


def _changed(older: Item, newer: Item) -> tuple[str, ...]:
    return tuple(name for name in _PARTS if getattr(older, name) != getattr(newer, name))
