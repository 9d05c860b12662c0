"""Which samples a reference without labels waits for, and which go first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hcc_assets.catalogue.single_cell.annotation_reference import READS, Teachers
from hcc_assets.study.config import StudyConfig


def view_of(standing: str, waiting: str = "", **more: Any) -> Any:
    """Samples were collected in the order of their names."""
    versions = SimpleNamespace(current=lambda _, key: "x" if key in standing else None)
    given = {
        "versions": versions,
        "keys": tuple(sorted(standing + waiting)),
        "standing": lambda _: sorted(standing),
        "by_collection": sorted,
        "landing": SimpleNamespace(references=[]),
        "rebuild_asked": None,
        "config": StudyConfig(),
    }
    return SimpleNamespace(**(given | more))


def waited_for(view: Any) -> set[str]:
    nodes = list(Teachers().nodes(view, None))
    assert {asset for asset, _ in nodes} <= set(READS)
    return {str(key) for _, key in nodes}


@pytest.mark.parametrize(
    ("prefix", "waiting", "expected"),
    [
        ("bc", "de", "bc"),
        ("bc", "ad", "abcd"),  # one that was collected earlier would be among them
        ("bc", "", "bc"),
        ("", "d", "bcd"),  # those that stand do not allow freezing yet
    ],
)
def test_only_samples_collected_later_may_be_left(
    monkeypatch: pytest.MonkeyPatch, prefix: str, waiting: str, expected: str
) -> None:
    monkeypatch.setattr(Teachers, "_prefix", lambda *_: list(prefix) or None)
    assert waited_for(view_of("bc", waiting)) == set(expected)


def test_a_rebuild_waits_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Teachers, "_prefix", lambda *_: ["a", "b"])
    view = view_of("ab", "c", rebuild_asked="2026-01-01T00:00:00+00:00")
    assert waited_for(view) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("state", "expected"), [("ready", set()), ("refused", {"a", "b"}), ("settling", {"a", "b"})]
)
def test_labels_that_can_be_read_wait_for_no_sample(
    monkeypatch: pytest.MonkeyPatch, state: str, expected: set[str]
) -> None:
    monkeypatch.setattr(Teachers, "_prefix", lambda *_: ["a", "b"])
    labels = SimpleNamespace(id="labelled.h5ad", state=state)
    view = view_of("ab", landing=SimpleNamespace(references=[labels]))
    assert waited_for(view) == expected


def test_as_many_samples_go_first_as_may_be_needed() -> None:
    config = StudyConfig.model_validate({"single_cell": {"reference_min_samples": 2}})
    assert Teachers().first(view_of("", "abcd", config=config), set("dcba")) == {"a", "b"}
    assert Teachers().first(view_of("xyz", "abcd", config=config), set("dcba")) == {"a", "b", "c"}
