"""The proof of an erasure: every byte of the home and every table of its database searched for the
names. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hcc_assets.privacy.names import Names
from hcc_assets.privacy.traces import Trace, find_traces
from hcc_assets.privacy.traces_formats import encoded_in


@dataclass(frozen=True)
class Proof:
    """Result of the search after an erasure. ``absent`` when no certain trace is left outside the
    operator's own row; a short name that may be a number is ``uncertain``."""

    traces: tuple[Trace, ...]
    uncertain: tuple[Trace, ...]
    operators_row: tuple[Trace, ...]
    unread: tuple[str, ...]
    files: int
    tables: tuple[str, ...] = ()

    @property
    def absent(self) -> bool:
        return not self.traces and not self.tables

    @property
    def left(self) -> list[str]:
        """Files and tables in which a name stands."""
        return [t.path for t in self.traces] + [f"table {name}" for name in self.tables]

    def lines(self) -> list[str]:
        """For a person to read."""
        number = len(self.left)
        verdict = "no trace is left" if self.absent else f"{number} TRACES LEFT"
        out = [f"{self.files} files searched, byte by byte and unpacked: {verdict}"]
        out += [f"left: {t.path} ({t.where})" for t in self.traces]
        out += [f"left: table {name} of the database" for name in self.tables]
        kept = dict.fromkeys(t.path for t in self.operators_row)
        out += [f"the operator's own record stays: {path}" for path in kept]
        out += [f"perhaps, or a number: {t.path} ({t.where})" for t in self.uncertain]
        return out + [f"searched as bytes only: {text}" for text in self.unread]


def prove_absence(
    root: Path,
    names: Collection[str],
    *,
    others: Collection[str] = (),
    dagster_home: Path | None = None,
    operators_files: Collection[Path] = (),
    database: str | None = None,
) -> Proof:
    """Search every byte; `Proof.absent` is the verdict.

    Parameters
    ----------
    root
        The data home (a local folder).
    names, others
        See `names.Names`.
    dagster_home
        Dagster's folder, where it may lie elsewhere.
    operators_files
        Records of the operator that keep the name (``withdrawals.csv``).
    database
        URL of a database whose tables are searched too.
    """
    folders = [root]
    if dagster_home is not None and dagster_home.exists() and not dagster_home.is_relative_to(root):
        folders.append(dagster_home)
    kept = {p.resolve() for p in operators_files}
    certain: list[Trace] = []
    uncertain: list[Trace] = []
    operators: list[Trace] = []
    searches = [find_traces(folder, names, others=others) for folder in folders]
    for folder, search in zip(folders, searches, strict=True):
        for trace in search.traces:
            if (folder / trace.path).resolve() in kept:
                operators.append(trace)
            else:
                (certain if trace.certain else uncertain).append(trace)
    return Proof(
        tuple(certain),
        tuple(uncertain),
        tuple(operators),
        tuple(text for search in searches for text in search.unread),
        sum(search.files for search in searches),
        tuple(tables_naming(database, names, others)) if database else (),
    )


def tables_naming(url: str, names: Collection[str], others: Collection[str] = ()) -> list[str]:
    """Tables of a database in whose text one of the names stands for certain."""
    import sqlalchemy as sa

    wanted = Names(names, others)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    found = []
    for table in metadata.sorted_tables:
        texts = [c for c in table.columns if isinstance(c.type, sa.String)]
        if not texts:
            continue
        with engine.connect().execution_options(yield_per=1000) as connection:
            rows = connection.execute(sa.select(*texts))
            if any(_names(str(v), wanted) for row in rows for v in row if v is not None):
                found.append(table.name)
    return found


def _names(text: str, wanted: Names) -> bool:
    packed = (c.decode("utf-8", errors="replace") for c in encoded_in(text.encode()))
    return any(wanted.in_text(t)[0] for t in (text, *packed))
