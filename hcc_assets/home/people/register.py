"""The people table: one opaque key for each subject and each sample of a home.

Partitions, folders, logs, alerts and the audit trail name people by these keys. Real ids stand in
``landing/``, in this table and in published tables, so that an erasure takes a key out of here and
nothing elsewhere has to be rewritten. Who was erased or withdrawn is in `consent`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hcc_assets.home import files
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import canonical_subject, is_weak

KEY = re.compile(r"s\d{4,}(-[a-z]+)?")
"""``s0007`` is a subject, ``s0007-a`` its first sample."""


@dataclass(frozen=True)
class Entry:
    """A subject (``sample`` is empty) or one sample of one, and the key. A sample that moves to
    another subject gets another key, and its old one again when it moves back."""

    subject: str
    sample: str
    key: str


def _letters(number: int) -> str:
    """``a`` to ``z``, ``aa`` and so on."""
    text = ""
    while True:
        number, rest = divmod(number, 26)
        text = chr(97 + rest) + text
        if number == 0:
            return text
        number -= 1


@dataclass(frozen=True)
class People:
    """Keys as they stand, with those that rows not yet registered are going to get."""

    entries: tuple[Entry, ...] = ()
    last: int = 0
    """Highest subject number ever given: one that was erased is not given again."""

    def with_everybody(
        self, rows: Iterable[SampleRow] = (), subjects: Iterable[str] = ()
    ) -> People:
        """The same with a key for every subject and every row of ``samples.csv``.

        Numbers go on where the table ends, in order of subject, and a subject's letters in order
        of collection (undated samples last), so that those who arrive together always get the
        same keys and Dagster, which goes through partitions by key, takes earlier biopsies first.
        """
        pairs = {(canonical_subject(s), ""): s for s in subjects}
        dated: dict[tuple[str, str], str] = {}
        for row in rows:
            who = canonical_subject(row.subject_id)
            pairs.setdefault((who, ""), row.subject_id)
            pairs[who, row.sample_id] = row.subject_id
            dated[who, row.sample_id] = row.collection_date or "9999"
        missing = sorted(
            (pair for pair in pairs if pair not in self._keys),
            key=lambda pair: (pair[0], dated.get(pair, ""), pair[1]),
        )
        if not missing:
            return self
        keys, last = dict(self._keys), self.last
        counts = Counter(who for who, sample in keys if sample)
        new = []
        for who, sample in missing:
            if not sample:
                last += 1
                keys[who, ""] = f"s{last:04d}"
            else:
                keys[who, sample] = f"{keys[who, '']}-{_letters(counts[who])}"
                counts[who] += 1
            new.append(Entry(pairs[who, sample], sample, keys[who, sample]))
        return People((*self.entries, *new), last)

    def without(self, subject: str) -> People:
        """The same without a subject."""
        gone = canonical_subject(subject)
        kept = (e for e in self.entries if canonical_subject(e.subject) != gone)
        return People(tuple(kept), self.last)

    def key(self, row: SampleRow) -> str:
        """Key of a row of ``samples.csv``.

        Raises
        ------
        KeyError
            The row has no key; see `with_everybody`.
        """
        return self._keys[canonical_subject(row.subject_id), row.sample_id]

    def keys_of(self, subject: str) -> list[str]:
        """Sample keys of a subject, in any case and width."""
        who = canonical_subject(subject)
        return [k for (subject_, sample), k in self._keys.items() if subject_ == who and sample]

    @property
    def names(self) -> set[str]:
        """Every id of a subject or a sample."""
        return {name for e in self.entries for name in (e.subject, e.sample) if name}

    def sample(self, key: str) -> str:
        """Sample id behind a key; the key itself where nobody has it."""
        return self._samples.get(key, key)

    @cached_property
    def _keys(self) -> dict[tuple[str, str], str]:
        return {(canonical_subject(e.subject), e.sample): e.key for e in self.entries}

    @cached_property
    def _samples(self) -> dict[str, str]:
        return {e.key: e.sample for e in self.entries if e.sample}

    @cached_property
    def _to_keys(self) -> tuple[re.Pattern[str], dict[str, str]]:
        names = {(e.sample or e.subject).lower(): e.key for e in self.entries}
        strong = {name: key for name, key in names.items() if not is_weak(name)}
        return _pattern(strong, re.IGNORECASE)

    @cached_property
    def _to_ids(self) -> tuple[re.Pattern[str], dict[str, str]]:
        return _pattern({e.key: e.sample or e.subject for e in self.entries})

    def in_keys(self, text: str) -> str:
        """A text with keys for the ids in it, in any case, as logs, alerts and Dagster are told it.

        A short or purely numeric id cannot be told from a number and stays.
        """
        pattern, names = self._to_keys
        return (
            pattern.sub(lambda m: names.get(m.group().lower(), m.group()), text) if names else text
        )

    def in_ids(self, text: str) -> str:
        """A text with ids for the keys in it, for the screen of who may see them."""
        pattern, names = self._to_ids
        return pattern.sub(lambda m: names[m.group()], text) if names else text


def _pattern(
    names: dict[str, str], flags: re.RegexFlag = re.NOFLAG
) -> tuple[re.Pattern[str], dict[str, str]]:
    longest_first = sorted(names, key=lambda n: (-len(n), n))
    inner = "|".join(map(re.escape, longest_first)) or r"(?!)"
    return re.compile(rf"(?<![A-Za-z0-9])(?:{inner})(?![A-Za-z0-9])", flags), names


def read_people(home: Home) -> People:
    """The people table of a home; empty where there is none yet."""
    try:
        data = home.people_json.read_bytes()
    except FileNotFoundError:
        return People()
    return _parse(data)


def _parse(data: bytes | None) -> People:
    if not data:
        return People()
    found = json.loads(data)
    return People(tuple(Entry(**row) for row in found["samples"]), found["last"])


def _dump(people: People) -> bytes:
    rows = [vars(e) for e in people.entries]
    content = {"last": people.last, "samples": rows}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def register(home: Home, rows: Iterable[SampleRow] = (), subjects: Iterable[str] = ()) -> People:
    """Give everybody a key, for good. Two writers get the same table one after the other."""
    rows, subjects = list(rows), list(subjects)
    found = read_people(home)
    if found.with_everybody(rows, subjects) is found:
        return found
    files.amend(home.people_json, lambda data: _dump(_parse(data).with_everybody(rows, subjects)))
    return read_people(home)


def strike(home: Home, subject: str) -> None:
    """Take a subject out of the table; part of an erasure."""
    files.amend(home.people_json, lambda data: _dump(_parse(data).without(subject)))
