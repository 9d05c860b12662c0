"""Erasing a subject from a home: what has to go and how, doing it, and the proof that it is gone. The order of the steps is in ``defs.erasing``.

`plan_erasure` sorts every place where the subject stands: paths named after it are deleted, its rows taken out of delivered tables, its name replaced
in databases and logs of Dagster (the history of runs stays readable, about ``erased-…``), and files of the platform that hold its data are listed, to be
computed anew or, where they are earlier versions, dropped (``dropping``). Backups are not reached: whoever keeps them has to let them expire or repeat
the erasure after a restore; the tombstone refuses a re-delivery in both cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from hcc_assets.home import files
from hcc_assets.privacy.row_removal import CannotRewrite, RowRemover
from hcc_assets.privacy.scrubbing import Renamer, replacements, scrub_sqlite
from hcc_assets.privacy.traces import Names, Trace, find_traces

TABLE_SUFFIXES = (
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".parquet",
    ".xpt",
    ".sas7bdat",
    ".json",
    ".ndjson",
    ".sha256",
)


@dataclass(frozen=True)
class ErasurePlan:
    """What an erasure will do; paths are absolute.

    Attributes
    ----------
    delete
        Files and folders named after the subject or its samples, and matrices delivered for it under another name.
    rewrite
        Delivered tables whose rows of the subject go.
    recompute
        Files of the platform (store, published, quarantine) that hold data of the subject among others.
    databases, texts
        Dagster's databases and logs, in which the name is replaced.
    by_hand
        Deliveries of a format that cannot be rewritten.
    operators_row
        ``withdrawals.csv`` where it names the subject: reported, not counted.
    names, others
        The names that were looked for, and those of everybody else.
    """

    root: Path
    names: tuple[str, ...]
    others: tuple[str, ...]
    delete: tuple[Path, ...]
    rewrite: tuple[Path, ...]
    recompute: tuple[Path, ...]
    databases: tuple[Path, ...]
    texts: tuple[Path, ...]
    by_hand: tuple[Path, ...]
    operators_row: tuple[Path, ...]


@dataclass(frozen=True)
class Proof:
    """Result of the search after an erasure. ``absent`` when no certain trace is left outside the operator's own row."""

    absent: bool
    traces: tuple[Trace, ...]
    uncertain: tuple[Trace, ...]
    operators_row: tuple[Trace, ...]
    unread: tuple[str, ...]
    files: int

    def lines(self) -> list[str]:
        """For a person to read."""
        out = [
            f"{self.files} files searched, byte by byte and unpacked: "
            + ("no trace is left" if self.absent else f"{len(self.traces)} TRACES LEFT")
        ]
        out += [f"left: {t.path} ({t.where})" for t in self.traces]
        out += [
            f"the operator's own record stays: {path}"
            for path in dict.fromkeys(t.path for t in self.operators_row)
        ]
        out += [f"perhaps, or a number: {t.path} ({t.where})" for t in self.uncertain]
        return out + [f"searched as bytes only: {text}" for text in self.unread]


