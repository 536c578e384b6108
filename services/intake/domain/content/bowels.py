"""Belly and bowels: what the activity index of each diagnosis takes, and the branch for a stoma or a pouch.

How often somebody passes stool says nothing about their disease when they have a stoma or a pouch. They are asked
about their bag or pouch instead, and no index that needs stools is computed for them. Blood is asked about in every
disease, since severe bleeding cannot wait for the visit in any; only in colitis does it count in the index.
"""

from services.intake.domain.content.authoring import Choice, Number, Question, Section, When, YesNo
from shared.speech import Said

DAYS_7 = Said("In the past 7 days.", "En los últimos 7 días.")
_DAYS_3 = Said("In the past 3 days.", "En los últimos 3 días.")
_COUNT_ALL = Said(
    "In the past 7 days. Count day and night. A guess is fine.",
    "En los últimos 7 días. Cuente el día y la noche. Puede ser más o menos.",
)
_HAS_STOOLS = (When("has_stoma_or_pouch", "!=", True),)

STOMA = Section(
    id="stoma",
    title=Said("Stoma or pouch", "Estoma o reservorio"),
    items=(
        Question(
            id="has_stoma_or_pouch",
            words=Said("Do you have a stoma or a pouch?", "¿Tiene un estoma o un reservorio?"),
            hint=Said(
                "A stoma is a hole made in the belly, with a bag. A pouch is made from the gut, inside the body.",
                "Un estoma es un hueco hecho en la barriga, con una bolsa. "
                "Un reservorio es una bolsa hecha del intestino, dentro del cuerpo.",
            ),
            kind=YesNo(),
        ),
    ),
)

_LOOSE_STOOLS = Question(
    id="loose_stools_per_day",
    words=Said(
        "How many loose or watery stools (poop) on an average day?",
        "¿Cuántas veces hizo popó suelto o líquido en un día promedio?",
    ),
    hint=_COUNT_ALL,
    kind=Number(0, 60, is_whole=False),
    asked_when=_HAS_STOOLS,
)

_ABDOMINAL_PAIN = Question(
    id="abdominal_pain",
    words=Said("How was your belly pain on average?", "En promedio, ¿cómo fue su dolor de barriga?"),
    hint=DAYS_7,
    kind=Number(
        0,
        3,
        (
            (0, Said("None", "Ninguno")),
            (1, Said("Mild: I notice it", "Leve: lo noto")),
            (2, Said("Moderate: it gets in my way", "Moderado: me estorba")),
            (3, Said("Severe: it stops me", "Fuerte: me detiene")),
        ),
        is_whole=False,
    ),
)

_STOOL_FREQUENCY = Question(
    id="stool_frequency",
    words=Said("How often did you pass stool (poop)?", "¿Cuántas veces al día hizo popó?"),
    hint=Said(
        "In the past 3 days. Compare with your normal when the disease is quiet.",
        "En los últimos 3 días. Compare con lo normal cuando su enfermedad está tranquila.",
    ),
    kind=Number(
        0,
        3,
        (
            (0, Said("As usual for me", "Como siempre")),
            (1, Said("1–2 more a day", "1 o 2 más al día")),
            (2, Said("3–4 more a day", "3 o 4 más al día")),
            (3, Said("5 or more extra a day", "5 o más de lo normal al día")),
        ),
    ),
    asked_when=_HAS_STOOLS,
)

_RECTAL_BLEEDING = Question(
    id="rectal_bleeding",
    words=Said("Did you see blood when you used the toilet?", "¿Vio sangre cuando usó el baño?"),
    hint=_DAYS_3,
    kind=Number(
        0,
        3,
        (
            (0, Said("No blood", "Nada de sangre")),
            (1, Said("A little, fewer than half of the times", "Un poco, menos de la mitad de las veces")),
            (2, Said("Plain to see, most of the times", "Se veía bien, casi todas las veces")),
            (3, Said("Blood came without stool", "Salió sangre sin popó")),
        ),
    ),
)


def _bowels(*items: Question) -> Section:
    return Section(id="bowels", title=Said("Belly and bowels", "Barriga e intestinos"), items=items)


BOWELS_CROHNS_1_0 = _bowels(_LOOSE_STOOLS, _ABDOMINAL_PAIN)
BOWELS_CROHNS = _bowels(_LOOSE_STOOLS, _ABDOMINAL_PAIN, _RECTAL_BLEEDING)
BOWELS_ULCERATIVE_COLITIS = _bowels(_STOOL_FREQUENCY, _RECTAL_BLEEDING)
BOWELS_UNCLASSIFIED = _bowels(_STOOL_FREQUENCY, _RECTAL_BLEEDING, _ABDOMINAL_PAIN)

BAG = Section(
    id="bag",
    title=Said("Your bag or pouch", "Su bolsa o reservorio"),
    asked_when=(When("has_stoma_or_pouch", "=", True),),
    items=(
        Question(
            id="empties_per_day",
            words=Said(
                "How many times a day did you empty your bag or pouch?",
                "¿Cuántas veces al día vació su bolsa o reservorio?",
            ),
            hint=_COUNT_ALL,
            kind=Number(0, 60),
        ),
        Question(
            id="output_change",
            words=Said("How much came out? Compare with your normal.", "¿Cuánto salió? Compare con lo normal."),
            hint=DAYS_7,
            kind=Choice(
                "output-change",
                (
                    ("less", Said("Less than usual", "Menos de lo normal")),
                    ("usual", Said("As usual for me", "Como siempre")),
                    ("more", Said("More, or more watery", "Más, o más líquido")),
                    ("much-more", Said("Much more, or like water", "Mucho más, o como agua")),
                ),
            ),
        ),
    ),
)

RUSH_AND_NIGHTS = Section(
    id="rush_and_nights",
    title=Said("Rush and nights", "Prisa y noches"),
    items=(
        Question(
            id="urgency",
            words=Said(
                "When you had to go, how much of a rush was it?", "Cuando tenía que ir al baño, ¿cuánta prisa tenía?"
            ),
            hint=DAYS_7,
            kind=Number(
                0,
                3,
                (
                    (0, Said("I could wait", "Podía esperar")),
                    (1, Said("I had to hurry", "Tenía que darme prisa")),
                    (2, Said("I had to go at once", "Tenía que ir ya")),
                    (3, Said("I did not always make it", "A veces no llegué")),
                ),
            ),
            asked_when=_HAS_STOOLS,
        ),
        Question(
            id="nights_woken",
            words=Said(
                "On how many nights did your bowels wake you?", "¿Cuántas noches se despertó por los intestinos?"
            ),
            hint=DAYS_7,
            kind=Number(0, 7),
        ),
    ),
)
