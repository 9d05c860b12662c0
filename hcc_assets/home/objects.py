"""What is different on an object store: one listing instead of many questions, small objects kept
by their tag, writing only over what was seen.

Local files need none of this: looking is cheap there, and writers of one machine keep apart by
locks. What is written is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from upath import UPath

from hcc_assets.home.paths import is_local

ABSENT = ""
"""Tag of an object that is not there."""

_REFUSED = (404, 409, 412)
"""Answers to a conditional put whose condition does not hold: object gone, another put at the same
moment, object changed."""


class Overtaken(RuntimeError):
    """Another writer replaced the object since it was looked at; what was computed from the earlier
    one must not replace it."""


@dataclass(frozen=True)
class Listed:
    """One object: name relative to the folder that was listed, size in bytes, tag that changes with
    its content, time of its last change.

    ``below`` is False for an object that has itself the name that was listed.
    """

    name: str
    size: int
    tag: str
    changed: dt.datetime | None
    below: bool = True


_whole: ContextVar[tuple[str, list[str], dict[str, Listed]] | None] = ContextVar(
    "_whole", default=None
)


@contextmanager
def one_listing(folder: UPath) -> Iterator[None]:
    """Inside, `listed` and `is_folder` answer for everything below ``folder`` from one listing of
    it; does nothing for a local folder."""
    if is_local(folder):
        yield
        return
    found = listed(folder)
    token = _whole.set((folder.path.rstrip("/"), sorted(found), found))
    try:
        yield
    finally:
        _whole.reset(token)


def is_folder(path: UPath) -> bool:
    """True for a local folder, and for a name that objects lie below."""
    return (
        path.is_dir()
        if is_local(path)
        else any(name != path.name or item.below for name, item in listed(path).items())
    )


def listed(folder: UPath) -> dict[str, Listed]:
    """Every object below ``folder`` (or the object itself, under its own name), from as many
    requests as there are pages of a thousand."""
    whole = _whole.get()
    if whole is not None and folder.path.rstrip("/").startswith(f"{whole[0]}/"):
        return _part(whole, folder.path.rstrip("/")[len(whole[0]) + 1 :])
    base = folder.path.rstrip("/")
    found = {}
    for path, info in sorted(folder.fs.find(folder.path, detail=True).items()):
        below = path[len(base) :].lstrip("/")
        name = below or path.rpartition("/")[2]
        found[name] = Listed(name, int(info["size"] or 0), _tag(info), _changed(info), bool(below))
    return found


def _part(whole: tuple[str, list[str], dict[str, Listed]], folder: str) -> dict[str, Listed]:
    _, names, items = whole
    first, end = (
        bisect_left(names, f"{folder}/"),
        bisect_left(names, f"{folder}0"),
    )  # "0" follows "/"
    found = {
        n[len(folder) + 1 :]: replace(items[n], name=n[len(folder) + 1 :]) for n in names[first:end]
    }
    if not found and folder in items:
        name = folder.rpartition("/")[2]
        return {name: replace(items[folder], name=name, below=False)}
    return found


def tag_of(path: UPath) -> str:
    """Tag of one object now, `ABSENT` where there is none."""
    try:
        return _tag(
            path.fs.info(path.path, refresh=True) if conditional(path) else path.fs.info(path.path)
        )
    except FileNotFoundError:
        return ABSENT


def content_tag(path: UPath) -> str:
    """Hash of a small local file, `ABSENT` where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ABSENT


def _tag(info: Mapping[str, Any]) -> str:
    return str(info.get("ETag") or info.get("etag") or _changed(info) or "unknown")


def _changed(info: Mapping[str, Any]) -> dt.datetime | None:
    moment = info.get("LastModified") or info.get("created") or info.get("mtime")
    return moment if isinstance(moment, dt.datetime) else None


def conditional(path: UPath) -> bool:
    """True for a store whose puts can carry a condition."""
    return path.protocol in ("s3", "s3a")


