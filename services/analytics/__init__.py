"""Analytics: what the network learns, from every stream of what happens in care, without knowing a patient.

Holds pseudonyms instead of ids, no words and no key to open any, and of an erased person nothing. Figures leave
through one small set of fixed measures, with their denominators, and with small counts hidden as the last step.
"""

from shared.events import LINK_REVOKED, TOPICS, Topic

CONSUMES: tuple[Topic, ...] = tuple(topic for topic in TOPICS.values() if topic is not LINK_REVOKED)
PUBLISHES: tuple[Topic, ...] = ()
# Tables made from events alone, which a rebuild makes anew, and those that it leaves as they are.
PROJECTIONS = ("site", "enrolment", "visit", "survey", "clinical_fact", "view", "feedback")
KEPT = ("erasure",)
