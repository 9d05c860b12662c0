"""The code of an asset: every module of the package that can run in it, and the hash over all.

Found from the source text, without importing anything: the asset's own file (function, checks,
figures, constants, its kinds of inputs), the module of its table model, and every module of the
pure rooms and of the catalogue that one of these imports, at its top or inside a function. The
engine, which is the same for all assets, does not count. Comments, blank lines and docstrings do
not count either.
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
    module = getattr(model, "__module__", "") or ""
    start = {module} if module.startswith(f"{_PACKAGE}.") else set()
    key = f"{_name(file)}:{module}"
    known = _remembered().get(key) if _ROOT in file.parents else None
    if known is None:
        known = _found(file, start)
        if _ROOT in file.parents:
            _remembered().put(key, known)
    return Closure(known, _hash(known))


def _found(file: Path, start: set[str]) -> dict[str, str]:
    """Hash of each module of the closure by dotted name; data files of ``study`` among them."""
    own = {_name(file): file}
    reached = _reached(set(_imports(file)) | start) | own
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


def _name(file: Path) -> str:
    """Dotted name of a module of the package; the file's own name for one of another package."""
    if _ROOT not in file.parents:
        return file.stem
    parts = file.relative_to(_ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _path_of(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split(".")[1:])
    if base.with_suffix(".py").is_file():
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
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith(_PACKAGE)}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
            found |= {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
    return frozenset(found)


@lru_cache(maxsize=1024)
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(ast.dump(_tree(path)).encode()).hexdigest()[:12]


def _reached(modules: set[str]) -> dict[str, Path]:
    """Modules of the rooms that these reach; a package counts by its ``__init__`` where that
    holds more than a face."""
    seen: dict[str, Path] = {}
    queue = sorted(modules)
    while queue:
        module = _behind_face(queue.pop())
        parts = module.split(".")
        path = _path_of(module)
        if path is None or module in seen or len(parts) < 2 or parts[1] not in ROOMS:
            continue
        seen[module] = path
        queue.extend(_imports(path))
        queue.append(".".join(parts[:-1]))
    return seen


def _behind_face(name: str) -> str:
    """The module that a name of a package's public face comes from; the name itself otherwise."""
    package, _, public = name.rpartition(".")
    path = _path_of(package) if package.startswith(f"{_PACKAGE}.") else None
    if _path_of(name) is not None or path is None or path.name != "__init__.py":
        return name
    module = _face(path).get(public)
    return f"{package}.{module}" if module else name


@lru_cache(maxsize=128)
def _face(path: Path) -> dict[str, str]:
    """What a package shows: public name to module, from the call of `faces.lazy`."""
    for node in ast.walk(_tree(path)):
        named = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("lazy")
        if named and len(node.args) == 2 and isinstance(node.args[1], ast.Dict):  # type: ignore[attr-defined]
            found: dict[str, str] = ast.literal_eval(node.args[1])  # type: ignore[attr-defined]
            return found
    return {}


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
        with contextlib.suppress(OSError):  # a user without a home folder has a slower start only
            self._file.parent.mkdir(parents=True, exist_ok=True)
            folder = self._file.parent
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as scratch:
                json.dump(self._found, scratch, sort_keys=True)
            Path(scratch.name).replace(self._file)


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