def put(path: UPath, data: bytes, seen: str | None = None) -> None:
    """Put an object in one step; readers see the old one or the new one.

    Parameters
    ----------
    seen
        Tag of the object that this one is to replace (`ABSENT`: there must be none); None replaces
        whatever is there.

    Raises
    ------
    Overtaken
        The object is no longer the one that was seen.
    """
    if seen is None or not conditional(path):
        path.fs.pipe_file(path.path, data)
        return
    condition = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
    try:
        path.fs.pipe_file(path.path, data, **condition)
    except OSError as error:
        answer = getattr(error.__cause__, "response", None) or {}
        if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") not in _REFUSED:
            raise
        # a put whose answer was lost is sent again and then refused, since it had arrived: what
        # stands is ours
        if tag_of(path) == ABSENT or path.fs.cat_file(path.path) != data:
            raise Overtaken(f"{path.name} was replaced by another writer in the meantime") from None


def remove(path: UPath) -> None:
    """Remove one object; one that is not there is no error."""
    with suppress(FileNotFoundError):
        path.fs.rm_file(path.path)


def remove_old(
    folder: UPath, is_version: Callable[[str], bool], spared: Collection[str | None], keep: int
) -> None:
    """Remove all but ``keep`` earlier versions below ``folder``, none younger than an hour: another
    writer may be about to name it in its manifest."""
    found: dict[str, list[Listed]] = {}
    for name, item in listed(folder).items():
        if is_version(name.partition("/")[0]):
            found.setdefault(name.partition("/")[0], []).append(item)
    changed = {
        v: max((o.changed.timestamp() if o.changed else time.time()) for o in items)
        for v, items in found.items()
    }
    old = sorted(
        (v for v in found if v not in spared and changed[v] < time.time() - 3600),
        key=lambda v: changed[v],
    )
    for version in old[: max(0, len(found) - keep - 1)]:
        for item in found[version]:
            remove(folder / item.name)


def _fetch(folder: UPath, paths: list[str]) -> dict[str, bytes]:
    """Contents of several objects, side by side; one that is gone is left out, any other failure is
    an error."""
    whole = (
        {"max_concurrency": 1} if conditional(folder) else {}
    )  # s3fs would ask for the size first, to read in parts
    answers = folder.fs.cat(paths, on_error="return", **whole) if paths else {}
    for answer in answers.values():
        if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
            raise answer
    return {p: a for p, a in answers.items() if not isinstance(a, Exception)}


class SmallObjects:
    """Contents of small objects by path and tag, in a local SQLite file: what a listing shows
    unchanged is not fetched again.

    Parameters
    ----------
    file
        The database. It only saves work: it may be removed at any time.
    """

    def __init__(self, file: Path):
        self._file = file

    def read(self, folder: UPath, wanted: Mapping[str, str]) -> dict[str, bytes]:
        """Contents by name below ``folder``; ``wanted`` gives their tags.

        An object that is gone is left out.
        """
        base = folder.path.rstrip("/")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS objects (path TEXT PRIMARY KEY, tag TEXT NOT "
                "NULL, content BLOB NOT NULL)"
            )
            under = (f"{base}/", f"{base}0")  # "0" follows "/": every path below the folder
            known = {
                p: (t, c)
                for p, t, c in database.execute(
                    "SELECT path, tag, content FROM objects WHERE path > ? AND path < ?", under
                )
            }
            paths = {f"{base}/{name}": tag for name, tag in wanted.items()}
            missing = [p for p, tag in paths.items() if known.get(p, ("", b""))[0] != tag]
            fetched = _fetch(folder, missing)
            database.executemany(
                "REPLACE INTO objects VALUES (?, ?, ?)",
                [(p, paths[p], data) for p, data in fetched.items()],
            )
            gone = [(p,) for p in known if p not in paths or (p in missing and p not in fetched)]
            database.executemany("DELETE FROM objects WHERE path = ?", gone)
        found = {p: known[p][1] for p in paths if p not in missing} | fetched
        return {p[len(base) + 1 :]: bytes(data) for p, data in found.items()}
