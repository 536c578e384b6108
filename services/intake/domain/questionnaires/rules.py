"""Rules of a form that are written in FHIRPath: what must hold, what is calculated, what is shown."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from services.intake.domain.questionnaires.comparing import is_same
from services.intake.domain.questionnaires.definition import Constraint, Definition, Item
from services.intake.domain.questionnaires.evaluation import Evaluation, value_found
from services.intake.domain.questionnaires.expressions import NotEvaluated, holds
from services.intake.domain.questionnaires.issues import Issue, Rule, Severity
from services.intake.domain.questionnaires.placing import Scope
from services.intake.domain.questionnaires.steps import Steps

_SHOWN = 200


class Rules:
    """The rules of one form over one set of answers."""

    def __init__(
        self,
        definition: Definition,
        head: Mapping[str, Any],
        root: Scope,
        at: datetime | None,
        steps: Steps | None = None,
    ) -> None:
        self._definition = definition
        self._steps = Steps() if steps is None else steps
        self._evaluated = partial(Evaluation, definition, head, root, at, steps=self._steps)
        self._root = root
        self._at_first: Evaluation | None = None

    def is_enabled(self, item: Item, scope: Scope) -> bool:
        """What an `enableWhenExpression` says; one that cannot be evaluated hides nothing."""
        if item.expressions.enabled is None:
            return True
        if self._at_first is None:
            self._at_first = self._evaluated()
        try:
            return self._at_first.for_item(item, item.expressions.enabled) == [True]
        except NotEvaluated:
            return True

    def broken(self) -> Iterator[Issue]:
        """What the answers that are shown break. To be asked once it is known which are."""
        for issue in self._all_broken():
            if self._steps.ended_by is not None:
                break
            yield issue
        if self._steps.ended_by is not None:
            yield Issue(Rule.TOO_COSTLY, None, self._steps.ended_by[:_SHOWN], path="QuestionnaireResponse")

    def _all_broken(self) -> Iterator[Issue]:
        now = self._evaluated()
        for constraint in self._definition.expressions.constraints:
            yield from _broken(constraint, None, now)
        for item in self._definition.walk():
            for constraint in item.expressions.constraints:
                yield from _broken(constraint, item, now)
            yield from self._miscalculated(item, now)

    def _miscalculated(self, item: Item, now: Evaluation) -> Iterator[Issue]:
        """What a person cannot change must be what the form calculates."""
        entry = self._root.entries.get(item.link_id)
        expression = item.expressions.calculated
        if expression is None or entry is None or not entry.answers or not entry.is_shown:
            return
        if not (item.is_read_only or item.is_hidden):
            return
        try:
            value = value_found(item, now.for_item(item, expression))
        except NotEvaluated as wrong:
            yield Issue(Rule.NOT_EVALUATED, item.link_id, str(wrong), Severity.WARNING, item.path)
            return
        if value is not None and not is_same(value, entry.answers[0].value):
            yield Issue(Rule.CALCULATED, item.link_id, path=item.path)


def _broken(constraint: Constraint, item: Item | None, now: Evaluation) -> Iterator[Issue]:
    severity = Severity.ERROR if constraint.is_error else Severity.WARNING
    where = (None, "QuestionnaireResponse") if item is None else (item.link_id, item.path)
    try:
        expression = constraint.expression
        found = [now.of_form(expression)] if item is None else now.of_item(item, expression)
        if not all(holds(one) for one in found):
            yield Issue(Rule.CONSTRAINT, where[0], constraint.human, severity, where[1])
    except NotEvaluated as wrong:
        yield Issue(Rule.NOT_EVALUATED, where[0], f"{constraint.key or 'constraint'}: {wrong}", severity, where[1])
