"""Answers as somebody gave them: plain JSON or a FHIR response, not yet checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.intake.domain.questionnaires.definition import Definition
from services.intake.domain.questionnaires.placing import Placed
from services.intake.domain.questionnaires.plain import place_plain, plain_answers
from services.intake.domain.questionnaires.responses import is_partial, place_response
from shared.events import SkipReason


@dataclass(frozen=True, slots=True)
class Given:
    """What was given, of either kind. `is_partial`: answers may still be missing, as in a draft."""

    answers: object = None
    skipped: object = None
    response: object = None
    is_plain: bool = True
    is_partial: bool = False

    @classmethod
    def of_plain(
        cls, answers: Mapping[str, Any], skipped: Mapping[str, Any] | None = None, *, is_partial: bool = False
    ) -> "Given":
        """From `{"linkId": value}` and `{"linkId": reason}`."""
        return cls(answers, {} if skipped is None else skipped, is_partial=is_partial)

    @classmethod
    def of_response(cls, response: object) -> "Given":
        """From a `QuestionnaireResponse`; its status says whether it is partial."""
        return cls(response=response, is_plain=False, is_partial=is_partial(response))

    def placed(self, definition: Definition) -> Placed:
        """Each answer at its item. Never raises."""
        if self.is_plain:
            return place_plain(definition, self.answers, self.skipped)
        return place_response(definition, self.response)

    def as_plain(self, definition: Definition) -> tuple[Mapping[str, Any], Mapping[str, SkipReason]]:
        """The answers and the reasons in plain JSON, of all that could be read, whether or not it is shown."""
        return plain_answers(self.placed(definition).root)

    @property
    def head(self) -> dict[str, Any]:
        """What a response says beside its answers: whose it is, when and by whom."""
        if not isinstance(self.response, Mapping):
            return {}
        return {name: part for name, part in self.response.items() if name != "item"}
