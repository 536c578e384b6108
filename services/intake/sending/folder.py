"""Messages as files, one each, for the demo and for programs that fetch them from there."""

import asyncio
import os
from collections.abc import Set
from pathlib import Path

from services.intake.domain import Channel, SendOutcome
from services.intake.sending.messenger import Message, NotSent


class FolderMessenger:
    """A message is there whole or not at all, readable by its owner only; the same one again replaces itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def channels(self) -> Set[Channel]:
        return set(Channel)

    async def send(self, message: Message) -> None:
        try:
            await asyncio.to_thread(self._write, message)
        except OSError:
            raise NotSent(SendOutcome.TRY_LATER, "not-written") from None

    def _write(self, message: Message) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._folder / f"{message.message_id}.json"
        unfinished = file.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(message.as_json())
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
