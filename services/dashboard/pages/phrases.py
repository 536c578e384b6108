"""What the page's templates say, by name, in each language. What is said with numbers and days is in `sentences`.

The Spanish is a draft for a qualified translator.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.dashboard.pages import glass, plan
from shared.events import Language
from shared.speech import SPOKEN, Said, in_language

_PAGE: Mapping[str, Said] = {
    "visit_of": Said("Same page, visit of {}", "La misma página, visita del {}"),
    "no_visit": Said("Same page, no coming visit", "La misma página, ninguna visita por venir"),
    "updated": Said("Updated {}.", "Actualizada {}."),
    "never": Said("never", "nunca"),
    "reload": Said("Reload", "Recargar"),
    "live": Said("Live, updated {}", "En vivo, actualizada {}"),
    "lost": Said("Not live since", "Sin conexión desde"),
    "back_to_mine": Said("Back to my view", "Volver a mi vista"),
    "who_looked": Said("Who looked", "Quién la vio"),
    "is_recorded": Said("Opening is recorded", "Queda registrado"),
    "show_to_both": Said("Show it to both", "Ver juntos"),
    "emergency_openings": Said("Emergency openings", "Aperturas de emergencia"),
    "print": Said("Print one-page summary", "Imprimir en una hoja"),
    "who_and_when": Said("Who and when", "Quién y cuándo"),
    "my_page": Said("My page", "Mi página"),
    "born": Said("Born {}", "Nac. {}"),
    "patient": Said("Patient", "Paciente"),
    "not_enrolled": Said(
        "Enrollment has not arrived: age and diagnosis are not known",
        "La inscripción no ha llegado: no se conocen la edad ni el diagnóstico",
    ),
    "also_seen_at": Said("Also seen at", "También se atiende en"),
    "how_fresh": Said("How fresh each source is, and what is missing", "De cuándo es cada fuente y qué falta"),
    "missing": Said("Missing", "Falta"),
    "and_more": Said("and {} more", "y {} más"),
    "on_this_page": Said("On this page", "En esta página"),
    "how_am_i": Said("How am I doing", "Cómo estoy"),
    "how_am_i_asked": Said("How am I doing?", "¿Cómo estoy?"),
    "charts": Said("Charts", "Gráficas"),
    "urgent_care": Said("Urgent care", "Atención urgente"),
    "next_steps": Said("Next steps", "Próximos pasos"),
    "talk_about": Said("What I want to talk about", "De qué quiero hablar"),
    "remission_means": Said("Remission means the disease is quiet", "Remisión: la enfermedad está tranquila"),
    "past": Said("The past {}", "Los últimos {}"),
    "built_from": Said("Built from events up to {}, {}.", "Con datos hasta el {}, {}."),
    "no_event": Said("No event has arrived.", "No ha llegado ningún dato."),
    "patient_said": Said("The patient said it", "Lo dijo el paciente"),
    "clinic_recorded": Said("The clinic or lab recorded it", "Lo anotó la clínica o el laboratorio"),
    "computed": Said("Computed from answers", "Calculado con las respuestas"),
    "not_for_emergencies": Said(
        "Not for emergencies. No diagnosis or dosing advice.",
        "No es para emergencias. No da diagnósticos ni consejos sobre dosis.",
    ),
    "nobody_watches": Said(
        "Nobody watches this: call your clinic, or 911. No diagnosis or dosing advice.",
        "Nadie lo vigila: llame a su clínica o al 911. No da diagnósticos ni dosis.",
    ),
    "nobody_watches_call": Said("Nobody watches this: call", "Nadie lo vigila: llame al"),
    "or_911": Said(", or 911. No diagnosis or dosing advice.", " o al 911. No da diagnósticos ni dosis."),
    "hidden_title": Said("What the patient and the clinician say", "Lo que dicen el paciente y su médico"),
    "hidden": Said(
        "It is for the two of them. Your clinic shows coordinators what is needed to organise care.",
        "Es para ellos dos. Su clínica muestra a coordinación lo que hace falta para organizar la atención.",
    ),
    "summary": Said("Visit summary.", "Resumen de la visita."),
    "read": Said("Read {}, {}", "Leída el {}, {}"),
    "printed": Said(", printed", ", impresa el"),
    "not_live": Said("Paper is not live.", "El papel no se actualiza."),
    "show_new": Said("New: show it", "Hay algo nuevo: mostrarlo"),
    "covered": Said(
        "The page is covered, because nobody touched it. Press to see it again.",
        "La página está tapada porque nadie la tocó. Pulse para verla otra vez.",
    ),
    "not_covered": Said(
        "Here the page does not cover itself: it stays in sight when nobody uses it. Close it when you are done.",
        "Aquí la página no se tapa sola: sigue a la vista cuando nadie la usa. Ciérrela al terminar.",
    ),
}
_CONCERNS: Mapping[str, Said] = {
    "no_survey": Said("No survey yet", "Todavía no hay cuestionario"),
    "nobody_told": Said("Nobody has told us what they want to talk about.", "Nadie nos ha dicho de qué quiere hablar."),
    "without_words": Said("{}, without words", "{}, sin palabras"),
    "raised_before": Said("Topic also raised on {}.", "También salió el {}."),
    "new": Said("New topic.", "Tema nuevo."),
    "no_concern": Said("No concern named", "No se nombró ningún tema"),
    "matters_most": Said("What matters most to me", "Lo que más me importa"),
    "words_erased": Said("These words were erased.", "Estas palabras se borraron."),
    "words_away": Said(
        "These words are not readable now. Try again in a moment.",
        "Estas palabras no se pueden leer ahora. Pruebe otra vez en un momento.",
    ),
}
_ASKING: Mapping[str, Said] = {
    "no_survey": Said("No survey for this visit yet", "Todavía no hay cuestionario para esta visita"),
    "patient": Said("Answer it with the link from your clinic.", "Contéstelo con el enlace de su clínica."),
    "patient_goes": Said("See what is open now", "Ver qué está abierto ahora"),
    "clinician": Said(
        "The front desk can send the link, or a reminder.", "Recepción puede enviar el enlace, o un recordatorio."
    ),
    "coordinator": Said("It is sent from the list of visits.", "Se envía desde la lista de visitas."),
    "coordinator_goes": Said("Send the link", "Enviar el enlace"),
}
"""What is said to each role, and where it `goes` from there."""

_READINGS: Mapping[str, Said] = {
    "i_say": Said("I say", "Yo digo"),
    "in_remission_answer": Said("In remission? Answer", "¿En remisión? Respuesta"),
    "answers_say": Said("My answers say", "Mis respuestas"),
    "no_score": Said("No score yet", "Todavía no hay puntuación"),
    "band": Said("Band", "Nivel"),
    "clinician_says": Said("My clinician says", "Mi médico"),
    "no_rating": Said("No rating yet", "Todavía no hay valoración"),
    "rating": Said("Rating", "Valoración"),
    "not_agreed": Said("These do not agree.", "No coinciden."),
    "why_shown": Said("Why this shows", "¿Por qué?"),
}
_CHARTS: Mapping[str, Said] = {
    "as_table": Said("Show as table", "Ver como tabla"),
    "as_chart": Said("Show as chart", "Ver como gráfica"),
    "close_table": Said("Close table", "Cerrar la tabla"),
    "is_table": Said("{} of the past {}, as a table", "{} de los últimos {}, como tabla"),
    "spans": Said("Time on the charts", "Tiempo en las gráficas"),
    "day": Said("Day on the charts", "Día en las gráficas"),
    "my_score": Said("My symptom score", "Mi puntuación de síntomas"),
    "higher_is": Said("higher is {}", "más alto es {}"),
    "symptom_score": Said("symptom score", "puntuación de síntomas"),
    "answered": Said("Answered", "Contestado"),
    "score": Said("Score", "Puntos"),
    "other_answers": Said("My other answers", "Mis otras respuestas"),
    "has_no_score": Said("no score", "sin puntuación"),
    "no_answer": Said("no answer", "sin respuesta"),
    "from_first_survey": Said("It is computed from the first survey.", "Se calcula con el primer cuestionario."),
    "my_medicines": Said("My medicines", "Mis medicinas"),
    "clinics_list": Said("clinic's list", "lista de la clínica"),
    "medicines": Said("medicines", "medicinas"),
    "medicine": Said("Medicine", "Medicina"),
    "dose": Said("Dose", "Dosis"),
    "from": Said("From", "Desde"),
    "to": Said("To", "Hasta"),
    "why_stopped": Said("Why stopped", "Por qué terminó"),
    "not_recorded": Said("not recorded", "no anotada"),
    "still_on_it": Said("still on it", "todavía la toma"),
    "all_taken": Said("All that are taken now: {}.", "Todas las que toma ahora: {}."),
    "no_medicine": Said("No medicine on the clinic's list", "Ninguna medicina en la lista de la clínica"),
    "not_the_same": Said("That is not the same as taking none.", "No es lo mismo que no tomar ninguna."),
    "inflammation": Said("Labs: signs of inflammation", "Laboratorio: señales de inflamación"),
    "labs": Said("labs", "laboratorio"),
    "scales": Said(
        "Calprotectin is drawn on a log scale, CRP on a plain one",
        "La calprotectina va en escala logarítmica, la PCR en una normal",
    ),
    "taken": Said("Taken", "Tomado"),
    "test": Said("Test", "Prueba"),
    "result": Said("Result", "Resultado"),
    "unit": Said("Unit", "Unidad"),
    "limit": Said("Limit", "Límite"),
    "method": Said("Method", "Método"),
    "was": Said("was", "antes"),
    "cannot_judge": Said("cannot be judged:", "no se puede valorar:"),
    "not_said": Said("not said", "no se dice"),
    "no_marker": Said("No calprotectin or CRP yet", "Todavía no hay calprotectina ni PCR"),
    "results_show": Said(
        "Results show here when the laboratory reports them.",
        "Los resultados aparecen aquí cuando el laboratorio los manda.",
    ),
}
_SIDE: Mapping[str, Said] = {
    "past_6_months": Said("Past 6 months", "Últimos 6 meses"),
    "differs": Said("differs from the clinic's list", "distinto de la lista de la clínica"),
    "no_steroid": Said("No steroid in the clinic's list for that time.", "No están en la lista de ese tiempo."),
    "no_answers": Said("No answers yet", "Todavía no hay respuestas"),
    "asked_before": Said("Asked in the survey before a visit.", "Se pregunta en el cuestionario antes de una visita."),
    "well_being": Said("Well-being and mood", "Bienestar y ánimo"),
    "past_week": Said("Past 7 days, higher is worse", "Últimos 7 días, más alto es peor"),
    "day_to_day": Said("Medicines, day to day", "Medicinas, día a día"),
    "other_checks": Said("Other checks", "Otras pruebas"),
    "latest_of_each": Said("Latest of each", "La última de cada una"),
    "a_result": Said("result", "resultado"),
    "before": Said("before", "antes"),
    "other_method": Said("other method", "otro método"),
    "high": Said("high", "alto"),
    "low": Said("low", "bajo"),
    "in_range": Said("in range", "en rango"),
    "no_range": Said("no range", "sin rango"),
    "on": Said("on {}", "el {}"),
    "no_other": Said("No other result yet", "Todavía no hay otro resultado"),
}
_PLAN: Mapping[str, Said] = {
    "done": Said("done", "hecho"),
    "open": Said("open", "pendiente"),
    "due": Said("due {}, {} late", "{}: {} tarde"),
    "by": Said("by {}", "para el {}"),
    "hidden": Said(
        "What it is stays with the patient and the clinician.", "Qué es queda entre el paciente y su médico."
    ),
    "no_day": Said("no day set", "sin fecha"),
    "steps_agreed": Said("Next steps we agreed", "Pasos que acordamos"),
    "agreed": Said("Agreed", "Acordado"),
    "steps_counted": Said("{} open, {} done", "por hacer: {}, hechos: {}"),
    "no_step": Said("No step agreed yet", "Todavía no hay pasos acordados"),
    "steps_show": Said(
        "What you decide together in the visit shows here next time.",
        "Lo que decidan juntos en la visita aparece aquí la próxima vez.",
    ),
}
_COPIES: Mapping[str, Said] = {
    "download": Said("Download", "Descargar"),
    "pdf": Said("to read and to print", "para leer y para imprimir"),
    "fhir": Said("for another clinic's system", "para el sistema de otra clínica"),
    "json": Said("all of it, for a program", "todo, para un programa"),
    "title": Said("Same page: visit summary", "La misma página: resumen de la visita"),
    "question": Said("Question", "Pregunta"),
    "undrawn": Said(
        "Some letters or signs cannot be printed in this file: empty places or boxes stand for them. The page has "
        "them.",
        "Algunas letras o signos no se pueden imprimir en este archivo: en su lugar hay huecos o cuadros. La página sí "
        "los tiene.",
    ),
}
_ERASED: Mapping[str, Said] = {
    "title": Said("Same page, erased", "La misma página, borrada"),
    "mine": Said("My page was erased", "Mi página se borró"),
    "this": Said("This page was erased", "Esta página se borró"),
    "on": Said("Erased on {}.", "Se borró el {}."),
    "you_told": Said(
        "What you told us in words cannot be read by anybody any more, and nothing is shown here or counted in the "
        "network's figures. It cannot be brought back.",
        "Nadie puede leer ya lo que usted nos contó con palabras. Aquí no se muestra nada, y nada cuenta en las cifras "
        "de la red. No se puede recuperar.",
    ),
    "patient_told": Said(
        "What the patient told us in words cannot be read by anybody any more, and nothing is shown here or counted in "
        "the network's figures. It cannot be brought back.",
        "Nadie puede leer ya lo que el paciente nos contó con palabras. Aquí no se muestra nada, y nada cuenta en las "
        "cifras de la red. No se puede recuperar.",
    ),
    "own_record": Said(
        "The clinic keeps its own medical record outside this page.",
        "La clínica guarda su propio expediente médico fuera de esta página.",
    ),
    "you_come_back": Said(
        "If you come back, the clinic enrols you anew.", "Si vuelve, la clínica le inscribe de nuevo."
    ),
    "person_comes_back": Said("A person who comes back is enrolled anew.", "A quien vuelve se le inscribe de nuevo."),
}
_AROUND: Mapping[str, Said] = {
    "close_now": Said("Close it now", "Cerrarla ahora"),
    "of_other": Said("The page of {}, for reading.", "La página de {}, solo para leer."),
    "seen_there": Said(
        "Your patient is seen there too, linked {}. Each clinic keeps its own record.",
        "Su paciente también se atiende allí, con enlace {}. Cada clínica guarda su propio expediente.",
    ),
    "back_to_own": Said("Back to your page", "Volver a su página"),
}
_LOOKS: Mapping[str, Said] = {
    "back_to_my": Said("Back to my page", "Volver a mi página"),
    "back_to_the": Said("Back to the page", "Volver a la página"),
    "written_first": Said(
        "Every time somebody opens the page it is written down first. Nobody can take an entry away unseen.",
        "Cada vez que alguien abre la página, antes queda anotado. Nadie puede quitar una anotación sin que se note.",
    ),
    "newest_first": Said("Newest first", "Lo más nuevo primero"),
    "when": Said("When", "Cuándo"),
    "who": Said("Who", "Quién"),
    "what": Said("What", "Qué"),
    "earlier": Said("Earlier looks", "Vistas anteriores"),
    "nobody": Said("Nobody before you", "Nadie antes que usted"),
    "next_time": Said(
        "The next time somebody opens the page, it shows here.",
        "La próxima vez que alguien abra la página, aparecerá aquí.",
    ),
    "times": Said(
        "Times of the clinic. Names are the ones that the clinic gave; ask the clinic who that is.",
        "Horas de la clínica. Los nombres los puso la clínica; pregúntele quién es.",
    ),
}
_PANELS = {
    "page": _PAGE,
    "concerns": _CONCERNS,
    "asking": _ASKING,
    "readings": _READINGS,
    "charts": _CHARTS,
    "side": _SIDE,
    "plan": _PLAN,
    "plan_forms": plan.WORDS,
    "plan_wrong": plan.WRONG,
    "plan_failed": plan.FAILED,
    "plan_reasons": plan.REASONS,
    "copies": _COPIES,
    "erased": _ERASED,
    "around": _AROUND,
    "looks": _LOOKS,
    "glass": glass.FORM,
    "glass_wrong": glass.WRONG,
}


PHRASES: Mapping[Language, Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {language: {panel: in_language(language, phrases) for panel, phrases in _PANELS.items()} for language in SPOKEN}
)
"""By language, panel and name."""
