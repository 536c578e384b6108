"""What coordinators are not told: what patients said, at a site that does not show it to its coordinators.

They may put in what they are told on the phone or read on paper. It is said that something is withheld, so that nobody
takes it for unanswered, and nobody replaces words that they could not read.
"""

from collections.abc import Set

from services.intake import store
from services.intake.api.versions import Whole
from services.intake.domain import Form, last_answers
from services.intake.domain.questionnaires import shown, with_calculated
from shared.auth import Caller, Role
from shared.db import Connection, SiteScope
from shared.errors import FieldError, Problem

WITHHELD = "withheld"


async def is_withheld(connection: Connection, caller: Caller, site_id: str) -> bool:
    """Whether what patients of a site said is withheld from the caller."""
    if caller.role is not Role.COORDINATOR:
        return False
    return not await store.shows_clinical_to_coordinators(connection, SiteScope.of(site_id), site_id)


def filled_up(form: Form, kept: Whole, words: Set[str], given: Whole) -> Whole:
    """A correction by somebody who could not read what stands: what it leaves out stays as it was.

    Args:
        kept: what stands, by item.
        words: those of its items that were answered in words.
        given: what the correction says.

    Raises:
        Problem: 409 `withheld`, words would be replaced or lost, or an answer in a group that repeats.
    """
    stands = last_answers(form.definition, kept.answers)
    if {_question(key) for key in (*kept.answers, *kept.skipped)} - stands.keys() - kept.skipped.keys():
        raise Problem(409, WITHHELD, "It has a group that repeats. Who may read the answers can correct it.")
    named = given.answers.keys() | given.skipped.keys()
    by_id = form.definition.by_id
    # What is calculated is so again, of what stands then.
    unnamed = {
        item: answer
        for item, answer in stands.items()
        if item not in named and by_id[item].expressions.calculated is None
    }
    together = with_calculated(form.definition, {**unnamed, **given.answers}, given.skipped)
    stays = shown(form.definition, together) - named
    lost = sorted({_question(item) for item in words} - stays)
    if lost:
        expected = "nothing that would replace words which are withheld from you"
        errors = [FieldError(f"answers.{item}", expected, is_known=True) for item in lost]
        raise Problem(409, WITHHELD, "What the patient said in words is withheld from you, and stays.", errors=errors)
    answers = {item: answer for item, answer in unnamed.items() if item in stays}
    skipped = {item: reason for item, reason in kept.skipped.items() if item in stays}
    return Whole({**answers, **given.answers}, {**skipped, **given.skipped})


def _question(key: str) -> str:
    """The linkId of an answer: what repeats has a number behind it."""
    return key.partition("[")[0]
