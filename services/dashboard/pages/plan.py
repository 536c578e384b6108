"""The forms by which the plan is written on the page, and every word of theirs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from shared.speech import Said

WORDS: Mapping[str, Said] = {
    "add": Said("Add a step", "Añadir un paso"),
    "tick": Said("Tick as done", "Marcar como hecho"),
    "untick": Said("Untick, still to do", "Quitar la marca, sigue pendiente"),
    "change": Said("Change", "Cambiar"),
    "what": Said("What", "Qué"),
    "who": Said("Who", "Quién"),
    "due_on": Said("By when", "Para cuándo"),
    "save_add": Said("Add to the plan", "Añadir al plan"),
    "save_change": Said("Save", "Guardar"),
    "save_carry": Said("Carry over", "Pasar a otro día"),
    "in_error": Said("Entered in error?", "¿Fue un error?"),
    "for_good": Said(
        "It leaves the page for good. How it stood stays on record.",
        "Sale de la página para siempre. Cómo estaba queda registrado.",
    ),
    "reason": Said("Why", "Por qué"),
    "take_back": Said("Take it back", "Retirarlo"),
    "arrived": Said("Saved.", "Guardado."),
    "gave-up": Said(
        "What you just saved is not on this page yet. Reload it in a moment.",
        "Lo que acaba de guardar todavía no está en esta página. Cárguela otra vez en un momento.",
    ),
}
REASONS: Mapping[str, Said] = {
    "entry-mistake": Said("It was not agreed like this", "No se acordó así"),
    "wrong-patient": Said("It is another patient’s", "Es de otro paciente"),
    "test-entry": Said("It was only a try", "Fue solo una prueba"),
    "other": Said("Another reason", "Otra razón"),
}
"""Why a step is taken back, by the codes of a correction."""

WRONG: Mapping[str, Said] = {
    "what": Said("Write 1 to 500 characters.", "Escriba de 1 a 500 caracteres."),
    "who": Said("Choose one.", "Elija una opción."),
    "due_on": Said("Choose today or a later day.", "Elija hoy o un día posterior."),
}
"""What each field wants, where it was not given."""

FAILED: Mapping[str, Said] = {
    "invalid": Said("Not saved. Look at what is marked.", "No se guardó. Mire lo que está marcado."),
    "key-reused": Said(
        "Not saved: this form was saved before. Look at the plan before you save again.",
        "No se guardó: este formulario ya se guardó antes. Mire el plan antes de guardar otra vez.",
    ),
    "away": Said(
        "Not saved, as far as we know: the part that keeps the plan does not answer. What you wrote is still here. "
        "Try again in a moment: it is saved once.",
        "No se guardó, que sepamos: la parte que guarda el plan no contesta. Lo que escribió sigue aquí. Pruebe otra "
        "vez en un momento: se guarda una sola vez.",
    ),
    "stale": Said(
        "Not saved: this step has just changed. Reload the page, look at it and try again.",
        "No se guardó: este paso acaba de cambiar. Cargue otra vez la página, mírelo y pruebe de nuevo.",
    ),
    "entered-in-error": Said(
        "Not saved: this step was just taken back, because it was entered in error. Reload the page.",
        "No se guardó: este paso se acaba de retirar por un error de anotación. Cargue otra vez la página.",
    ),
    "withheld": Said(
        "Not saved: what this step is stays with the patient and the clinician. They can give it to the front desk.",
        "No se guardó: qué es este paso queda entre el paciente y su médico. Ellos pueden pasarlo a recepción.",
    ),
    "offline": Said(
        "Not saved: there is no connection. What you wrote is still here. Save it when the connection is back.",
        "No se guardó: no hay conexión. Lo que escribió sigue aquí. Guárdelo cuando vuelva la conexión.",
    ),
    "other": Said(
        "Not saved: the plan does not take this now. Reload the page and try again.",
        "No se guardó: el plan no lo acepta ahora. Cargue otra vez la página y pruebe de nuevo.",
    ),
}


@dataclass(frozen=True, slots=True)
class PlanForms:
    """What stands in the forms of a reader who may write.

    What was `given` of a step and not saved stays where it was written; `wrong` are fields of it, and `failure` says
    why (a key of `FAILED`). `waited` is what came of a write before.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    step_id: UUID | None = None
    wrong: Collection[str] = ()
    failure: str | None = None
    waited: str | None = None

    def has(self, form: str, step_id: str = "") -> bool:
        """Whether what was given stands in this form."""
        return (self.given.get("form"), str(self.step_id or "")) == (form, step_id)

    def value(self, form: str, step_id: str, name: str, recorded: str) -> str:
        """What stands in a field: what was given, else what is recorded."""
        return self.given.get(name, "") if self.has(form, step_id) else recorded

    def is_wrong(self, form: str, step_id: str, name: str) -> bool:
        return name in self.wrong and self.has(form, step_id)

    def key(self, form: str, step_id: str = "") -> str:
        """By which a form that is sent twice is saved once."""
        kept = self.given.get("key") if self.has(form, step_id) and self.failure != "key-reused" else None
        return kept or str(uuid4())
