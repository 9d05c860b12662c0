"""A lab's own package: an asset with check and figure, and an annotator, without a fork."""

import pandas as pd

from hcc_assets.assets.annotators import annotator
from hcc_assets.assets.definition import Verdict, asset


@asset
def lymphoid_share(compositions: pd.DataFrame) -> pd.DataFrame:
    """Share of T, B and NK cells among immune cells of each sample. Published as a table."""
    rows = compositions[compositions.denominator.eq("immune")]
    lymphoid = rows[rows.cell_class.isin(["T", "B", "NK"])]
    return lymphoid.groupby("sample_id", as_index=False).proportion.sum()


@lymphoid_share.check(severity="WARN", todo="Look at the biopsy.")
def some_lymphocytes(table: pd.DataFrame) -> Verdict:
    """Every biopsy has lymphocytes"""
    none = int((table.proportion == 0).sum())
    return Verdict(not none, f"{none} biopsies have none", none)


@lymphoid_share.figure
def lymphoid_bars(table: pd.DataFrame) -> dict:
    """One bar a sample."""
    return {"lymphoid_share": table.plot.barh("sample_id", "proportion").figure}


@annotator
def by_ptprc(counts):
    """Everything with PTPRC is a T cell: wrong, and short enough to read."""
    immune = counts[:, counts.var["gene"] == "PTPRC"].X.toarray().ravel() > 0
    classes = pd.Series("unassigned", index=counts.obs_names).mask(immune, "T")
    return pd.DataFrame({"barcode": counts.obs_names, "cell_class": classes, "probability": 0.5})
