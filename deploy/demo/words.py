"""What patients of the demo say in their own words: short sentences by topic, in English and Spanish. All invented.

`{...}` stands for a detail that is drawn with the sentence. English and Spanish stand side by side, so that a concern
is the same one in either language.
"""

import re
from collections.abc import Mapping
from random import Random

from deploy.demo.shares import one_of
from shared.events import ConcernTopic, Language

Pair = tuple[str, str]
Bank = Mapping[ConcernTopic, tuple[Pair, ...]]

_DETAILS: Mapping[str, tuple[Pair, ...]] = {
    "meal": (
        ("breakfast", "desayunar"),
        ("lunch at work", "comer en el trabajo"),
        ("dinner", "cenar"),
        ("coffee", "tomar café"),
    ),
    "event": (
        ("my sister's wedding", "la boda de mi hermana"),
        ("a long flight in spring", "un vuelo largo en primavera"),
        ("my exams", "mis exámenes"),
        ("a family trip", "un viaje con la familia"),
        ("moving to another city", "mi mudanza a otra ciudad"),
    ),
    "times": (("four", "cuatro"), ("five", "cinco"), ("six", "seis"), ("eight", "ocho")),
    "child": (("my son", "mi hijo"), ("my daughter", "mi hija"), ("my two children", "mis dos hijos")),
    "food": (("salad", "la ensalada"), ("milk", "la leche"), ("beans", "los frijoles"), ("spicy food", "lo picante")),
    "place": (("elbows", "codos"), ("knees", "rodillas"), ("hands", "manos"), ("lower back", "espalda baja")),
}

WHEN_ACTIVE: Bank = {
    ConcernTopic.SYMPTOMS: (
        ("The cramps are back, worst after {meal}.", "Volvieron los cólicos, sobre todo después de {meal}."),
        ("I get up {times} times a night and cannot rest.", "Me levanto {times} veces cada noche y no descanso."),
        ("I saw blood again this week and it scares me.", "Esta semana vi sangre otra vez y me asusta."),
        ("I am so tired that I sleep after work.", "Es tanto el cansancio que duermo al salir del trabajo."),
        ("I have to run to the bathroom with no warning.", "Tengo que correr al baño sin aviso."),
        ("Is this a flare or did I eat something wrong?", "¿Es un brote o comí algo que me cayó mal?"),
    ),
    ConcernTopic.STEROIDS: (
        (
            "I had prednisone again. I do not want it before {event}.",
            "Tomé prednisona otra vez. No la quiero antes de {event}.",
        ),
        ("I cannot sleep on prednisone. How do I get off it?", "No duermo con la prednisona. ¿Cómo la dejo?"),
        ("Each time I lower the steroid the pain returns.", "Cada vez que bajo el esteroide vuelve el dolor."),
    ),
    ConcernTopic.MEDICINE: (
        ("Is my medicine wearing off before the next dose?", "¿Se acaba el efecto antes de la próxima dosis?"),
        ("How long until the new medicine works?", "¿Cuánto tarda en funcionar el nuevo medicamento?"),
        ("What is next if this one stops working?", "¿Qué sigue si este deja de funcionar?"),
    ),
    ConcernTopic.WORK_OR_SCHOOL: (
        ("I missed {times} days of work this month.", "Falté {times} días al trabajo este mes."),
        ("I plan my whole shift around bathrooms.", "Planeo todo mi turno según los baños."),
    ),
    ConcernTopic.MOOD: (
        ("I cry easily and stay at home a lot.", "Lloro con facilidad y me quedo mucho en casa."),
        ("I worry all day that it will start again.", "Me preocupa todo el día que empiece otra vez."),
    ),
    ConcernTopic.DIET: (
        (
            "What can I eat while it hurts? Even {food} makes it worse.",
            "¿Qué puedo comer con dolor? Con {food} empeoró.",
        ),
        ("I am losing weight and food scares me.", "Estoy bajando de peso y la comida me da miedo."),
    ),
}
WHEN_QUIET: Bank = {
    ConcernTopic.MEDICINE: (
        ("Could I take less medicine now that I feel well?", "¿Podría tomar menos medicina ahora que estoy bien?"),
        ("Is it safe to stay on this for ten years?", "¿Es seguro seguir con esto diez años?"),
        (
            "I travel for {event}. How do I keep the shots cold?",
            "Viajo por {event}. ¿Cómo mantengo frías las inyecciones?",
        ),
    ),
    ConcernTopic.DIET: (
        ("Can I try {food} again?", "¿Puedo probar {food} otra vez?"),
        ("Which diet has real proof behind it?", "¿Qué dieta tiene pruebas de verdad?"),
    ),
    ConcernTopic.FAMILY: (
        ("Can I get pregnant safely on this medicine?", "¿Puedo embarazarme sin riesgo con esta medicina?"),
        ("Will my children get this disease too?", "¿Mis hijos también tendrán esta enfermedad?"),
    ),
    ConcernTopic.COST: (
        ("My insurance changed and the copay doubled.", "Cambió mi seguro y el copago se duplicó."),
        ("The approval came late and I waited two weeks.", "La aprobación llegó tarde y esperé dos semanas."),
    ),
    ConcernTopic.SIDE_EFFECTS: (
        ("My {place} hurt the day after each dose.", "Me duelen {place} al día siguiente de cada dosis."),
        ("I get a rash where I inject.", "Me sale sarpullido donde me inyecto."),
        ("I catch every cold since I started this.", "Desde que empecé me resfrío a cada rato."),
    ),
    ConcernTopic.SYMPTOMS: (
        ("I am tired although my tests are good.", "Estoy sin energía aunque mis análisis salen bien."),
        ("Some bloating after {meal}. Is that my disease?", "Algo de hinchazón después de {meal}. ¿Es la enfermedad?"),
    ),
    ConcernTopic.OTHER: (
        ("When is my next colonoscopy, and do I need it?", "¿Cuándo es mi próxima colonoscopia y la necesito?"),
        ("Which vaccines should I have this year?", "¿Qué vacunas me tocan este año?"),
        ("I would like to start running. May I?", "Quisiera empezar a correr. ¿Puedo?"),
    ),
}
GOALS: tuple[Pair, ...] = (
    ("Work a full week without planning around bathrooms.", "Trabajar una semana entera sin planear los baños."),
    ("Be there for {child} on weekends.", "Estar con {child} los fines de semana."),
    ("Get through {event} without a flare.", "Pasar {event} sin un brote."),
    ("Stay off steroids this year.", "No tomar esteroides este año."),
    ("Sleep through the night again.", "Volver a dormir toda la noche."),
    ("Eat with my family without fear.", "Comer con mi familia sin miedo."),
    ("Understand my results and decide with you.", "Entender mis resultados y decidir con ustedes."),
    ("Take as few medicines as I safely can.", "Tomar las menos medicinas posibles sin riesgo."),
    ("Run five kilometers again.", "Volver a correr cinco kilómetros."),
    ("Keep my insurance and my treatment.", "Conservar mi seguro y mi tratamiento."),
)


def spoken(rng: Random, pair: Pair, language: Language) -> str:
    """The sentence in the patient's language (English where there is no other), with its details filled in."""
    side = 1 if language is Language.SPANISH else 0
    return re.sub(r"\{(\w+)\}", lambda found: one_of(rng, _DETAILS[found[1]])[side], pair[side])
