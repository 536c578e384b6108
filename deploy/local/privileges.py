"""PostgreSQL refuses to run as root; where `up` is called as root, its programs run as another user.

Guarantee: no user is made and no permission of the checkout's parents is changed.
"""

import os
import pwd
import shutil
from collections.abc import Iterable
from pathlib import Path

from deploy.local.errors import StackError

_OTHERS_MAY_ENTER = 0o001
_CANDIDATES = ("postgres", "nobody")


def owner_of(data: Path) -> tuple[int, int] | None:
    """The user and group PostgreSQL runs as when we are root: the owner of its data, or a user every system has."""
    if os.geteuid() != 0:
        return None
    present = data.stat()
    if present.st_uid != 0:
        return present.st_uid, present.st_gid
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise StackError("PostgreSQL cannot run as root and there is no user `postgres` or `nobody` to run it as")


def run_as_owner(data: Path, command: list[str]) -> list[str]:
    """The command, with what makes it run as the owner of `data` in front of it when we are root."""
    owner = owner_of(data)
    if owner is None:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("PostgreSQL cannot run as root: install `setpriv` (util-linux) or run as an ordinary user")
    user, group = owner
    switch = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    if _may_enter([Path(command[0]), data]):
        return [setpriv, *switch, "--inh-caps=-all", "--ambient-caps=-all", *command]
    # A checkout in a private directory (root's home, a temporary one) is closed to that user. The right to pass
    # is given to this one process; the directories stay closed. Its programs ask `access` whether they may run, and
    # that leaves out the rights of whoever is not root, unless told otherwise (SECBIT_NO_SETUID_FIXUP).
    passing = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--securebits=+no_setuid_fixup"]
    return [setpriv, *switch, *passing, *command]


def _may_enter(places: Iterable[Path]) -> bool:
    parents = {parent for place in places for parent in place.resolve().parents}
    return all(parent.stat().st_mode & _OTHERS_MAY_ENTER for parent in parents)
