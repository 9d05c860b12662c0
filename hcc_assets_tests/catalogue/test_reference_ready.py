"""When a reference without labels may be made although samples are still to be worked on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hcc_assets.defs import single_cell
from hcc_assets.defs.catalogue import all_recipes


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    """Samples were collected in the order of their names."""
    landing = SimpleNamespace(references=[])
    return SimpleNamespace(
        home=SimpleNamespace(store=tmp_path), landing=landing, by_collection=sorted
    )


@pytest.mark.parametrize(
    ("prefix", "waiting", "ready"),
    [
        (["b", "c"], {"d", "e"}, True),
        (["b", "c"], {"a", "d"}, False),  # one that was collected earlier would be among them
        (["b", "c"], {"c"}, False),  # one of them is to be worked on again
        (None, {"d"}, False),
    ],
)
def test_only_samples_collected_later_may_be_left(
    bench: Any,
    monkeypatch: pytest.MonkeyPatch,
    prefix: list[str] | None,
    waiting: set[str],
    ready: bool,
) -> None:
    monkeypatch.setattr(single_cell, "_teachers", lambda _: (prefix or [], prefix))
    assert all_recipes()["annotation_reference"].ready is single_cell._enough_taught
    assert single_cell._enough_taught(bench, waiting) is ready


def test_labels_wait_for_no_sample_and_a_rebuild_for_all(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_cell, "_teachers", lambda _: (["a", "b"], ["a", "b"]))
    (bench.home.store / "reference_rebuild.json").write_text('{"at": "2026-01-01T00:00:00+00:00"}')
    assert not single_cell._enough_taught(bench, {"c"})
    bench.landing.references = [SimpleNamespace(id="labelled.h5ad", state="refused")]
    assert not single_cell._enough_taught(bench, {"c"})
    bench.landing.references = [SimpleNamespace(id="labelled.h5ad", state="ready")]
    assert single_cell._enough_taught(bench, {"c"})
