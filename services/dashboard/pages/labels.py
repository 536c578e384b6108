"""The words for codes, in plain language: what a person calls it comes first."""

from collections.abc import Mapping

from shared.speech import Noun, Said

DIAGNOSES: Mapping[str, Said] = {
    "crohns-disease": Said("Crohn's disease", "Enfermedad de Crohn"),
    "ulcerative-colitis": Said("Ulcerative colitis", "Colitis ulcerosa"),
    "ibd-unclassified": Said("IBD, not classified", "EII sin clasificar"),
}

DIAGNOSES_GLOSSED: Mapping[str, Said] = {
    "crohns-disease": Said("can be anywhere in the gut", "en todo el intestino"),
    "ulcerative-colitis": Said("of the large bowel", "del intestino grueso"),
    "ibd-unclassified": Said("not clear yet whether Crohn's or colitis", "todavía no está claro si es Crohn o colitis"),
}

SEXES: Mapping[str, Said] = {
    "female": Said("female", "mujer"),
    "male": Said("male", "hombre"),
    "other": Said("other sex", "otro sexo"),
    "unknown": Said("sex not recorded", "sexo no anotado"),
}

ERASED: Mapping[str, Said] = {
    "patient-request": Said("The patient asked for it.", "El paciente lo pidió."),
    "enrolled-in-error": Said("It had been opened by mistake.", "Se había abierto por error."),
    "retention-ended": Said("The time for keeping it had ended.", "Se acabó el tiempo de guardarla."),
    "legal-order": Said("The law asked for it.", "La ley lo pidió."),
}

TOPICS: Mapping[str, Said] = {
    "symptoms": Said("Symptoms", "Los síntomas"),
    "medicine": Said("Medicine", "Las medicinas"),
    "side-effects": Said("Side effects", "Los efectos secundarios"),
    "steroids": Said("Steroids", "Los esteroides"),
    "diet": Said("Diet", "La comida"),
    "work-or-school": Said("Work or school", "El trabajo o la escuela"),
    "family": Said("Family", "La familia"),
    "mood": Said("Mood", "El ánimo"),
    "cost": Said("Cost", "El costo"),
    "other": Said("Something else", "Otra cosa"),
}

ITEMS: Mapping[str, Said] = {
    "ed_visits": Said("Emergency (ED) visits", "Idas a emergencias"),
    "hospital_stays": Said("Hospital stays", "Hospitalizaciones"),
    "ct_scans": Said("CT scans", "Tomografías (CT)"),
    "steroid_courses": Said("Steroid courses", "Esteroides (veces)"),
    "opioid_use": Said("Opioids", "Opioides"),
    "fatigue": Said("Tiredness", "Cansancio"),
    "pain_nrs": Said("Pain", "Dolor"),
    "nights_woken": Said("Nights woken", "Noches en vela"),
    "phq_2": Said("Low mood, PHQ-2", "Ánimo bajo, PHQ-2"),
    "gad_2": Said("Worry, GAD-2", "Preocupación, GAD-2"),
    "taking_as_agreed": Said("As agreed", "Como quedamos"),
    "missed_doses": Said("Missed doses", "Dosis no tomadas"),
    "side_effects": Said("Side effects", "Efectos secundarios"),
    "barriers": Said("Trouble with", "Estorba"),
    "in_remission": Said("In remission", "En remisión"),
    "ibd_control": Said("IBD control", "Control de la EII"),
    "loose_stools_per_day": Said("Stools a day", "Popó suelto al día"),
    "abdominal_pain": Said("Belly pain 0–3", "Dolor de barriga 0–3"),
    "well_being": Said("Well-being 0–4", "Bienestar 0–4"),
    "stool_frequency": Said("Stools 0–3", "Frecuencia 0–3"),
    "rectal_bleeding": Said("Bleeding 0–3", "Sangre 0–3"),
    "phq2_interest": Said("Interest", "Interés"),
    "phq2_mood": Said("Mood", "Ánimo"),
    "output_change": Said("Bag or pouch", "Bolsa o reservorio"),
}

PLAIN: Mapping[str, Said] = {
    "phq_2": Said("Low mood", "Ánimo bajo"),
    "gad_2": Said("Worry", "Preocupación"),
}
"""What a patient calls an item that has a clinical name besides."""

RECALLED: Mapping[str, Said] = {
    "3-days": Said("past 3 days", "últimos 3 días"),
    "7-days": Said("past 7 days", "últimos 7 días"),
    "2-weeks": Said("past 2 weeks", "últimas 2 semanas"),
    "6-months": Said("past 6 months", "últimos 6 meses"),
}
"""The time that an answer is about."""

ROWS: Mapping[str, Said] = {
    "phq_2": Said("Mood, 2 weeks", "Ánimo, 2 sem."),
    "rectal_bleeding": Said("Blood, 3 days", "Sangre, 3 días"),
}
"""What an item is called in a table whose head says another time than the one that it is about."""

