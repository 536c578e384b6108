"""The Java programs of the local stack: the runtime, and Apache Kafka's jars, resolved once by Maven for all checkouts.

Guarantee: the directory of jars appears in one step, complete and with verified checksums, or not at all.
"""

import fcntl
import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.process import run

KAFKA_VERSION = "4.3.0"
_POM = Path(__file__).with_name("pom.xml")
_OLDEST_JAVA = 17
_DOWNLOAD_SECONDS = 900


@dataclass(frozen=True)
class JavaTools:
    """What was found on this machine; `missing` says what a real Kafka lacks, or is None."""

    java: str | None
    maven: str | None
    jars: Path

    @classmethod
    def found(cls, environ: Mapping[str, str]) -> "JavaTools":
        """Java 17 or newer and Maven on the PATH, and where the jars are or would be."""
        cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache")
        fingerprint = hashlib.sha256(_POM.read_bytes()).hexdigest()[:8]
        jars = cache / "samepage" / f"kafka-libs-{KAFKA_VERSION}-{fingerprint}"
        search = environ.get("PATH")
        return cls(_recent_java(shutil.which("java", path=search)), shutil.which("mvn", path=search), jars)

    @property
    def missing(self) -> str | None:
        """What must be installed before Kafka can run; Maven is needed only while the jars are not there yet."""
        lacks_maven = self.maven is None and not self.jars.exists()
        names = [f"Java {_OLDEST_JAVA} or newer"] * (self.java is None) + ["Maven"] * lacks_maven
        return " and ".join(names) or None

    def run_kafka_class(self, name: str, *options: str) -> list[str]:
        """The command that runs a class of Kafka's jars; small and quick to start rather than fast for ever."""
        if self.java is None:
            raise StackError(f"Java {_OLDEST_JAVA} or newer was not found")
        logging = f"-Dlog4j2.configurationFile={_POM.with_name('log4j2.properties')}"
        jvm = ["-Xms64m", "-Xmx280m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", logging]
        return [self.java, *jvm, "-cp", f"{self.jars}/*", name, *options]

    def fetch_jars(self) -> None:
        """Resolve the jars, unless that was done before."""
        if self.jars.exists():
            return
        if self.maven is None:
            raise StackError("Maven was not found")
        folder = self.jars.parent
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "fetch.lock").open("w") as lock, tempfile.TemporaryDirectory(dir=folder) as parent:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.jars.exists():  # another checkout was faster
                return
            draft = Path(parent) / "jars"
            resolve = [self.maven, "--batch-mode", "--quiet", "--strict-checksums", "-Dstyle.color=never"]
            copy = [
                "-f",
                str(_POM),
                "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
                f"-DoutputDirectory={draft}",
            ]
            what = "Fetching Apache Kafka with Maven (SAMEPAGE_BROKER=tansu starts without it)"
            run([*resolve, *copy], what=what, seconds=_DOWNLOAD_SECONDS)
            draft.rename(self.jars)


def _recent_java(java: str | None) -> str | None:
    if java is None:
        return None
    try:
        described = run([java, "--version"], what="java --version")
    except StackError:
        return None  # Java 8, which does not know the option, or a placeholder that says where to get Java
    version = re.match(r"\S+ (\d+)", described)
    return java if version and int(version[1]) >= _OLDEST_JAVA else None
