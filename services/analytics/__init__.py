"""Analytics: what the network learns, from every stream, without knowing a patient.

Holds pseudonyms instead of ids, no words and no key to open any, and of an erased person nothing. Figures leave
through one small set of fixed measures, with their denominators, and with small counts hidden as the last step.
"""

from shared.events import TOPICS, Topic

CONSUMES: tuple[Topic, ...] = tuple(TOPICS.values())
PUBLISHES: tuple[Topic, ...] = ()
