"""Taking away what is a subject's: deliveries, its rows in delivered tables, the folders of its
keys, and versions that hold it among others. What is computed anew is decided by the plan.

Whole versions go, never files of one, so that what stands is always whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.looking import CURRENT, MANIFEST, is_version
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.privacy.names import Names
from hcc_assets.privacy.row_removal import CannotRewrite, RowRemover, can_rewrite
from hcc_assets.privacy.subject import Who
from hcc_assets.privacy.traces import find_traces


@dataclass(frozen=True)
class Landed:
    """Where a subject stands in ``landing/``.

    Attributes
    ----------
    delete
        Files and folders named after it or its samples, and matrices delivered for it under
        another name.
    rewrite
        Tables whose rows of the subject go.
    by_hand
        Files of a format that cannot be rewritten.
    """

    delete: tuple[Path, ...]
    rewrite: tuple[Path, ...]
    by_hand: tuple[Path, ...]


def find_landed(home: Home, who: Who) -> Landed:
    """Search the deliveries. A number that may be the name counts here, where rows are told by
    their id column."""
    landing = Path(str(home.landing))
    wanted = Names(who.names, who.others)
    delete = dict.fromkeys(p for p in who.matrices if p.exists())
    rewrite: dict[Path, None] = {}
    by_hand: dict[Path, None] = {}
    for trace in find_traces(landing, who.names, others=who.others).traces:
        path = landing / trace.path
        if any(path.is_relative_to(gone) for gone in delete):
            continue
        above = [p for p in reversed(path.parents) if p.is_relative_to(landing) and p != landing]
        named = next((p for p in [*above, path] if wanted.in_value(p.name)), None)
        if named is not None:
            delete[named] = None
        elif can_rewrite(path):
            rewrite[path] = None
        else:
            by_hand[path] = None
    return Landed(tuple(delete), tuple(rewrite), tuple(by_hand))


def remove_landed(home: Home, who: Who) -> list[str]:
    """Take the subject out of the deliveries; tables last, since ``samples.csv`` says which
    matrices are the subject's, should this be cut off and asked for again.

    Returns
    -------
    list of str
        What was done and what a person has to do, without the subject's names.
    """
    found = find_landed(home, who)
    wanted = Names(who.names, who.others)
    for path in found.delete:
        remove(path)
    aliases = home.config().aliases.values()
    columns = [name for names in aliases for name, sdtm in names.items() if sdtm == "USUBJID"]
    remover = RowRemover(who.names, columns, who.others)
    rows, lines = 0, []
    for path in found.rewrite:
        try:
            rows += remover.rewrite(path)
        except CannotRewrite as error:
            lines.append(wanted.masked(str(error)))
    if found.delete or found.rewrite:
        tables = f"{rows} rows taken out of {len(found.rewrite)} delivered tables"
        lines.append(f"{len(found.delete)} deliveries deleted, {tables}")
    root = Path(str(home.root))
    return lines + [f"by hand: {wanted.masked(str(p.relative_to(root)))}" for p in found.by_hand]


def folders_of(home: Home, keys: Iterable[str]) -> list[Path]:
    """What the store and the quarantine hold of samples, by their keys."""
    store, quarantine = Path(str(home.store)), Path(str(home.quarantine))
    return [
        path
        for key in keys
        for path in (
            *store.glob(f"*/{key}"),
            *store.glob(f"native/*/{key}.parquet"),
            *quarantine.glob(f"*/{key}"),
        )
    ]


def drop_earlier(home: Home) -> int:
    """Drop every version across samples that does not stand: most name the subject, and telling
    which would save little. Returns how many went."""
    count = 0
    for folder in _folders(Path(str(home.store))):
        current = folder / CURRENT
        manifest = Manifest.read(current.read_bytes()) if current.exists() else None
        for path in folder.iterdir():
            if is_version(path) and (manifest is None or path.name != manifest.folder):
                shutil.rmtree(path)
                count += 1
        if manifest is not None and manifest.previous is not None:
            alone = manifest.model_copy(update={"previous": None})
            for place in (folder / manifest.folder / MANIFEST, current):
                files.write_bytes(UPath(place), alone.content())
    return count


def _folders(store: Path) -> list[Path]:
    """Folders of assets that have one version across all samples."""
    every = [p for p in store.iterdir() if p.is_dir()] if store.exists() else []
    return [p for p in every if any(is_version(v) for v in p.iterdir())]


def take_away(home: Home, who: Who) -> int:
    """Take away what still names the subject in the store, the quarantine and what is published:
    the whole asset where a version does, so that it is computed anew. Returns how many went."""
    gone: dict[Path, None] = {}
    for place in (home.store, home.quarantine, home.published, home.root / "truth"):
        folder = Path(str(place))
        for trace in find_traces(folder, who.names, others=who.others).traces:
            path = folder / trace.path
            if trace.certain and not any(path.is_relative_to(p) for p in gone):
                gone[next((p.parent for p in (path, *path.parents) if is_version(p)), path)] = None
    for path in gone:
        remove(path)
    return len(gone)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
