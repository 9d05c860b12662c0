"""Code versions: a hash of the functions that an asset calls, found from the source text without importing it. Nothing is executed here."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

_PACKAGE = "hcc_assets"
_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = ("study", "schemas", "cells", "clinical", "stats", "figures", "report", "simulate", "defs")


def _path_of(module: str) -> Path | None:
    parts = module.split(".")[1:]
    base = _ROOT.joinpath(*parts)
    if base.with_suffix(".py").is_file():
        return base.with_suffix(".py")
    return base / "__init__.py" if (base / "__init__.py").is_file() else None


@lru_cache(maxsize=512)
def _tree(path: Path) -> ast.Module:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Expr(ast.Constant(None))
    return tree


@lru_cache(maxsize=512)
def _imports(path: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(_tree(path)):
        found |= _imported(node)
    return frozenset(found)


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {a.name for a in node.names if a.name.startswith(_PACKAGE)}
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_PACKAGE):
        return {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return set()


@lru_cache(maxsize=512)
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(ast.dump(_tree(path)).encode()).hexdigest()


def _closure(modules: set[str]) -> dict[str, Path]:
    seen: dict[str, Path] = {}
    queue = sorted(modules)
    while queue:
        module = queue.pop()
        room = module.split(".")[1] if "." in module else ""
        path = _path_of(module)
        if path is None or module in seen or room not in _ROOMS:
            continue
        seen[module] = path
        queue.extend(_imports(path))
    return seen


@lru_cache(maxsize=256)
def _data_files() -> tuple[tuple[str, str], ...]:
    folder = _ROOT / "study" / "data"
    return tuple(
        (p.name, hashlib.sha256(p.read_bytes()).hexdigest())
        for p in sorted(folder.glob("*"))
        if p.is_file()
    )


class _Remembered:
    """Code versions found before for exactly this source text and Python, in the user's cache folder: to walk all syntax trees takes a second.

    The file is named by the hash of every module and data file of the package, so it can be absent and never out of date.
    """

    def __init__(self) -> None:
        digest = hashlib.sha256(repr((sys.version_info[:3], _data_files())).encode())
        for path in sorted(_ROOT.rglob("*.py")):
            digest.update(
                f"{path.relative_to(_ROOT)}:{hashlib.sha256(path.read_bytes()).hexdigest()}".encode()
            )
        self._file = user_cache_path("hcc_assets") / f"code_versions-{digest.hexdigest()[:16]}.json"
        self._found: dict[str, str] = {}
        with contextlib.suppress(OSError, ValueError):  # what cannot be read is found anew
            self._found = json.loads(self._file.read_bytes())

    def get(self, key: str) -> str | None:
        return self._found.get(key)

    def put(self, key: str, version: str) -> None:
        self._found[key] = version
        with contextlib.suppress(
            OSError
        ):  # a user without a home folder has no cache, only a slower start
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._file.parent, delete=False) as scratch:
                json.dump(self._found, scratch, sort_keys=True)
            Path(scratch.name).replace(self._file)


@lru_cache(maxsize=1)
def _remembered() -> _Remembered:
    return _Remembered()


def code_version(function: Callable[..., Any]) -> str:
    """Hash over ``function``'s own source and every pure module it reaches.

    Comments, blank lines and docstrings do not count. A module counts when the function's own body, or a module that it reaches, imports it.
    """
    path = Path(function.__code__.co_filename)
    if _ROOT not in path.parents:
        return _found(function, path)
    key = f"{path.relative_to(_ROOT)}:{function.__code__.co_firstlineno}:{function.__qualname__}"
    version = _remembered().get(key)
    if version is None:
        version = _found(function, path)
        _remembered().put(key, version)
    return version


def _found(function: Callable[..., Any], path: Path) -> str:
    code = function.__code__
    own = next(
        n
        for n in ast.walk(_tree(path))
        if isinstance(n, ast.FunctionDef)
        and code.co_firstlineno in (n.lineno, *(d.lineno for d in n.decorator_list))
    )
    names = {n.id for n in ast.walk(own) if isinstance(n, ast.Name)}
    modules: set[str] = set()
    for node in ast.walk(own):
        modules |= _imported(node)
    for node in _tree(path).body:
        if isinstance(node, ast.ImportFrom | ast.Import) and any(
            (a.asname or a.name) in names for a in node.names
        ):
            modules |= _imported(node)
        if isinstance(node, ast.FunctionDef) and node.name in names and node is not own:
            for inner in ast.walk(node):
                modules |= _imported(inner)
    digest = hashlib.sha256(ast.dump(own).encode())
    reached = _closure(modules)
    for module in sorted(reached):
        digest.update(f"{module}:{_fingerprint(reached[module])}".encode())
    if any(m.startswith(f"{_PACKAGE}.study") for m in reached):
        digest.update(repr(_data_files()).encode())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def lock_hash() -> str:
    """Hash of ``requirements.lock`` of a checkout; of the installed distributions where there is no checkout."""
    lock = _ROOT.parent / "requirements.lock"
    if lock.is_file():
        return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    from importlib.metadata import distributions

    names = sorted(f"{d.metadata['Name']}=={d.version}" for d in distributions())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def has_module(name: str) -> bool:
    """True when a module can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None