def plan_erasure(
    root: Path,
    subject_id: str,
    sample_ids: Collection[str],
    *,
    others: Collection[str] = (),
    dagster_home: Path | None = None,
    operators_files: Collection[Path] = (),
    untouched: Collection[Path] = (),
    matrices: Collection[Path] = (),
) -> ErasurePlan:
    """Search the home and sort what was found.

    Parameters
    ----------
    root
        The data home (a local folder).
    subject_id, sample_ids
        Names of the subject.
    others
        Ids of all other subjects and samples.
    dagster_home
        Dagster's folder, default ``root/dagster``; it may lie elsewhere.
    operators_files
        Records of the operator that keep the name (``withdrawals.csv``).
    untouched
        Files that must not be changed: those that name nobody by design (key, audit trail), and what is still needed (``samples.csv`` until the end).
    matrices
        Deliveries of the subject's samples, whatever they are called.
    """
    dagster = dagster_home or root / "dagster"
    names = tuple(dict.fromkeys([subject_id, *sample_ids]))
    traces = [(root / t.path, t.certain) for t in find_traces(root, names, others=others).traces]
    if not dagster.is_relative_to(root) and dagster.exists():
        traces += [
            (dagster / t.path, t.certain) for t in find_traces(dagster, names, others=others).traces
        ]
    # a number that may be the name is looked at in deliveries, where rows are told by their id column, and nowhere else
    found = list(
        dict.fromkeys(
            path for path, certain in traces if certain or path.is_relative_to(root / "landing")
        )
    )
    kept = {p.resolve() for p in operators_files}
    named = _named_after(found, root, names, others)
    groups: dict[str, dict[Path, None]] = {
        n: {}
        for n in (
            "delete",
            "rewrite",
            "recompute",
            "databases",
            "texts",
            "by_hand",
            "operators_row",
        )
    }
    groups["delete"] = dict.fromkeys(p for p in matrices if p.exists())
    left = {p.resolve() for p in untouched}
    for path in found:
        if path.resolve() in kept:
            groups["operators_row"][path] = None
            continue
        if path.resolve() in left or any(path.is_relative_to(m) for m in matrices):
            continue
        above = next((p for p in [*reversed(path.parents), path] if p in named), None)
        if above is not None:
            groups["delete"][above] = None
        elif path.is_relative_to(dagster):
            groups["databases" if _is_sqlite(path) else "texts"][path] = None
        elif path.is_relative_to(root / "landing"):
            groups[
                "rewrite"
                if path.suffix.lower() in TABLE_SUFFIXES and path.suffix.lower() != ".sas7bdat"
                else "by_hand"
            ][path] = None
        else:
            groups["recompute"][path] = None
    return ErasurePlan(
        root, names, tuple(others), **{key: tuple(sorted(value)) for key, value in groups.items()}
    )


def carry_out(plan: ErasurePlan, key: bytes, *, id_columns: Collection[str] = ()) -> list[str]:
    """Do what the plan says, but for `ErasurePlan.recompute` and the operator's row.

    Returns
    -------
    list of str
        What was done and what could not be done, without the subject's names.
    """
    tokens = replacements(plan.names, key)
    renamer = Renamer(tokens, plan.others)
    remover = RowRemover(plan.names, id_columns, plan.others)
    done, rows = [], 0
    for path in plan.rewrite:
        try:
            rows += remover.rewrite(path)
        except CannotRewrite as error:
            done.append(renamer.text(str(error)))
    for path in plan.databases:
        scrub_sqlite(path, tokens, plan.others)
    for path in plan.texts:
        if path.exists() and path.is_file():
            files.write_bytes(UPath(path), renamer.data(path.read_bytes()))
    for path in plan.delete:
        _delete(path)
    if plan.delete or plan.rewrite:
        done.append(
            f"{len(plan.delete)} paths deleted, {rows} rows taken out of {len(plan.rewrite)} delivered tables"
        )
    if plan.databases or plan.texts:
        done.append(f"name replaced in {len(plan.databases)} databases and {len(plan.texts)} logs")
    return done + [renamer.text(f"by hand: {p.relative_to(plan.root)}") for p in plan.by_hand]


def prove_absence(
    root: Path,
    names: Collection[str],
    *,
    others: Collection[str] = (),
    dagster_home: Path | None = None,
    operators_files: Collection[Path] = (),
) -> Proof:
    """Search every byte again; `Proof.absent` is the verdict."""
    searches = [(root, find_traces(root, names, others=others))]
    if dagster_home is not None and dagster_home.exists() and not dagster_home.is_relative_to(root):
        searches.append((dagster_home, find_traces(dagster_home, names, others=others)))
    kept = {p.resolve() for p in operators_files}
    certain: list[Trace] = []
    uncertain: list[Trace] = []
    operators: list[Trace] = []
    for folder, search in searches:
        for trace in search.traces:
            place = (
                operators
                if (folder / trace.path).resolve() in kept
                else certain
                if trace.certain
                else uncertain
            )
            place.append(trace)
    unread = tuple(text for _, search in searches for text in search.unread)
    return Proof(
        not certain,
        tuple(certain),
        tuple(uncertain),
        tuple(operators),
        unread,
        sum(s.files for _, s in searches),
    )


def _named_after(
    paths: Collection[Path], root: Path, names: Collection[str], others: Collection[str]
) -> set[Path]:
    """Every path, at any depth, whose last component is named after the subject."""
    wanted = Names(names, others)
    every = {
        above
        for path in paths
        for above in [path, *path.parents]
        if above.is_relative_to(root) and above != root
    }
    return {p for p in every if wanted.in_value(p.name)}


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(16) == b"SQLite format 3\0"


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
