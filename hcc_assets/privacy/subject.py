"""Whom an erasure means: names, keys, and what was delivered for the subject alone. Nothing is
changed here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hcc_assets.home.landing.sample_sheet import SampleRow, read_sample_sheet
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals
from hcc_assets.home.people.register import read_people
from hcc_assets.home.people.subject_keys import (
    canonical_subject,
    key_for_home,
    keys_folder,
    subject_digest,
)
from hcc_assets.home.versions import Versions


@dataclass(frozen=True)
class Who:
    """A subject of a home.

    Attributes
    ----------
    subject, samples
        Its id as it was asked for, and its sample ids.
    rows
        Its rows of ``samples.csv``, as it lies and as it was read.
    keys
        Keys of its samples.
    others
        Ids of everybody else and of their samples.
    matrices
        What was delivered for its samples alone, whatever it is called.
    """

    subject: str
    samples: tuple[str, ...]
    rows: tuple[SampleRow, ...]
    keys: tuple[str, ...]
    others: tuple[str, ...]
    matrices: tuple[Path, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.subject, *self.samples)


def who_is(home: Home, subject: str) -> Who:
    """What the home knows of a subject, in any case and width of its id."""
    wanted, people, rows = canonical_subject(subject), read_people(home), _rows(home)
    pairs = {(r.subject_id, r.sample_id) for r in rows}
    pairs |= {(e.subject, e.sample) for e in people.entries}
    pairs |= {(known, "") for known in _subjects(home)}
    own = {sample for known, sample in pairs if canonical_subject(known) == wanted and sample}
    rest = {n for pair in pairs if canonical_subject(pair[0]) != wanted for n in pair if n}
    mine = tuple(r for r in rows if canonical_subject(r.subject_id) == wanted)
    taken = [r.path for r in rows if r not in mine]
    return Who(
        subject=subject,
        samples=tuple(sorted(own)),
        rows=mine,
        keys=tuple(people.keys_of(subject)),
        others=tuple(sorted(rest - own)),
        matrices=_alone(Path(str(home.landing)), [r.path for r in mine], taken),
    )


def _alone(landing: Path, mine: list[str], taken: list[str]) -> tuple[Path, ...]:
    """Paths of ``mine`` that hold nothing of somebody else's."""
    theirs = [landing / path for path in taken]
    found = {landing / path for path in mine}
    free = (
        p
        for p in found
        if not any(t.is_relative_to(p) or p.is_relative_to(t) for t in theirs)
        and p.resolve() != landing.resolve()
    )
    return tuple(sorted(free))


def _rows(home: Home) -> list[SampleRow]:
    """Rows of the sheet as it lies in landing (also of subjects that have a tombstone already),
    and those behind the version that stands."""
    versions = Versions(home)
    rows = []
    if versions.current("samples") is not None:
        rows = [SampleRow(**r) for r in versions.facts("samples").get("rows", [])]
    if home.samples_csv.exists():
        rows += read_sample_sheet(home.samples_csv.read_bytes(), home.config()).rows.values()
    return list(dict.fromkeys(rows))


def _subjects(home: Home) -> set[str]:
    """Everybody whom the home knows of."""
    found = {r.subject_id for r in _rows(home)} | {e.subject for e in read_people(home).entries}
    found |= {w.subject_id for w in read_withdrawals(home.withdrawals_csv)}
    versions = Versions(home)
    if versions.current("clinical_export") is not None:
        for table in versions.facts("clinical_export").get("tables", []):
            found |= set(versions.frame("clinical_export", table)["USUBJID"].dropna())
    return found


def nobody_of_this_name(home: Home, subject: str) -> list[str]:
    """A line to read when the home knows nobody of this name: mistyped, or an erasure that was cut
    off, which is finished all the same."""
    if canonical_subject(subject) in {canonical_subject(s) for s in _subjects(home)}:
        return []
    return [
        "no sample and no clinical record that stands is of this name: look at the spelling, "
        "unless it was erased before; later deliveries under it are left out"
    ]


def code_of(home: Home, subject: str) -> str:
    """The subject's digest under the key of the home: names nobody to whoever lacks the key."""
    return subject_digest(key_for_home(keys_folder(home)), subject)


def subject_of_code(home: Home, code: str) -> str:
    """The subject that a code means.

    Raises
    ------
    LookupError
        Nobody in this home has the code.
    """
    key = key_for_home(keys_folder(home))
    digests = ((subject_digest(key, s), s) for s in sorted(_subjects(home)))
    found = next((s for digest, s in digests if digest == code.strip()), None)
    if found is None:
        raise LookupError(
            "nobody in this home has this code; `hcc erase SUBJECT --dry-run` prints it"
        )
    return found
