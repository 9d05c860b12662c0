"""The code of an asset: every module of the package that can run in it, and the hash over all.

Found from the source text, without importing anything: the asset's own file (function, checks,
figures, constants, its kinds of inputs), the module of its table model, and every module of the
pure rooms and of the catalogue that one of these imports, at its top or inside a function. The
engine, which is the same for all assets, does not count. Comments, blank lines, docstrings and the
faces of packages (`hcc_assets.faces`) do not count either. Of an asset that another package
brings, every module of that package counts that its file reaches.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

_PACKAGE = "hcc_assets"
_ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "confined",
    "study",
    "schemas",
    "stats",
    "cells",
    "clinical",
    "figures",
    "report",
    "catalogue",
)
"""Rooms whose code makes values. A module of another room decides when, where and for whom."""

CSV = "hcc_assets.schemas.csv_safe"
"""The engine writes the CSV of every published table with it."""


@dataclass(frozen=True)
class Closure:
    """Modules that can run in an asset, each with the hash of its source, and all of them."""

    modules: dict[str, str]
    version: str


def closure_of(file: Path, model: type | None = None) -> Closure:
    """The closure of the asset that is written in ``file``.

    Parameters
    ----------
    model
        Its table model; its module counts also where the file does not import it by name.
    """
    file = file.resolve()
    module = getattr(model, "__module__", "") or ""
    start = {module} if module.startswith(f"{_PACKAGE}.") else set()
    start |= {CSV} if model is not None else set()
    key = f"{_name(file)}:{module}"
    known = _remembered().get(key) if _ROOT in file.parents else None
    if known is None:
        known = _found(file, start)
        if _ROOT in file.parents:
            _remembered().put(key, known)
    return Closure(known, _hash(known))


def _found(file: Path, start: set[str]) -> dict[str, str]:
    """Hash of each module of the closure by dotted name; data files of ``study`` among them."""
    own = _name(file)
    package = _package_of(file)
    found_outside = {} if package == _ROOT else _reached({own}, package)
    elsewhere = {name for path in found_outside.values() for name in _imports(path)}
    reached = _reached(set(_imports(file)) | elsewhere | start) | found_outside | {own: file}
    found = {name: _fingerprint(path) for name, path in sorted(reached.items())}
    texts = [path.read_text("utf-8") for path in reached.values()]
    report = any(name.startswith(f"{_PACKAGE}.report.") for name in reached)
    for data, sha in _data_files():
        # a data file counts where its name stands in the source that reads it, templates (which
        # name one another) wherever the report is written
        named = any(f'"{Path(data).name}"' in text for text in texts)
        if named or (report and data.startswith("report/")):
            found[data] = sha
    return found


def _hash(modules: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(modules.items())).encode()).hexdigest()[:12]


def _package_of(file: Path) -> Path:
    """Top folder of the package that a file belongs to; its own folder where there is none."""
    folder = file.parent
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _name(file: Path) -> str:
    """Dotted name of a module, from the top folder of its package."""
    top = _package_of(file)
    base = top.parent if (top / "__init__.py").is_file() else top
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _path_of(module: str, package: Path | None = None) -> Path | None:
    """The file of a module of a package (ours where none is given); None of anything else."""
    package = package or _ROOT
    top, *rest = module.split(".")
    if top != package.name or not (package / "__init__.py").is_file():
        return None
    base = package.joinpath(*rest)
    if base.with_suffix(".py").is_file() and rest:
        return base.with_suffix(".py")
    return base / "__init__.py" if (base / "__init__.py").is_file() else None


@lru_cache(maxsize=1024)
def _tree(path: Path) -> ast.Module:
    """Syntax tree without docstrings, and without what only a type checker reads."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body[0] = ast.Expr(ast.Constant(None))
        node.body = [n for n in body if not _for_types_only(n)]  # type: ignore[attr-defined]
    return tree


def _for_types_only(node: Any) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


