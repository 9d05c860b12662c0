"""The code version of an asset counts everything that can run in it, and nothing else."""

from __future__ import annotations

import ast
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hcc_assets.assets import closure
from hcc_assets.assets.closure import ROOMS, closure_of
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets_tests.tiny import PACKAGE, Function, Tiny


class _Nothing:
    """Closures are found anew each time."""

    def get(self, _: str) -> None:
        return None

    def put(self, *_: object) -> None:
        return None


def _by_time(function: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """The function once for each state of a file."""
    known: dict[tuple[Path, int], Any] = {}

    def ask(path: Path) -> Any:
        key = (path, path.stat().st_mtime_ns)
        if key not in known:
            known[key] = function(path)
        return known[key]

    return ask


@dataclass
class Copy:
    """The source of the package, somewhere else, to be edited."""

    root: Path

    def asset(self, name: str) -> Asset:
        one = all_assets()[name]
        return replace(one, file=self.root / one.file.relative_to(PACKAGE))

    @property
    def assets(self) -> dict[str, Asset]:
        return {name: self.asset(name) for name in all_assets()}

    def versions(self) -> dict[str, str]:
        return {name: one.code_version for name, one in self.assets.items()}

    def holding(self, module: str) -> set[str]:
        """Assets whose closure holds a module."""
        return {n for n, one in all_assets().items() if module in one.closure.modules}

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.root / file
        before = path.read_text()
        assert change(before) != before
        path.write_text(change(before))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("source") / "hcc_assets"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    for one in all_assets().values():
        assert one.code_version, "found where the package is, and kept by the asset"
    return Copy(root)


@pytest.fixture(scope="module")
def read() -> dict[str, Callable[[Path], Any]]:
    """What is found in a file, remembered as long as the file stays what it is."""
    names = ("_tree", "_imports", "_fingerprint")
    return {name: _by_time(getattr(closure, name).__wrapped__) for name in names}


@pytest.fixture
def copy(
    source: Copy, read: dict[str, Callable[[Path], Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Copy]:
    """As the package is; edits are undone."""
    monkeypatch.setattr(closure, "_ROOT", source.root)
    monkeypatch.setattr(closure, "_remembered", _Nothing)
    for name in ("_data_files", "_face"):
        monkeypatch.setattr(closure, name, getattr(closure, name).__wrapped__)
    for name, function in read.items():
        monkeypatch.setattr(closure, name, function)
    yield source
    for path in source.root.rglob("*.py"):
        original = PACKAGE / path.relative_to(source.root)
        if path.read_bytes() != original.read_bytes():
            shutil.copyfile(original, path)


def module_of(file: str) -> str:
    """As a closure names it: a module, or a template by its path."""
    if not file.endswith(".py"):
        return file
    return ".".join(("hcc_assets", *Path(file).with_suffix("").parts)).removesuffix(".__init__")


def is_function(copy: Copy, found: Function) -> bool:
    """False for the body of a class that is defined while a module is imported."""
    file, _, name = found
    tree = ast.parse((copy.root / file).read_text())
    classes = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    return name.rpartition(".")[2] not in {c.name for c in classes}


def changed_in(text: str, line: int, name: str) -> str:
    """The source with a statement more in the function that begins at ``line``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if node.name == name and first == line:
                lines = text.splitlines(keepends=True)
                at = node.body[-1]
                lines.insert(at.lineno - 1, " " * at.col_offset + "_edited = 1\n")
                return "".join(lines)
    raise LookupError(name)


def test_a_copy_elsewhere_has_the_same_versions(copy: Copy) -> None:
    assert copy.versions() == {n: one.code_version for n, one in all_assets().items()}


def test_the_file_of_every_function_that_runs_in_an_asset_is_in_its_closure(tiny: Tiny) -> None:
    outside = {
        (name, file, function)
        for name, ran in tiny.ran.items()
        for file, _, function in ran
        if file.split("/")[0] in ROOMS and module_of(file) not in all_assets()[name].closure.modules
    }
    assert not outside
    assert set(tiny.ran) == {n for n, one in all_assets().items() if one.automatic}


def test_a_module_that_runs_in_a_process_of_its_own_counts() -> None:
    found = all_assets()["raw_counts"].closure.modules
    assert {"hcc_assets.cells.reading.parse_child", "hcc_assets.cells.reading.hdf5"} <= set(found)


@pytest.mark.parametrize("seed", range(12))
def test_an_edited_function_makes_stale_what_runs_it_and_only_what_can(
    copy: Copy, tiny: Tiny, seed: int
) -> None:
    functions = sorted({f for ran in tiny.ran.values() for f in ran if f[0].split("/")[0] in ROOMS})
    plain = [f for f in functions if f[0].endswith(".py") and "<" not in f[2].rpartition(".")[2]]
    chosen = random.Random(seed).sample(plain, k=len(plain))
    file, line, name = next(f for f in chosen if is_function(copy, f))
    before = copy.versions()
    copy.edit(file, lambda text: changed_in(text, line, name.rpartition(".")[2]))
    after = copy.versions()
    stale = {n for n in before if before[n] != after[n]}
    assert stale == copy.holding(module_of(file)), (file, name)
    assert stale >= {n for n, ran in tiny.ran.items() if (file, line, name) in ran}


EDITS = {
    "a helper beside an asset": (
        "catalogue/single_cell/annotated_cells.py",
        lambda t: t.replace("share <= UNASSIGNED_LIMIT", "share < UNASSIGNED_LIMIT"),
        {"annotated_cells"},
    ),
    "a constant beside an asset": (
        "catalogue/single_cell/annotated_cells.py",
        lambda t: t.replace("UNASSIGNED_LIMIT = 0.10", "UNASSIGNED_LIMIT = 0.20"),
        {"annotated_cells"},
    ),
    "a figure": (
        "figures/copy_number.py",
        lambda t: t + "\nEDITED = 1\n",
        {"annotated_cells"},
    ),
    "a table model": (
        "schemas/atlas.py",
        lambda t: t.replace("ge=", "gt=") if "ge=" in t else t + "\nEDITED = 1\n",
        {"atlas"},
    ),
    "the count of cells, far away": (
        "cells/pseudobulk.py",
        lambda t: t + "\nEDITED = 1\n",
        {"annotated_cells", "pseudobulk"},
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_makes_the_nodes_of_its_assets_stale_and_says_so(
    copy: Copy, tiny: Tiny, what: str
) -> None:
    file, change, least = EDITS[what]
    copy.edit(file, change)
    holding = copy.holding(module_of(file))
    assert least <= holding
    plan = make_plan(Workbench(Home.at(tiny.root), copy.assets))
    # what is only computed on request has no version yet, whatever changes
    stands = {n for n in plan.states if plan.view.assets[n[0]].automatic}
    stale = stands & set(plan.of("stale"))
    assert stale == {n for n in stands if n[0] in holding}
    told = f"code of {module_of(file)} changed"
    assert all(told in plan.states[node].reasons for node in stale)


def test_comments_docstrings_and_blank_lines_make_nothing_stale(copy: Copy, tiny: Tiny) -> None:
    before = copy.versions()
    for file in ("cells/pseudobulk.py", "catalogue/cohort/compositions.py", "schemas/base.py"):
        copy.edit(file, _reworded)
    assert copy.versions() == before
    assert not make_plan(Workbench(Home.at(tiny.root), copy.assets)).dirty


def _reworded(text: str) -> str:
    doc = ast.parse(text).body[0]
    assert isinstance(doc, ast.Expr)
    lines = text.splitlines()
    rest = "\n".join(f"{line}  # said" if line == "" else line for line in lines[doc.end_lineno :])
    return f'"""Other words."""\n\n\n# a comment\n{rest}\n'


FACE = '''"""A face."""

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(__name__, {"build_report": "trial"})
'''


@pytest.mark.parametrize(
    "line",
    [
        "from hcc_assets.report import build_report",
        "import hcc_assets.report as report",
        "from hcc_assets import report",
    ],
)
def test_what_is_imported_through_a_face_counts_and_the_face_does_not(
    copy: Copy, tmp_path: Path, line: str
) -> None:
    (copy.root / "report" / "__init__.py").write_text(FACE)
    file = tmp_path / "mine.py"
    file.write_text(f"{line}\n")
    found = closure_of(file).modules
    assert "hcc_assets.report.trial" in found
    assert "hcc_assets.report" not in found


def test_an_asset_of_another_package_counts_the_modules_of_that_package(tmp_path: Path) -> None:
    package = tmp_path / "other"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "deep" / "__init__.py").touch()
    (package / "near.py").write_text("from other.deep import far\n")
    (package / "deep" / "far.py").write_text("from hcc_assets.stats import proportions\nX = 1\n")
    (package / "unread.py").write_text("X = 1\n")
    file = package / "mine.py"
    file.write_text("from . import near\n")
    found = closure_of(file).modules
    assert {"other.mine", "other.near", "other.deep.far"} <= set(found)
    assert "hcc_assets.stats.proportions" in found
    assert "other.unread" not in found


def test_what_is_remembered_is_what_would_be_found_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closure, "user_cache_path", lambda _: tmp_path / "cache")
    closure._remembered.cache_clear()
    file = all_assets()["samples"].file
    anew = closure_of(file)
    closure._remembered.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(closure, "_found", lambda *_: pytest.fail("walked the syntax trees again"))
        assert closure_of(file) == anew
    (kept,) = (tmp_path / "cache").iterdir()
    for damage in (b"", b"{", b"\xff\xfe"):
        kept.write_bytes(damage)
        closure._remembered.cache_clear()
        assert closure_of(file) == anew
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file where the folder should be")
    closure._remembered.cache_clear()
    assert closure_of(file) == anew
    closure._remembered.cache_clear()
