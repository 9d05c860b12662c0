"""Calling what an asset is made of: its function, its checks, its figures. Each gets the inputs
that its parameters name; what comes of it is decided in `engine`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hcc_assets.assets.attempts import given
from hcc_assets.assets.definition import Asset, Output, Refused
from hcc_assets.home.manifests import CheckRecord
from hcc_assets.home.people.register import People
from hcc_assets.schemas.base import TableRefused, conform


def computed(asset: Asset, values: Mapping[str, Any]) -> Output:
    """What the function hands back, its table held to its model.

    Raises
    ------
    Refused
        The table breaks its model.
    TypeError
        There is a model and no table.
    """
    found = asset.function(**given(asset.function, values))
    output = found if isinstance(found, Output) else Output(table=found)
    if asset.model is None:
        return output
    if output.table is None:
        raise TypeError(f"{asset.name} has a table model and returned no table")
    try:
        output.table = conform(asset.model, output.table)
    except TableRefused as refusal:
        raise Refused(str(refusal), code="schema", quarantine=False) from None
    return output


def judged(
    asset: Asset, output: Output, values: Mapping[str, Any], people: People
) -> list[CheckRecord]:
    """The verdict of the gate, which has passed, and of every check; ids in sentences are keys."""
    more = {"output": output, "table": output.table}
    records = [CheckRecord(name=asset.gate.name, passed=True, description=asset.gate.title)]
    for check in asset.checks:
        assert check.judge is not None
        verdict = check.judge(**given(check.judge, {**values, **more}))
        records.append(
            CheckRecord(
                name=check.name,
                passed=verdict.passed,
                severity=check.severity,
                affected=verdict.affected,
                description=people.in_keys(verdict.description),
                details={k: people.in_keys(v) for k, v in verdict.details.items()},
            )
        )
    return records


def drawn(asset: Asset, output: Output, values: Mapping[str, Any]) -> dict[str, bytes]:
    """Every figure as PNG and SVG, by its path below ``published/``."""
    if not asset.figures:
        return {}
    from hcc_assets.figures.style import save_png, save_svg

    out: dict[str, bytes] = {}
    more = {"output": output, "table": output.table}
    for draw in asset.figures:
        for name, figure in draw(**given(draw, {**values, **more})).items():
            out[f"figures/{name}.png"] = save_png(figure)
            out[f"figures/{name}.svg"] = save_svg(figure)
    return out
