"""Putting a token in place of a subject's name in databases and logs, so that the history of runs stays readable and names nobody. Used by erasure alone."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from hcc_assets.home.people.subject_keys import is_weak, subject_digest
from hcc_assets.privacy.packed import MARKS, change_packed

FIGURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")
FIGURE_REMOVED = "data:,removed-by-an-erasure"


def replacements(names: Collection[str], key: bytes) -> dict[str, str]:
    """Name to ``erased-`` and twelve digits of its HMAC; longest names first, so that a sample id is replaced before the subject id in it."""
    return {
        n: "erased-" + subject_digest(key, n).partition(":")[2][:12]
        for n in sorted(names, key=len, reverse=True)
    }


class Renamer:
    """Replaces names in text, in any case, where a name stands for itself.

    Parameters
    ----------
    tokens
        What to put in place of each name.
    others
        Ids of others; a name inside a longer one of theirs (``S-1`` in ``S-1-2``) is left alone. A short or numeric name is replaced only where it is a
        quoted value or the whole text, since elsewhere it may as well be a number.
    """

    def __init__(self, tokens: Mapping[str, str], others: Collection[str] = ()):
        self._tokens = {n.casefold(): t for n, t in tokens.items()}
        self._tokens |= {
            json.dumps(n)[1:-1].casefold(): t for n, t in tokens.items() if not n.isascii()
        }
        names = sorted(self._tokens, key=len, reverse=True)
        longer = sorted(
            {
                o
                for o in others
                if o.casefold() not in self._tokens and any(n in o.casefold() for n in names)
            },
            key=len,
            reverse=True,
        )
        forms = [f"(?:{'|'.join(map(re.escape, longer))})"] if longer else []
        strong = [re.escape(n) for n in names if not is_weak(n)]
        weak = [re.escape(n) for n in names if is_weak(n)]
        forms += (
            [rf"(?<![A-Za-z0-9])(?P<strong>{'|'.join(strong)})(?![A-Za-z0-9])"] if strong else []
        )
        forms += [rf"(?:(?<=\")|\A)(?P<weak>{'|'.join(weak)})(?:(?=\\?\")|\Z)"] if weak else []
        self._pattern = re.compile("|".join(forms), re.IGNORECASE)

    def text(self, value: str) -> str:
        """The text with tokens for names, also within what Dagster packed."""
        return self._pattern.sub(
            self._token, change_packed(value, lambda text: self._pattern.sub(self._token, text))
        )

    def data(self, value: bytes) -> bytes:
        """The same for bytes of any encoding that keeps ASCII."""
        return self.text(value.decode("utf-8", errors="surrogateescape")).encode(
            "utf-8", errors="surrogateescape"
        )

    def _token(self, match: re.Match[str]) -> str:
        found = match.groupdict()
        name = found.get("strong") or found.get("weak")
        return match.group() if name is None else self._tokens[name.casefold()]


def scrub_sqlite(path: Path, tokens: Mapping[str, str], others: Collection[str] = ()) -> None:
    """Replace names in every text of a SQLite database, then rebuild the file, so that freed pages do not keep them."""
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    scrub_database(sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool), tokens, others)
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def scrub_database(
    engine: sa.Engine, tokens: Mapping[str, str], others: Collection[str] = ()
) -> int:
    """Replace names in every text column of every table of a database (Dagster's storage on SQLite or PostgreSQL); returns rows changed.

    A row that would then collide with another (a partition registered under the name) is removed.
    """
    renamer = Renamer(tokens, others)
    return sum(
        _rewrite(engine, column, value, renamer.text)
        for column, value in _texts_naming(engine, tokens)
    )


def remove_figures(engine: sa.Engine) -> int:
    """Take the pictures out of the event log: their pixels show subjects that no search for text finds. The files under ``published`` are made anew."""
    changed = 0
    for column in _text_columns(engine):
        with engine.connect() as connection:
            values = (
                connection.execute(
                    sa.select(column).where(column.contains("data:image/png;base64,")).distinct()
                )
                .scalars()
                .all()
            )
        changed += sum(
            _rewrite(engine, column, v, lambda text: FIGURE.sub(FIGURE_REMOVED, text))
            for v in values
        )
    return changed


def tables_naming(
    engine: sa.Engine, names: Collection[str], others: Collection[str] = ()
) -> list[str]:
    """Tables of a database in whose text one of the names still stands for itself."""
    renamer = Renamer(dict.fromkeys(names, ""), others)
    return sorted(
        {
            column.table.name
            for column, value in _texts_naming(engine, names)
            if renamer.text(value) != value
        }
    )


def _text_columns(engine: sa.Engine) -> Iterator[sa.Column[str]]:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if isinstance(column.type, sa.String))


def _texts_naming(
    engine: sa.Engine, names: Collection[str]
) -> Iterator[tuple[sa.Column[str], str]]:
    """Texts in which one of the names may stand, packed ones included."""
    forms = {n.lower() for n in names} | {json.dumps(n)[1:-1].lower() for n in names}
    for column in _text_columns(engine):
        named = (sa.func.lower(column).contains(form, autoescape=True) for form in forms)
        where = sa.or_(*named, *(column.contains(mark) for mark in MARKS))
        with engine.connect() as connection:
            values = connection.execute(sa.select(column).where(where).distinct()).scalars().all()
        yield from ((column, value) for value in values)


def _rewrite(
    engine: sa.Engine, column: sa.Column[str], value: str, change: Callable[[str], str]
) -> int:
    new = change(value)
    if new == value:
        return 0
    try:
        with engine.begin() as connection:
            return int(
                connection.execute(
                    sa.update(column.table).where(column == value).values({column: new})
                ).rowcount
            )
    except sa.exc.IntegrityError:
        with engine.begin() as connection:
            return int(connection.execute(sa.delete(column.table).where(column == value)).rowcount)
