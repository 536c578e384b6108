"""What goes out to patients: the link of a visit, by whatever carries messages at this network."""

from services.intake.sending.carriers import messenger_of
from services.intake.sending.courier import Courier, CourierSettings
from services.intake.sending.links import LinkMaker
from services.intake.sending.messenger import Message, Messenger, NotSent

__all__ = ["Courier", "CourierSettings", "LinkMaker", "Message", "Messenger", "NotSent", "messenger_of"]