ANSWERS_TO: Mapping[str, Said] = {
    "ed_visits": Said("emergency (ED) visits answer", "respuesta sobre emergencias"),
    "hospital_stays": Said("hospital stays answer", "respuesta sobre hospitalizaciones"),
    "ct_scans": Said("CT scans answer", "respuesta sobre tomografías"),
    "steroid_courses": Said("steroid courses answer", "respuesta sobre esteroides"),
    "opioid_use": Said("opioid answer", "respuesta sobre opioides"),
    "fatigue": Said("tiredness answer", "respuesta sobre cansancio"),
    "pain_nrs": Said("pain answer", "respuesta sobre dolor"),
    "nights_woken": Said("nights woken answer", "respuesta sobre las noches"),
    "rectal_bleeding": Said("blood answer", "respuesta sobre la sangre"),
    "output_change": Said("bag or pouch answer", "respuesta sobre la bolsa o el reservorio"),
    "phq_2": Said("mood answer", "respuesta sobre el ánimo"),
    "taking_as_agreed": Said("as agreed answer", "respuesta sobre cómo toma sus medicinas"),
    "missed_doses": Said("missed doses answer", "respuesta sobre dosis no tomadas"),
    "side_effects": Said("side effects answer", "respuesta sobre efectos secundarios"),
    "barriers": Said("barriers answer", "respuesta sobre lo que estorba"),
    "in_remission": Said("in remission answer", "respuesta sobre la remisión"),
    "ibd_control": Said("IBD control answer", "respuesta sobre el control de la EII"),
}
"""What an answer is called in a list of what is missing."""

COUNTED: Mapping[str, Noun] = {
    "ed_visits": Noun(Said("ED visit", "ida a emergencias"), Said("ED visits", "idas a emergencias")),
    "hospital_stays": Noun(Said("hospital stay", "hospitalización"), Said("hospital stays", "hospitalizaciones")),
    "ct_scans": Noun(Said("CT scan", "tomografía"), Said("CT scans", "tomografías")),
    "steroid_courses": Noun(
        Said("steroid course", "vez con esteroides"), Said("steroid courses", "veces con esteroides")
    ),
}
DOSES = Noun(Said("dose", "dosis"), Said("doses", "dosis"))
POINTS = Noun(Said("point", "punto"), Said("points", "puntos"))
MORE_CHARTS = Noun(Said("more chart", "gráfica más"), Said("more charts", "gráficas más"))
MORE_TESTS = Noun(Said("more test", "prueba más"), Said("more tests", "pruebas más"))
MORE_STEPS = Noun(Said("more step", "paso más"), Said("more steps", "pasos más"))
MORE_TESTS_ON_PAGE = Noun(
    Said("more test is on the page.", "prueba más está en la página."),
    Said("more tests are on the page.", "pruebas más están en la página."),
)
MORE_STEPS_ON_PAGE = Noun(
    Said("more step is on the page.", "paso más está en la página."),
    Said("more steps are on the page.", "pasos más están en la página."),
)

RECORDED: Mapping[str, Said] = {
    "visits": Said("visits", "visitas"),
    "surveys": Said("surveys", "cuestionarios"),
    "assessments": Said("clinician's ratings", "valoraciones del médico"),
    "labs": Said("laboratory results", "resultados de laboratorio"),
    "medications": Said("entries of medicines", "anotaciones de medicinas"),
    "steps": Said("agreed steps", "pasos acordados"),
}

TAKEN_BACK: Mapping[str, Noun] = {
    "labs": Noun(Said("laboratory result", "resultado de laboratorio"), RECORDED["labs"]),
    "medications": Noun(Said("entry of a medicine", "anotación de una medicina"), RECORDED["medications"]),
    "assessments": Noun(Said("clinician's rating", "valoración del médico"), RECORDED["assessments"]),
    "steps": Noun(Said("agreed step", "paso acordado"), RECORDED["steps"]),
}
"""What the clinic takes back when it was entered in error."""

STATES: Mapping[str, Said] = {
    "skipped": Said("skipped", "omitida"),
    "not-asked": Said("not asked", "no se preguntó"),
}

SKIPPED: Mapping[str, Said] = {
    "prefer-not-to-say": Said("chose not to answer", "prefirió no contestar"),
    "does-not-apply": Said("does not apply", "no es el caso"),
    "do-not-know": Said("does not know", "no lo sabe"),
}

BARRIERS: Mapping[str, Said] = {
    "none": Said("nothing", "nada"),
    "cost": Said("cost", "el costo"),
    "forgetting": Said("forgetting", "se olvida"),
    "side-effects": Said("side effects", "los efectos secundarios"),
    "time": Said("time, work or school", "el tiempo, el trabajo o la escuela"),
    "supply": Said("getting the medicine", "conseguir la medicina"),
    "worry": Said("worry about the medicine", "la medicina preocupa"),
    "other": Said("something else", "otra cosa"),
}

