"""Which messenger the settings ask for."""

from services.intake.sending.folder import FolderMessenger
from services.intake.sending.messenger import Messenger
from services.intake.sending.smtp import SmtpMessenger
from services.intake.sending.webhook import WebhookMessenger
from services.intake.settings import MessengerSettings, SmtpSettings, WebhookSettings


def messenger_of(settings: MessengerSettings) -> Messenger:
    """The messenger of these settings."""
    match settings:
        case SmtpSettings():
            return SmtpMessenger(settings)
        case WebhookSettings():
            return WebhookMessenger(settings)
    return FolderMessenger(settings.path)
