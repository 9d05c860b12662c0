"""What ``dg scaffold defs hcc_assets.scaffold.table lab_table.py`` writes: an asset of ours, with
its table model, a check and a figure to fill in."""

from __future__ import annotations

import dagster as dg

TEMPLATE = '''"""One sentence: what this table holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa

from hcc_assets.assets.definition import Verdict, asset
from hcc_assets.schemas.base import Table


class {model}(Table):
    """One row per class."""

    cell_class: str = pa.Field(description="Class of cells.")
    mean_share: float = pa.Field(description="Mean share over samples.", ge=0, le=1)

    class Config(Table.Config):
        name = "{name}"
        unique = ["cell_class"]


@asset(model={model})
def {name}(compositions: pd.DataFrame) -> pd.DataFrame:
    """Two sentences for the catalogue. Parameters are the inputs: name an asset to read it."""
    chosen = compositions[compositions["denominator"] == "immune"]
    means = chosen.groupby("cell_class", as_index=False)["proportion"].mean()
    return means.rename(columns={{"proportion": "mean_share"}})


@{name}.check(severity="WARN", todo="Say what to do when this is not met.")
def shares_are_there(table: pd.DataFrame) -> Verdict:
    """Every class has a share"""
    missing = int(table["mean_share"].isna().sum())
    return Verdict(not missing, f"{{missing}} classes have no share", missing)


@{name}.figure
def bars(table: pd.DataFrame) -> Mapping[str, Any]:
    """Published as figures/{name}.svg and .png."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4))
    figure.subplots().barh(table["cell_class"], table["mean_share"])
    return {{"{name}": figure}}
'''


class TableScaffolder(dg.Scaffolder):  # type: ignore[type-arg]
    """Writes `TEMPLATE` under the name of the file."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:  # type: ignore[type-arg]
        """Write the file.

        Raises
        ------
        ValueError
            The path does not end in ``.py``.
        """
        path = request.target_path
        if path.suffix != ".py":
            raise ValueError("give a path that ends in .py, such as cohort/lab_table.py")
        if path.is_dir():  # dg makes the target as a folder before it asks
            path.rmdir()
        name = path.stem
        model = "".join(part.capitalize() for part in name.split("_"))
        path.write_text(TEMPLATE.format(name=name, model=model), encoding="utf-8")


@dg.scaffold_with(TableScaffolder)
def table() -> None:
    """A published table: an asset of ours with its model, a check and a figure."""
