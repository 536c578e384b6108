"""What was promised before: earlier versions of a committed file, out of git.

A break that is meant is declared in the message of its commit, as the trailer `Breaking-Contract: <reason>`; what the
files said before that commit is then no longer held against them.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

TRAILER = "Breaking-Contract"
_COMMITS = 20


def is_kept(root: Path) -> bool:
    """Whether there is a git history to ask at all."""
    return _git(root, "rev-parse", "--verify", "HEAD") is not None


def is_shallow(root: Path) -> bool:
    """Whether earlier commits were left out when this repository was cloned."""
    return (_git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true"


def earlier_texts(root: Path, path: str) -> Iterator[str]:
    """The file as its last twenty commits left it, newest first, back to the last declared break."""
    form = f"--format=%H %(trailers:key={TRAILER},valueonly,separator=%x2C)"
    for line in (_git(root, "log", f"-{_COMMITS}", form, "--", path) or "").splitlines():
        commit, _, declared = line.partition(" ")
        text = _git(root, "show", f"{commit}:./{path}")
        if text is not None:
            yield text
        if declared.strip():
            return


def committed_paths(root: Path, folder: str) -> list[str]:
    """The files under `folder` in the last commit."""
    return (_git(root, "ls-tree", "-r", "--name-only", "HEAD", "--", folder) or "").splitlines()


def _git(root: Path, *arguments: str) -> str | None:
    """What git says; None when there is no git, or it has no answer."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode()
