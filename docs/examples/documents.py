"""Examples in the documents: run, compare with what stands below them, and renew that.

``python docs/examples/documents.py`` renews every page and says which changed. Code stands in
blocks of ``pycon`` as in an interpreter; blocks of one page share their names.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^```.*$", re.MULTILINE)
_GENERATED = re.compile(
    r"(?<=^<!-- made by (analysis_plan)\.py -->\n)(.*?)(?=^<!-- end -->$)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Ran:
    """One example: its line in the page, its code, what stands below it and what it printed."""

    line: int
    code: str
    stands: str
    printed: str


def run(text: str) -> list[Ran]:
    """Run the examples of a page, from top to bottom.

    Parameters
    ----------
    text
        Markdown.

    Raises
    ------
    Exception
        Whatever an example raises.
    """
    names: dict[str, object] = {"__name__": "__main__"}
    done = []
    for one in doctest.DocTestParser().get_examples(_FENCE.sub("", text)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(one.source, f"line {one.lineno + 1}", "single"), names)  # noqa: S102
        lines = printed.getvalue().split("\n")[:-1]
        shown = "".join(f"{line or '<BLANKLINE>'}\n" for line in lines)
        done.append(Ran(one.lineno, one.source, one.want, shown))
    return done


def renewed(text: str) -> str:
    """The page with what its examples print now, and with its generated sections."""
    from analysis_plan import section

    lines = text.split("\n")
    for one in reversed(run(text)):
        start = one.line + one.code.count("\n")
        lines[start : start + one.stands.count("\n")] = one.printed.split("\n")[:-1]
    return _GENERATED.sub(lambda _: section(), "\n".join(lines))


def pages() -> list[Path]:
    """Documents with examples."""
    return [p for p in sorted(DOCS.glob("*.md")) if ">>> " in p.read_text(encoding="utf-8")]


if __name__ == "__main__":
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        page.write_text(after, encoding="utf-8")
        sys.stdout.write(f"{page.name}: {'renewed' if after != before else 'as it was'}\n")
