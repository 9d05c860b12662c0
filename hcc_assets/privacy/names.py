"""What a person is called, made ready to be met in bytes and in text of any encoding."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable

from hcc_assets.home.people.subject_keys import is_weak

MASK = "(erased)"
_ALNUM, _JOINED = "A-Za-z0-9", r"A-Za-z0-9._\-"
_EDGES = {
    "utf-8": "(?<![{0}])|(?![{0}])",
    "utf-16-le": "(?<![{0}]\0)|(?![{0}]\0)",
    "utf-16-be": "(?<!\0[{0}])|(?!\0[{0}])",
}
"""What may stand neither before nor behind a name, in each encoding."""


class Names:
    """Names to look for, in any case.

    Parameters
    ----------
    names
        Ids of a subject and its samples. One stands between characters that are neither letter
        nor digit; a short or numeric one, which may as well be a number, also not beside dot,
        underscore or minus.
    others
        Ids of others that contain one of the names (``S-1-2`` beside ``S-1``): such a place is
        theirs.
    anywhere
        Also as part of a longer word or number, and for certain: for canaries.
    """

    def __init__(
        self, names: Collection[str], others: Collection[str] = (), anywhere: bool = False
    ):
        self._own = {n.strip().lower() for n in names if n.strip()}
        theirs = {o.lower() for o in others} - self._own
        self._forms: list[tuple[bytes, re.Pattern[bytes], bool]] = []
        for name in sorted(self._own):
            weak = is_weak(name) and name.isascii() and not anywhere
            longer = sorted((o for o in theirs if name in o), key=lambda o: (-len(o), o))
            free = anywhere or not name.isascii()
            for form, encoding in _spellings(name):
                others_ = [] if free else [o.encode(encoding) for o in longer]
                edges = "" if free else _EDGES[encoding].format(_JOINED if weak else _ALNUM)
                self._forms.append((form, _pattern([form], others_, edges.encode()), weak))
        strong = sorted((n for n in self._own if not is_weak(n)), key=lambda n: (-len(n), n))
        longer = sorted((o for o in theirs if any(n in o for n in strong)), key=lambda o: -len(o))
        first, second = ([n.encode() for n in each] for each in (strong, longer))
        edges = _EDGES["utf-8"].format(_ALNUM)
        text = _pattern(first, second, edges.encode()).pattern.decode()
        self._mention = re.compile(text, re.IGNORECASE)

    def in_bytes(self, data: bytes) -> tuple[bool, bool]:
        """Found for certain, found perhaps, in one block of bytes."""
        low = data.lower()
        met = [
            weak
            for form, pattern, weak in self._forms
            if form in low and any(m["name"] is not None for m in pattern.finditer(low))
        ]
        return not all(met), bool(met)

    def in_text(self, text: str) -> tuple[bool, bool]:
        """The same for text; a weak name is certain where it is a whole line or a quoted value."""
        certain, perhaps = self.in_bytes(text.encode("utf-8", errors="replace"))
        if perhaps and not certain:
            parts = re.split(r'["\n]', text.lower())
            certain = any(part.rstrip("\\").strip() in self._own for part in parts)
        return certain, perhaps

    def in_value(self, value: str) -> bool:
        """Found, perhaps or for certain, in a value of its own: a cell, a key, a file name."""
        return self.in_bytes(value.encode("utf-8", errors="replace"))[1]

    def masked(self, text: str) -> str:
        """A text with ``(erased)`` in place of every name that is not weak."""
        return self._mention.sub(lambda m: MASK if m["name"] is not None else m.group(), text)


def _spellings(name: str) -> Iterable[tuple[bytes, str]]:
    """A lower-case name as bytes, which are made lower case as what is searched is."""
    for encoding in _EDGES:
        yield name.encode(encoding).lower(), encoding
    if not name.isascii():
        yield name.encode("gb18030").lower(), "gb18030"
        yield json.dumps(name)[1:-1].encode().lower(), "utf-8"


def _pattern(names: list[bytes], longer: list[bytes], edges: bytes) -> re.Pattern[bytes]:
    before, _, after = edges.partition(b"|")
    first = b"".join(b"(?:%s)|" % b"|".join(map(re.escape, longer)) for _ in longer[:1])
    inner = b"|".join(map(re.escape, names)) or b"(?!)"
    return re.compile(first + before + b"(?P<name>" + inner + b")" + after)
