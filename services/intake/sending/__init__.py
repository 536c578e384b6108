"""What goes out, by whatever carries messages at this network: to patients the link of a visit, and to a clinic's own
people that an alert waits.
"""

from services.intake.sending.carriers import messenger_of
from services.intake.sending.courier import Courier, CourierSettings
from services.intake.sending.links import LinkMaker
from services.intake.sending.messenger import Message, Messenger, NotSent
from services.intake.sending.notices import Notifier

__all__ = ["Courier", "CourierSettings", "LinkMaker", "Message", "Messenger", "NotSent", "Notifier", "messenger_of"]