@lru_cache(maxsize=1024)
def _imports(path: Path) -> frozenset[str]:
    """Modules that a file names: in an import, or as a text (a module that is run by its name)."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {name for a in node.names for name in (a.name, *_shown(a.name))}
        elif isinstance(node, ast.ImportFrom):
            base = _base_of(node, path)
            face = _face(base)
            for a in node.names:
                named = f"{base}.{a.name}"
                found |= {base, named, *_shown(named)}
                if a.name in face:
                    found.add(f"{base}.{face[a.name]}")
        elif isinstance(node, ast.Constant) and str(node.value).startswith(f"{_PACKAGE}."):
            found.add(str(node.value))
    return frozenset(found)


def _base_of(node: ast.ImportFrom, path: Path) -> str:
    """Module that names are imported from; relative ones count from the file."""
    if not node.level:
        return str(node.module)
    here = _name(path).split(".")
    if path.name == "__init__.py":
        here.append("__init__")
    return ".".join([*here[: -node.level], *([node.module] if node.module else [])])


@lru_cache(maxsize=1024)
def _face(module: str) -> dict[str, str]:
    """What a package shows and in which module it is defined; nothing where it is no face."""
    path = _path_of(module)
    if path is None or path.name != "__init__.py":
        return {}
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "faces.lazy":
            shown: dict[str, str] = ast.literal_eval(node.args[1])
            return shown
    return {}


def _shown(module: str) -> set[str]:
    """Every module behind the face of a package that is imported whole."""
    return {f"{module}.{defined}" for defined in _face(module).values()}


@lru_cache(maxsize=1024)
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(ast.dump(_tree(path)).encode()).hexdigest()[:12]


def _reached(modules: set[str], package: Path | None = None) -> dict[str, Path]:
    """Modules of a package (ours where none is given) that these reach; of ours those of the
    rooms. A package counts by
    its ``__init__`` where that holds more than a face."""
    seen: dict[str, Path] = {}
    queue = sorted(modules)
    while queue:
        module = queue.pop()
        path = _path_of(module, package)
        if path is None or module in seen or (package is None and not _in_rooms(module)):
            continue
        if path.name != "__init__.py" or not _face(module):
            seen[module] = path
            queue.extend(_imports(path))
        queue.append(module.rpartition(".")[0])
    return seen


def _in_rooms(module: str) -> bool:
    return module.split(".")[1:2] != [] and module.split(".")[1] in ROOMS


@lru_cache(maxsize=1)
def _data_files() -> tuple[tuple[str, str], ...]:
    folders = (_ROOT / "study" / "data", _ROOT / "report" / "templates")
    return tuple(
        (p.relative_to(_ROOT).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()[:12])
        for folder in folders
        for p in sorted(folder.glob("*"))
        if p.is_file()
    )


class _Remembered:
    """Closures found before for exactly this source text and Python, in the user's cache folder:
    to walk all syntax trees takes a second.

    The file is named by the hash of every module and data file of the package, so it can be
    absent and never out of date.
    """

    def __init__(self) -> None:
        self._stamps = _stamps()
        digest = hashlib.sha256(repr((sys.version_info[:3], _data_files())).encode())
        for path in sorted(_ROOT.rglob("*.py")):
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(_ROOT)}:{sha}".encode())
        self._file = user_cache_path("hcc_assets") / f"closures-{digest.hexdigest()[:16]}.json"
        self._found: dict[str, dict[str, str]] = {}
        with contextlib.suppress(OSError, ValueError):  # what cannot be read is found anew
            self._found = json.loads(self._file.read_bytes())

    def get(self, key: str) -> dict[str, str] | None:
        return self._found.get(key)

    def put(self, key: str, found: dict[str, str]) -> None:
        self._found[key] = found
        if _stamps() != self._stamps:  # installed anew meanwhile: found in another source text
            return
        with contextlib.suppress(OSError):  # a user without a home folder has a slower start only
            self._file.parent.mkdir(parents=True, exist_ok=True)
            folder = self._file.parent
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as scratch:
                json.dump(self._found, scratch, sort_keys=True)
            Path(scratch.name).replace(self._file)


def _stamps() -> list[tuple[int, int]]:
    """Time and size of every module, which change with an installation or an edit."""
    stats = (path.stat() for path in sorted(_ROOT.rglob("*.py")))
    return [(found.st_mtime_ns, found.st_size) for found in stats]


@lru_cache(maxsize=1)
def _remembered() -> _Remembered:
    return _Remembered()


@lru_cache(maxsize=1)
def lock_hash() -> str:
    """Hash of ``requirements.lock`` of a checkout; of the installed distributions where there is
    no checkout."""
    lock = _ROOT.parent / "requirements.lock"
    if lock.is_file():
        return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    from importlib.metadata import distributions

    names = sorted(f"{d.metadata['Name']}=={d.version}" for d in distributions())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def has_module(name: str) -> bool:
    """True when a module can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None
