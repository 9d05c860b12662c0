"""`hcc explain` tells of the versions that were read when a table was made, also when other ones stand by now."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.provenance import explain_asset, explanation_lines
from hcc_assets.assets.recipes import Ask, Output, Recipe, Refused
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Bundle


def recipes(content: str, refuse: bool = False) -> dict[str, Recipe]:
    """A delivery, what is read from it, and what rests on that."""

    def upper(ask: Ask) -> Output:
        return Output(bundle=Bundle(frames={"t": pd.DataFrame({"a": [content]})}))

    def lower(ask: Ask) -> Output:
        if refuse:
            raise Refused("not good enough", quarantine=False)
        return Output(bundle=Bundle(frames={"t": ask.frame("upper", "t")}))

    first = Recipe(
        "upper", upper, "g", "Read. From landing.", external=lambda *_: {"export/a.csv": content}
    )
    return {"upper": first, "lower": Recipe("lower", lower, "g", "Made. Of it.", inputs=("upper",))}


def test_the_version_that_was_read_is_told_not_the_one_that_stands(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    bench = Workbench(home, recipes("one"))
    assert [bench.attempt(n).state for n in ("upper", "lower")] == ["new", "new"]
    read = bench.versions.require("upper").data_version
    nodes = explain_asset(home, bench.recipes, "lower")["nodes"]
    assert (
        list(nodes) == ["upper", "lower"]
        and nodes["upper"]["stands"]
        and nodes["upper"]["data_version"] == read
    )

    bench = Workbench(home, recipes("two", refuse=True))
    assert [bench.attempt(n).state for n in ("upper", "lower")] == ["new", "held"]
    tree = explain_asset(home, bench.recipes, "lower")
    assert list(tree["nodes"]) == [f"upper@{read}", "lower"]
    assert tree["nodes"][f"upper@{read}"]["deliveries"] == {"export/a.csv": "one"}
    text = "\n".join(explanation_lines(tree))
    assert (
        "sha256 one" in text and "sha256 two" not in text and "another version stands now" in text
    )


def test_a_version_that_is_no_longer_kept_is_said(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    bench = Workbench(home, recipes("0"))
    bench.attempt("upper")
    bench.attempt("lower")
    for i in range(1, 4):
        changed = recipes(str(i))
        changed["upper"] = dataclasses.replace(changed["upper"], keep=1)
        assert Workbench(home, changed).attempt("upper").state == "new"
    tree = explain_asset(home, changed, "lower")
    assert "no longer kept" in "\n".join(explanation_lines(tree))
    assert explanation_lines(explain_asset(home, changed, "nothing")) == [
        "nothing has no version yet; run hcc refresh"
    ]
