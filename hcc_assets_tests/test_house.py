"""The house: which room may know which, how large rooms and files are, and no circle anywhere."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).parents[1] / "hcc_assets"
ROOMS = (
    ("confined",),
    ("study",),
    ("schemas",),
    ("stats",),
    ("cells", "clinical"),
    ("figures",),
    ("report",),
    ("simulate",),
    ("home",),
    ("audit",),
    ("assets",),
    ("catalogue",),
    ("operate",),
    ("alerts",),
    ("privacy",),
    ("ui",),
    ("commands",),
    ("definitions", "cli"),
    ("__main__",),
)
"""From the ground floor up: a module imports from its own room and from those before it, not from
one beside it. Tools without a room (`faces`) may be used anywhere."""

PURE = (
    *("confined", "study", "schemas", "stats", "cells", "clinical", "figures"),
    *("report", "simulate"),
)
LONGEST_FILE, LARGEST_ROOM, WIDEST_LINE = 300, 25, 100
"""Lines, files and characters (the house rules of docs/architecture.md)."""


@lru_cache(maxsize=1)
def imports() -> dict[str, set[str]]:
    """Every import, also those inside functions and for a type checker only."""
    graph = grimp.build_graph("hcc_assets", exclude_type_checking_imports=False, cache_dir=None)
    return {m: set(graph.find_modules_directly_imported_by(m)) for m in graph.modules}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(graph.get(module, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == index[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return found


def room_of(module: str) -> str:
    return [*module.split("."), ""][1]


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def told(problems: list[str]) -> str:
    return "\n" + "\n".join(sorted(problems))


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(imports())
    assert not found, told([" <-> ".join(circle) for circle in found])


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_a_room_knows_only_the_rooms_below_it() -> None:
    floor = {room: n for n, rooms in enumerate(ROOMS) for room in rooms}
    problems = []
    for module, others in imports().items():
        here = room_of(module)
        for other in others:
            there = room_of(other)
            if not here or there == here or there not in floor or there == "":
                continue
            if here not in floor or floor[there] >= floor[here]:
                problems.append(f"{module} imports {other}")
    assert not problems, told(problems)


def test_every_folder_is_a_known_room() -> None:
    known = {room for rooms in ROOMS for room in rooms}
    there = {p.stem for p in PACKAGE.iterdir() if p.is_dir() or p.suffix == ".py"}
    assert there - known <= {"__init__", "__pycache__", "faces", "scaffold"}


def test_the_pure_rooms_do_not_know_dagster() -> None:
    problems = [
        f"{path.relative_to(PACKAGE)} line {node.lineno}"
        for room in PURE
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(a.name.startswith("dagster") for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster"))
    ]
    assert not problems, told(problems)


def test_no_file_is_too_long() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in files()}
    problems = [
        f"{p.relative_to(PACKAGE)}: {n} lines" for p, n in lengths.items() if n > LONGEST_FILE
    ]
    assert not problems, told(problems)


def test_no_room_holds_too_many_files() -> None:
    counts = Counter(p.parent for p in files() if p.name != "__init__.py")
    problems = [
        f"{folder.relative_to(PACKAGE)}: {n} files"
        for folder, n in counts.items()
        if n > LARGEST_ROOM
    ]
    assert not problems, told(problems)


def test_no_line_is_too_wide() -> None:
    problems = []
    for path in files():
        wide = [
            n for n, text in enumerate(path.read_text().splitlines(), 1) if len(text) > WIDEST_LINE
        ]
        if wide:
            problems.append(f"{path.relative_to(PACKAGE)}: lines {', '.join(map(str, wide))}")
    assert not problems, told(problems)


def test_no_two_modules_of_a_room_have_one_name() -> None:
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in files():
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if len(parts) > 1 and parts[-1] != "__init__":
            names[parts[0], parts[-1]].append("/".join(parts))
    problems = [" and ".join(paths) for paths in names.values() if len(paths) > 1]
    assert not problems, told(problems)


def test_every_package_says_what_belongs_in_it() -> None:
    problems = []
    for path in PACKAGE.rglob("__init__.py"):
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        if len(doc.split()) < 5 or "TODO" in doc:
            problems.append(str(path.relative_to(PACKAGE)))
    assert not problems, told(problems)


@lru_cache(maxsize=1)
def faces() -> tuple[str, ...]:
    found = (p for p in sorted(PACKAGE.rglob("__init__.py")) if "faces.lazy(" in p.read_text())
    return tuple(".".join(p.parent.relative_to(PACKAGE.parent).parts) for p in found)


@pytest.mark.parametrize("package", faces())
def test_a_face_shows_what_there_is(package: str) -> None:
    from importlib import import_module

    module = import_module(package)
    assert module.__all__ == sorted(set(module.__all__)) == dir(module)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="has no attribute"):
        _ = module.nothing_of_this_name
