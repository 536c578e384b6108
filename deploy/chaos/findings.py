"""Whether everything is as it must be: pure comparisons of what clients were told with what the system holds.

Each check says how much it looked at, so that one that saw nothing is not taken for one that found nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from deploy.chaos import told, writes
from deploy.chaos.evidence import Copy, Evidence, Fact, Reader
from deploy.chaos.ledger import NEVER, Entry
from deploy.chaos.traffic import POISON
from deploy.chaos.writes import OUTLIVES, UNKEYED, WRITES
from shared.broker import Stream


@dataclass(frozen=True)
class Check:
    """One question, how many things were asked it, and each that answers wrong."""

    name: str
    looked_at: int
    findings: Sequence[str]


def checks(evidence: Evidence) -> list[Check]:
    """Every check that needs nothing but the evidence."""
    facts, copies, ledger = evidence.outbox, evidence.kafka, evidence.ledger
    accepted, gone = [entry for entry in ledger if entry.is_accepted], told.erased(ledger)
    found = [
        Check("every request answered as it must be", len(ledger), list(_wrong_answers(ledger, gone))),
        Check("every accepted write in its owner's tables", len(accepted), list(_unrecorded(evidence, gone))),
        Check("one event in an outbox for each, and no other", len(facts), list(_unexplained(accepted, ledger, facts))),
        Check("sequences 1 to n in the order of the log", len(facts), list(_out_of_sequence(facts))),
        Check("every event on Kafka, unchanged, and no other", len(copies), list(_astray(facts, copies))),
        Check("each patient's events in order on Kafka", len(copies), list(_out_of_order(evidence))),
    ]
    for name, reader in evidence.readers.items():
        due = [fact for fact in facts if fact.stream.topic in reader.topics]
        found += [
            Check(f"one effect of each event at {name}", len(due), list(_effects_amiss(due, reader))),
            Check(f"heads at {name}", len(reader.heads), list(_heads_amiss(due, reader))),
            Check(f"nothing set aside at {name} but poison", len(due), list(_letters_amiss(copies, reader))),
        ]
    figures = list(_figures_amiss(evidence))
    return [
        *found,
        Check("figures of analytics as the ledger has them", len(evidence.figures), figures),
        Check("each page has what the ledger has", len(evidence.items), list(_items_amiss(evidence))),
        *_taken_back(evidence, gone),
        *([_gone_on(evidence)] if "poisoned-patients" in evidence.happened else []),
        *([_rolled(evidence)] if "rolling-restart" in evidence.happened else []),
    ]


def _rolled(evidence: Evidence) -> Check:
    """What doors of the next version wrote had its effect at each reader, of whichever version."""
    newer = [fact for fact in evidence.outbox if fact.is_next]
    findings = [
        f"event {fact.event_id} of the next version had no effect at {name}"
        for name, reader in evidence.readers.items()
        for fact in newer
        if fact.stream.topic in reader.topics and fact.event_id not in reader.effects
    ]
    return Check("events of the next version are read", len(newer), findings)


def _gone_on(evidence: Evidence) -> Check:
    """What was parked behind poison of its patient had its effect when that was dropped."""
    findings = [
        f"event {event_id} was parked and had {reader.effects.get(event_id, 0)} effects at {name}"
        for name, reader in evidence.readers.items()
        for event_id in sorted(reader.parked)
        if reader.effects.get(event_id, 0) != 1
    ]
    parked = sum(len(reader.parked) for reader in evidence.readers.values())
    return Check("what was parked behind poison goes on", parked, findings)


def _taken_back(evidence: Evidence, gone: Set[str]) -> Iterator[Check]:
    """What was amended, erased and revoked is so in every place."""
    due, closed = told.versions(evidence.ledger), told.revoked(evidence.ledger)
    for place, held in evidence.versions.items():
        yield Check(
            f"one version of each survey counts at {place}, the newest", len(due), list(_versions_amiss(due, held))
        )
    for place, left in evidence.left.items():
        findings = [f"something of {patient} is left" for patient in sorted(gone & left)]
        yield Check(f"nothing is left of who was erased at {place}", len(gone), findings)
    for place, known in evidence.revoked.items():
        findings = [f"link {link} was revoked and is not known to be" for link in sorted(closed - known)]
        yield Check(f"revoked links open nothing at {place}", len(closed), findings)


def _versions_amiss(due: Mapping[str, int], held: Mapping[str, int | None]) -> Iterator[str]:
    for survey in due.keys() | held.keys():
        number, there = due.get(survey, 0), held.get(survey, 0)
        if there != number and not (there is None and number > 0):
            yield f"survey {survey}: {'one' if there is None else there or 'none'} counts, not {number or 'none'}"


def _wrong_answers(ledger: Sequence[Entry], gone: Set[str]) -> Iterator[str]:
    for entry in ledger:
        if entry.problem == "erased" and entry.patient_id in gone:
            continue
        if entry.status == NEVER:
            yield f"{entry.what} of {entry.site_id} was never answered: {entry.problem}"
        elif entry.problem is not None and not entry.is_expected:
            yield f"{entry.what} of {entry.site_id} was answered {entry.status}: {entry.problem}"


def _unrecorded(evidence: Evidence, gone: Set[str]) -> Iterator[str]:
    for entry in told.accepted(evidence.ledger):
        table = WRITES[entry.what].table
        is_due = entry.patient_id not in gone or entry.what in OUTLIVES
        if is_due and entry.thing not in evidence.things[table]:
            yield f"{entry.what} {entry.thing} of {entry.site_id} was accepted and is not in {table}"
        if not is_due and entry.thing in evidence.things[table]:
            yield f"{entry.what} {entry.thing} of {entry.site_id} is in {table}, and its patient was erased"


def _unexplained(accepted: Sequence[Entry], ledger: Sequence[Entry], facts: Sequence[Fact]) -> Iterator[str]:
    """A receipt names its event. Where a request had none, its event is known by what it says."""
    times = Counter(fact.event_id for fact in facts)
    receipts = {entry.receipt for entry in accepted if entry.receipt is not None}
    for receipt in receipts:
        if times[receipt] != 1:
            yield f"receipt {receipt}: {times[receipt]} events"
    untold = Counter((entry.what, entry.thing) for entry in accepted if entry.what in UNKEYED and not entry.receipt)
    due: Counter[tuple[str, str | None]] = Counter()
    for (what, thing), number in untold.items():
        if (topic := WRITES[what].topic) is not None:
            due[topic.name, thing] += number
    lost_looks = Counter(_keys_of_lost_looks(ledger))
    rest = [fact for fact in facts if fact.event_id not in receipts]
    for fact in rest:
        if due[fact.stream.topic, fact.thing] > 0:
            due[fact.stream.topic, fact.thing] -= 1
        elif lost_looks[fact.stream.key] > 0 and (fact.stream.topic, fact.thing) not in due:
            lost_looks[fact.stream.key] -= 1
        else:
            yield f"event {fact.event_id} of {fact.stream.topic}: nobody was told of it"
    for (name, thing), number in due.items():
        if number > 0:
            yield f"{number} events of {name} about {thing} are not in the outbox"


def _keys_of_lost_looks(ledger: Sequence[Entry]) -> Iterator[str]:
    for entry in ledger:
        if entry.what == writes.LOOK and entry.patient_id is not None:
            yield from [entry.patient_id] * entry.lost


def _out_of_sequence(facts: Sequence[Fact]) -> Iterator[str]:
    last: Counter[Stream] = Counter()
    for fact in facts:
        if fact.sequence != last[fact.stream] + 1:
            yield f"{_named(fact.stream)}: {fact.sequence} follows {last[fact.stream]}"
        last[fact.stream] = max(last[fact.stream], fact.sequence)


def _astray(facts: Sequence[Fact], copies: Sequence[Copy]) -> Iterator[str]:
    known = {fact.event_id: fact for fact in facts}
    there = {copy.event_id for copy in copies}
    for fact in facts:
        if fact.event_id not in there:
            yield f"event {fact.event_id} of {fact.stream.topic} is not on Kafka"
    for copy in copies:
        fact_of = None if copy.event_id is None else known.get(copy.event_id)
        if fact_of is None:
            if not copy.is_poison:
                yield f"{copy.place}: {copy.event_id} is in no outbox"
        elif (fact_of.stream, fact_of.sequence, fact_of.digest) != (copy.stream, copy.sequence, copy.digest):
            yield f"{copy.place}: {copy.event_id} is another one than in the outbox"


def _out_of_order(evidence: Evidence) -> Iterator[str]:
    """By first appearances: what comes again, behind, is a duplicate that readers drop.

    A log that was refilled may begin with what was sent before the refill; all of it follows, in order.
    """
    last: Counter[Stream] = Counter()
    for copy in (copy for copy in evidence.kafka if not copy.is_poison):
        if copy.sequence == last[copy.stream] + 1:
            last[copy.stream] = copy.sequence
        elif copy.sequence is not None and copy.sequence > last[copy.stream] and "lost-disk" not in evidence.happened:
            yield f"{copy.place}: {copy.sequence} of {_named(copy.stream)} follows {last[copy.stream]}"
            last[copy.stream] = copy.sequence
    for stream, written in _heads(evidence.outbox).items():
        if last[stream] != written:
            yield f"{_named(stream)}: Kafka has {last[stream]} of {written} in order"


def _effects_amiss(due: Sequence[Fact], reader: Reader) -> Iterator[str]:
    for fact in due:
        times = reader.effects.get(fact.event_id, 0)
        if times != 1 or fact.event_id not in reader.delivered:
            yield f"event {fact.event_id} of {_named(fact.stream)}, {fact.sequence}: {times} effects"
    for invented in (reader.delivered | reader.effects.keys()) - {fact.event_id for fact in due}:
        yield f"event {invented} had an effect and is in no outbox"


def _heads_amiss(due: Sequence[Fact], reader: Reader) -> Iterator[str]:
    written = _heads(due)
    for stream in written.keys() | reader.heads.keys():
        if written.get(stream, 0) != reader.heads.get(stream, 0):
            yield f"{_named(stream)}: {reader.heads.get(stream, 0)} of {written.get(stream, 0)}"


def _letters_amiss(copies: Sequence[Copy], reader: Reader) -> Iterator[str]:
    """Poison under a key of its own stays dead. Under a patient's it was dropped, and is known again by its id."""
    known: set[tuple[Stream, str | None]] = set()
    for letter in reader.letters:
        is_of_nobody = letter.stream.key.startswith(POISON)
        if not letter.is_poison or letter.state != ("dead" if is_of_nobody else "dropped"):
            yield f"{letter.place} is {letter.state}: {letter.reason}"
        known.add((letter.stream, letter.place if is_of_nobody else letter.event_id))
    for copy in copies:
        identity = copy.place if copy.stream.key.startswith(POISON) else copy.event_id
        if copy.is_poison and copy.stream.topic in reader.topics and (copy.stream, identity) not in known:
            yield f"{copy.place} is poison and was not set aside"