OUTPUTS: Mapping[str, Said] = {
    "less": Said("less", "menos"),
    "usual": Said("as usual", "como siempre"),
    "more": Said("more", "más"),
    "much-more": Said("much more", "mucho más"),
}
"""How much came out of a bag or pouch."""

WHO: Mapping[str, Said] = {
    "patient": Said("Patient", "Paciente"),
    "clinician": Said("Clinician", "Médico"),
    "nurse": Said("Nurse", "Enfermería"),
    "front-desk": Said("Front desk", "Recepción"),
}

ACTIVITIES: Mapping[str, Said] = {
    "remission": Said("In remission", "En remisión"),
    "mild": Said("Mild activity", "Actividad leve"),
    "moderate": Said("Moderate activity", "Actividad moderada"),
    "severe": Said("Severe activity", "Actividad grave"),
}

BANDS: Mapping[str, Said] = {
    "remission": Said("remission", "remisión"),
    "mild": Said("mild", "leve"),
    "moderate": Said("moderate", "moderada"),
    "severe": Said("severe", "grave"),
    "not-remission": Said("not in remission", "sin remisión"),
    "active": Said("active", "activa"),
}
"""Of an activity index, and of the clinician's rating."""

BANDS_IN_SHORT: Mapping[str, Said] = {"not-remission": Said("active", "activa")}

SYMPTOMS: Mapping[str, Said] = {
    "none": Said("none", "nada"),
    "mild": Said("mild", "leve"),
    "moderate": Said("moderate", "moderado"),
    "severe": Said("severe", "fuerte"),
    "some": Said("some", "algunas"),
    "most nights": Said("most nights", "casi todas"),
    "a little": Said("a little", "un poco"),
    "plain to see": Said("plain to see", "se veía bien"),
    "without stool": Said("without stool", "sin popó"),
    "under 3": Said("under 3", "hasta 2"),
    "3 or more": Said("3 or more", "3 o más"),
    "controlled": Said("controlled", "controlada"),
    "not-controlled": Said("not controlled", "sin control"),
    "under 7": Said("under 7", "hasta 6"),
    "7 or more": Said("7 or more", "7 o más"),
}
"""How a number on a scale reads, by what the page's JSON calls it."""

INDEXES: Mapping[str, Said] = {
    "pro-3-cd|1.0": Said("PRO-3 (Crohn's disease)", "PRO-3 (enfermedad de Crohn)"),
    "pro-2-uc|1.0": Said("PRO-2 (ulcerative colitis)", "PRO-2 (colitis ulcerosa)"),
}

CHANGES: Mapping[str, Said] = {
    "better": Said("better", "mejor"),
    "same": Said("same", "igual"),
    "worse": Said("worse", "peor"),
}

REMISSION: Mapping[str, Said] = {
    "yes": Said("In remission", "En remisión"),
    "no": Said("Not in remission", "Sin remisión"),
    "unsure": Said("Not sure", "No sé"),
}

MARKERS: Mapping[str, Said] = {
    "Calprotectin": Said("Calprotectin", "Calprotectina"),
    "CRP": Said("CRP", "PCR"),
}
"""Tests of inflammation by our own names for them; any other test is called what the clinic calls it."""

SAMPLES: Mapping[str, Said] = {"in stool": Said("in stool", "en heces"), "in blood": Said("in blood", "en sangre")}

LIMITS: Mapping[str, Said] = {
    "target under": Said("target under", "meta: bajo"),
    "usual under": Said("usual under", "normal: bajo"),
}

SIDES: Mapping[str, Said] = {
    "over": Said("over", "más de"),
    "under": Said("under", "menos de"),
    "within": Said("within", "hasta"),
}
"""Where a result lies, before the number of the limit."""

STOPPED: Mapping[str, Said] = {
    "dose-changed": Said("dose changed", "cambió la dosis"),
    "course-completed": Said("course completed", "tratamiento completo"),
    "remission": Said("remission", "remisión"),
    "no-response": Said("no response", "sin respuesta"),
    "loss-of-response": Said("loss of response", "dejó de responder"),
    "side-effects": Said("side effects", "efectos secundarios"),
    "infection": Said("infection", "infección"),
    "surgery": Said("surgery", "cirugía"),
    "pregnancy": Said("pregnancy", "embarazo"),
    "cost-or-coverage": Said("cost or coverage", "costo o seguro"),
    "patient-choice": Said("patient choice", "decisión del paciente"),
    "other": Said("other", "otra razón"),
    "unknown": Said("unknown", "no se sabe"),
}
