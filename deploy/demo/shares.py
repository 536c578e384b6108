"""Exact proportions in random order: a cohort of any size shows the shares that it was given."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def counts(total: int, shares: Mapping[K, float]) -> dict[K, int]:
    """Whole numbers that add up to `total`, by the largest remainder. Shares need not add up to one."""
    whole = sum(shares.values())
    exact = {name: total * share / whole for name, share in shares.items()}
    given = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: given[name] - exact[name])
    for name in by_remainder[: total - sum(given.values())]:
        given[name] += 1
    return given


def dealt(rng: Random, total: int, shares: Mapping[K, float]) -> list[K]:
    """`total` values in these shares, shuffled."""
    values = [name for name, count in counts(total, shares).items() for _ in range(count)]
    rng.shuffle(values)
    return values


def pick(rng: Random, shares: Mapping[K, float]) -> K:
    """One value, with these weights."""
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def sampled(rng: Random, items: Iterable[tuple[T, float]], size: int) -> list[T]:
    """`size` of the items, without replacement, each the more likely the larger its weight (above zero).

    Source: Efraimidis and Spirakis, weighted random sampling with a reservoir, 2006.

    Raises:
        ValueError: there are fewer items.
    """
    keyed = [(rng.random() ** (1 / weight), position, item) for position, (item, weight) in enumerate(items)]
    if len(keyed) < size:
        raise ValueError(f"{size} wanted of {len(keyed)}")
    keyed.sort(key=lambda entry: (-entry[0], entry[1]))
    return [item for _, _, item in keyed[:size]]


def one_of(rng: Random, items: Sequence[T]) -> T:
    """Any of the items, alike."""
    return items[rng.randrange(len(items))]