def _figures_amiss(evidence: Evidence) -> Iterator[str]:
    """To the last one; a look that nobody was answered may be there or not."""
    figures = told.counted(evidence.ledger)
    lost: Counter[str] = Counter()
    for entry in evidence.ledger:
        lost[entry.site_id] += entry.lost if entry.what == writes.LOOK else 0
    for figure in sorted(figures.keys() | evidence.figures.keys()):
        most = figures[figure] + (lost[figure.site_id] if figure.name == "views" else 0)
        if not figures[figure] <= evidence.figures.get(figure, 0) <= most:
            name = " ".join(filter(None, (figure.name, figure.detail)))
            yield f"{name} of {figure.site_id}: {evidence.figures.get(figure, 0)}, the ledger has {figures[figure]}"


def _items_amiss(evidence: Evidence) -> Iterator[str]:
    due = told.items(evidence.ledger)
    for item in sorted(due.keys() | evidence.items.keys()):
        there, must_be = (_said(items.get(item)) for items in (evidence.items, due))
        if there != must_be:
            yield f"{item.section} of {item.patient_id} of {item.site_id}: {item.thing} is {there}, not {must_be}"


def _said(standing: str | None) -> str:
    return "missing" if standing is None else standing or "there"


def _heads(facts: Sequence[Fact]) -> dict[Stream, int]:
    heads: dict[Stream, int] = defaultdict(int)
    for fact in facts:
        heads[fact.stream] = max(heads[fact.stream], fact.sequence)
    return heads


def _named(stream: Stream) -> str:
    return f"{stream.topic} {stream.key} of {stream.site_id}"
