"""Settings from mounted files: the folder that `SAMEPAGE_SECRETS_FOLDER` names holds a file for each, named like it.

So a secret stands neither in what an orchestrator shows of a container, nor in what the system shows of a process
(`docker inspect`, `/proc/<pid>/environ`). Docker and Kubernetes mount secrets in this form.
"""

from collections.abc import MutableMapping
from pathlib import Path

from deploy.local.errors import StackError

FOLDER = "SAMEPAGE_SECRETS_FOLDER"


def take_in(environment: MutableMapping[str, str]) -> None:
    """Add what the files say to the environment, this process's own as a rule.

    Raises:
        OSError: the folder or a file cannot be read.
        StackError: a setting is given both ways.
    """
    folder = environment.get(FOLDER)
    if folder is None:
        return
    for file in sorted(Path(folder).glob("SAMEPAGE_*")):
        if file.name in environment:
            raise StackError(f"{file.name} is in the environment and in {FOLDER}: take one away.")
        environment[file.name] = file.read_text().rstrip("\n")
