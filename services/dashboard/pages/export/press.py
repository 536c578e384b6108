"""A program of its own: a summary comes in as JSON, its PDF goes out.

Real text, tagged for screen readers, with title, language and bookmarks (PDF/UA-1). A sign that no font here has would
be left out unsaid; then it is set once more and says so.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from typst import Compiler, TypstError

_LAYOUT = Path(__file__).with_name("summary.typ")


def set_on_paper(summary: dict[str, Any]) -> bytes:
    """The file of `summary.summary_of`, made at its `made_at`."""
    try:
        return _typeset(summary, is_strict=True)
    except TypstError:
        return _typeset({**summary, "head": [*summary["head"], summary["undrawn"]]}, is_strict=False)


def _typeset(summary: dict[str, Any], *, is_strict: bool) -> bytes:
    made = Compiler(str(_LAYOUT), sys_inputs={"data": json.dumps(summary)}).compile(
        format="pdf",
        pdf_standards=["ua-1"] if is_strict else [],
        timestamp=datetime.fromisoformat(summary["made_at"]),
    )
    if not isinstance(made, bytes):
        raise TypeError("one file was asked for")
    return made


if __name__ == "__main__":
    sys.stdout.buffer.write(set_on_paper(json.loads(sys.stdin.buffer.read())))
