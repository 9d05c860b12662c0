"""The documents hold to the code: links, commands, settings with defaults, dependencies, and no
trace of a machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from hcc_assets.catalogue.loading import all_assets
from hcc_assets.commands import hcc
from hcc_assets.study.config import StudyConfig, parse_config

TOP = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md"), *(TOP / "deploy").rglob("*.md")]
)
NAMES = [d.relative_to(TOP).as_posix() for d in DOCUMENTS]
IMAGES = TOP / "docs" / "images"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _links(document: Path) -> list[tuple[bool, str, str]]:
    return [
        (bang == "!", words, target)
        for bang, words, target in _LINK.findall(_FENCE.sub("", _text(document)))
    ]


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", _text(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_resolve(document: Path) -> None:
    broken = []
    for is_image, _, target in _links(document):
        path, _, anchor = target.partition("#")
        if is_image or "://" in target or target.startswith("mailto:"):
            continue
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or (
            anchor and there.suffix == ".md" and anchor not in _anchors(there)
        ):
            broken.append(target)
    assert not broken, f"{document.name} links to what is not there: {broken}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_images_are_there_and_described(document: Path) -> None:
    images = [
        (words, target)
        for is_image, words, target in _links(document)
        if is_image and "://" not in target
    ]
    assert all(len(words) > 20 for words, _ in images), "an image needs words for who cannot see it"
    if images and not any(IMAGES.glob("*.png")):
        pytest.skip("docs/images has no picture yet: they are made from a built demo home")
    assert not [t for _, t in images if not (document.parent / t).exists()]


def _leaves(command: click.Command, name: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for child, inner in command.commands.items():
            yield from _leaves(inner, f"{name} {child}")
    else:
        yield name


def _find(words: list[str]) -> tuple[click.Command | None, list[str]]:
    command: click.Command = hcc
    while words and isinstance(command, click.Group):
        child = command.commands.get(words[0])
        if child is None:
            return None, words
        command, words = child, words[1:]
    return command, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_commands_that_are_named_exist(document: Path) -> None:
    text = _text(document)
    named = re.findall(r"`hcc ([^`]+)`", text) + re.findall(
        r"^\s*(?:\.venv/bin/)?hcc (\S.*?)(?:\s{2,}.*|\s*#.*)?$", text, re.MULTILINE
    )
    wrong = []
    for call in named:
        words = re.sub(r'"[^"]*"', "", call).split()
        if words[0].startswith("-"):
            continue
        command, rest = _find([w for w in words if w not in ("|",)])
        options = {
            o for p in (command.params if command else []) for o in (*p.opts, *p.secondary_opts)
        } | {"--help"}
        unknown = [w for w in rest if w.startswith("--") and w.split("=")[0] not in options]
        if command is None or unknown:
            wrong.append(call)
    assert not wrong, f"{document.name} names what hcc does not have: {wrong}"


def test_readme_names_every_command() -> None:
    readme = _text(TOP / "README.md")
    missing = [leaf for leaf in _leaves(hcc, "hcc") if f"`{leaf}`" not in readme]
    assert not missing, f"README.md does not name {missing}"


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text(TOP / "Makefile"), re.MULTILINE))
    named = {
        name
        for d in DOCUMENTS
        for name in re.findall(r"(?:`|^|\s)make ([a-z-]+)(?=`|\s+#|$)", _text(d), re.MULTILINE)
    }
    assert named <= targets, f"no such make target: {sorted(named - targets)}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf key of ``study.toml`` with its default."""
    for name, field in model.model_fields.items():
        inner = [
            a
            for a in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        if inner:
            yield from _keys(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _documented() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("statistician.md", "operator.md"):
        section = _text(TOP / "docs" / name).partition("\n## Settings\n")[2]
        for key, default in re.findall(r"^\| `([a-z0-9_.]+)` \| ([^|]+) \|", section, re.MULTILINE):
            assert key not in found, f"{key} is documented twice"
            found[key] = default.strip()
    return found


def test_settings_are_documented_and_nothing_else_is() -> None:
    known, documented = {k for k, _ in _keys(StudyConfig)}, set(_documented())
    assert known - documented == set(), (
        "settings without a row in docs/statistician.md or docs/operator.md"
    )
    assert documented - known == set(), "documented settings that study.toml does not have"


def test_documented_defaults_are_those_of_the_code() -> None:
    documented, wrong = _documented(), []
    for key, field in _keys(StudyConfig):
        said = documented[key]
        if said == "table":
            continue
        if field.is_required():
            value: Any = "required"
            right = said == "required"
        else:
            value = field.get_default(call_default_factory=True)
            right = (
                said == "none"
                if value in (None, {})
                else tomllib.loads(f"value = {said.strip('`')}")["value"] == value
            )
        if not right:
            wrong.append(f"{key}: documented {said}, in the code {value!r}")
    assert not wrong, wrong


def test_alias_example_is_accepted() -> None:
    assert parse_config('aliases.dm.patient_id = "USUBJID"').aliases == {
        "dm": {"patient_id": "USUBJID"}
    }


def test_dependencies_are_explained() -> None:
    project = tomllib.loads(_text(TOP / "pyproject.toml"))["project"]
    declared = {
        re.split(r"[<>=!~\[;, ]", d, maxsplit=1)[0].lower() for d in project["dependencies"]
    }
    record = next((TOP / "docs" / "adr").glob("*-dependencies.md"))
    first_cells = [
        cell
        for cell in re.findall(r"^\| ([^|]+) \|", _text(record), re.MULTILINE)
        if cell not in ("package", "---")
    ]
    explained = {name.strip().lower() for cell in first_cells for name in cell.split(",")}
    assert declared - explained == set(), f"{record.name} does not explain"
    assert explained - declared == set(), (
        f"{record.name} explains what pyproject.toml does not have"
    )


def test_decisions_are_listed() -> None:
    folder = TOP / "docs" / "adr"
    index = _text(folder / "README.md")
    assert not [f.name for f in folder.glob("[0-9]*.md") if f"({f.name})" not in index]
    for record in folder.glob("[0-9]*.md"):
        assert {"## Context", "## Decision", "## Alternatives", "## Consequences"} <= set(
            _text(record).splitlines()
        ), record.name


def test_published_tables_are_told_to_the_statistician_or_bioinformatician() -> None:
    text = "".join(
        _text(TOP / "docs" / f"{n}.md")
        for n in ("statistician", "bioinformatician", "investigator", "operator")
    )
    missing = [
        name
        for name, one in all_assets().items()
        if one.model is not None and f"`{name}`" not in text and name not in _INPUT_TABLES
    ]
    assert not missing, f"no page for people names {missing}"


_INPUT_TABLES = ("exposure", "tumour_assessments", "disposition", "subjects", "reported_responses")
"""Validated copies of what was delivered; the data dictionary has them."""


def test_words_about_regulation() -> None:
    claim = re.compile(
        r"(?:part 11|alcoa\+?|gxp|21 cfr)[^.\n]{0,60}\b(?:compliant|validated|certified)"
        r"|\b(?:compliant|certified)\b",
        re.IGNORECASE,
    )
    for document in DOCUMENTS:
        text = re.sub(
            r"^\| supports … technical controls .*$", "", _text(document), flags=re.MULTILINE
        )
        assert not claim.search(text), (
            f"{document.name} claims more than 'supports … technical controls'"
        )


def test_no_machine_and_no_package_host_in_any_committed_text() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=False)
    if listed.returncode != 0 or not listed.stdout:
        pytest.skip("not a git checkout: nothing says which files are committed")
    registries = (("pythonhosted", "org"), ("pypi", "org"), ("npmjs", "org"), ("anaconda", "org"))
    hosts = "|".join(re.escape(".".join(parts)) for parts in registries)
    wrong = re.compile(
        rf"{hosts}|(?<![\w.)}}\]-])/(?:work|root)/|--(?:extra-)?index-url[= ]\S*:/", re.IGNORECASE
    )
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = TOP / name
        if not name or not path.is_file() or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{i}" for i, line in enumerate(text.splitlines(), start=1) if wrong.search(line)
        ]
    assert not found, found
