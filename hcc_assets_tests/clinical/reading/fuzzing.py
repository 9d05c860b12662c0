"""Seeded mutations of valid clinical files of every format, through the child that reads them and
all that follows: typing, tables, checks.

``python -m hcc_assets_tests.clinical.reading.fuzzing --seconds 3600`` for as long as wanted; the
test runs a few rounds. What must hold is in `Told.problems`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import random
import resource
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from hcc_assets.clinical.checks.run import run_checks
from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.clinical.reading.files.apart import (
    CPU_S,
    MEMORY_MB,
    Asked,
    Found,
    read_apart,
    read_here,
)
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets_tests.clinical.export_files import CONFIG, frames, write, write_csv

CUTOFF = dt.date(2026, 5, 2)
FORMATS = ("csv", "xlsx", "xpt", "sas7bdat", "parquet", "json10", "json11", "ndjson")
BATCH = 24
"""Files of one child: one start of Python for all of them."""

ODD = (
    *(b"1e999", b"-1e-999", b"9" * 25, b"9" * 5000, b"0x1F", b"NaN", b"Infinity", b"-0", b"1,5"),
    *(b"0000-00-00", b"9999-12-31", b"1677-09-21", b"2262-04-12", b"2024-02-30", b"-2024-01-01"),
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b'"', b'""', b"[" * 2000, b"{", b"]"),
    *(b"\r", b"\n\n", b"\t", b";", b",", b"|", b"<x/>", b"&amp;", b"&#x0;", b"null", b"true"),
    *("\u202e".encode(), "\uff11".encode(), "高血压".encode("gbk"), b"A" * 70_000),
)


@dataclass
class Told:
    """What a run came to."""

    files: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    mb: int = 0


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Up to four accidents: bits flipped, bytes cut, zeroed, doubled, moved, odd text put in."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(out)) if out else 0
        length = rng.choice((1, 4, 64, 512))
        kind = rng.randrange(7)
        if kind == 0 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at : at + length] = bytes(len(out[at : at + length]))
        elif kind == 4:
            out[at:at] = out[at : at + length]
        elif kind == 5 and out:
            other = rng.randrange(len(out))
            out[at : at + length] = out[other : other + length]
        else:
            odd = rng.choice(ODD)
            out[at : at + rng.choice((0, len(odd)))] = odd
    return bytes(out)


def mutated_file(data: bytes, ending: str, rng: random.Random) -> bytes:
    """A mutated file; half of the workbooks have one part mutated inside a whole archive."""
    if ending != ".xlsx" or rng.random() < 0.5:
        return mutated(data, rng)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        parts = old.namelist()
        hit = rng.choice([*parts, *[p for p in parts if "sheet" in p] * 3])
        for name in parts:
            content = old.read(name)
            new.writestr(name, mutated(content, rng) if name == hit else content)
    return out.getvalue()


@lru_cache(maxsize=1)
def originals() -> tuple[tuple[str, str, bytes], ...]:
    """Domain, ending and content of valid files of every format."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            try:
                there = write(Path(folder, kind), frames(), kind)
            except NotImplementedError:
                continue
            out += [(p.stem, p.suffix, p.read_bytes()) for p in sorted(there.iterdir())]
    return tuple(out)


def rounds(seed: int, folder: Path, told: Told) -> Iterator[None]:
    """Batches without an end; each is read in one child, and each table put into an export."""
    rng = random.Random(seed)
    whole = write_csv(folder / "whole", frames())
    good = {p.stem: f for p in sorted(whole.iterdir()) for f in read_here([Asked(p)])}
    number = 0
    while True:
        files = []
        for _ in range(BATCH):
            domain, ending, data = rng.choice(originals())
            place = folder / f"{number}"
            place.mkdir()
            (place / f"{domain}{ending}").write_bytes(mutated_file(data, ending, rng))
            files.append(Asked(place / f"{domain}{ending}", whole=rng.random() < 0.5))
            number += 1
        before = len(told.problems)
        for file, found in zip(files, _read(files, told), strict=True):
            told.files[file.path.suffix] += 1
            told.codes[found.code if isinstance(found, DomainRefused) else "read"] += 1
            if not isinstance(found, DomainRefused):
                _use(whole, good, file.path.stem, found, told)
        if len(told.problems) == before:
            for file in files:
                file.path.unlink()
        yield


def _read(files: Sequence[Asked], told: Told) -> list[Found]:
    before, begun = _largest_child_mb(), time.monotonic()
    found = read_apart(files)
    told.slowest_s = max(told.slowest_s, time.monotonic() - begun)
    if _largest_child_mb() > before:  # else an earlier child, of whomever, was larger
        told.mb = _largest_child_mb()
    if told.mb > MEMORY_MB:
        told.problems.append(f"{files[0].path.parent} and after: a child took {told.mb} MB")
    return found


def _largest_child_mb() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10


def _use(whole: Path, good: dict[str, Found], domain: str, found: Found, told: Told) -> None:
    """The export with this table among good ones: no exception, and the others stay."""

    def read(files: Sequence[Asked]) -> list[Found]:
        return [found if f.path.stem == domain else good[f.path.stem] for f in files]

    try:
        export = read_export(whole, CONFIG, cutoff=CUTOFF, read=read)
        run_checks(export.tables, CONFIG, cutoff=CUTOFF)
    except Exception:
        told.problems.append(f"{domain}: {traceback.format_exc(limit=-6)}")
        return
    if domain in ("ae", "tr") and "subjects" not in export.tables:
        told.problems.append(f"{domain}: the subjects are gone with it")


def main() -> int:
    """Run for some seconds; print figures; exit code 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    told, end = Told(), time.monotonic() + asked.seconds
    folder = Path(tempfile.mkdtemp(prefix="hcc-fuzz-"))
    for _ in rounds(asked.seed, folder, told):
        if time.monotonic() > end or len(told.problems) > 20:
            break
    print("\n".join(told.problems))
    print(f"seed {asked.seed}: {told.files.total()} files {dict(told.files)}")
    print(f"outcomes {dict(told.codes.most_common())}")
    print(
        f"{len(told.problems)} problems; a child of {BATCH} files took at most {told.mb} MB and "
        f"{told.slowest_s:.1f} s (limits {MEMORY_MB} MB and {CPU_S} s of processor time a table)"
    )
    return bool(told.problems)


if __name__ == "__main__":
    raise SystemExit(main())
