"""ADTR and ADRS: tumour measurements and responses in ADaM shape.

The values are those of ``recist`` and ``endpoints``; nothing is decided here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.clinical.endpoints.best_response import CONTROLLED
from hcc_assets.clinical.recist.lesion_rows import code_rows
from hcc_assets.clinical.recist.targets import target_grid

AVAL_CODES: Final = {
    "CR": 1.0,
    "PR": 2.0,
    "SD": 3.0,
    "NON-CR/NON-PD": 4.0,
    "PD": 5.0,
    "NE": 6.0,
    "Y": 1.0,
    "N": 0.0,
}
"""Numbers of the words. Ours: a response by its place from best to not evaluable [CLINICAL.md 4],
so that a sort by AVAL is one by response; yes is 1."""

RS_NAMES: Final = {
    "OVR": "Overall Response by Visit",
    "PD": "Disease Progression",
    "RSP": "Response (CR or PR), Unconfirmed",
    "CRSP": "Response (CR or PR), Confirmed",
    "DCR": "Disease Control, Unconfirmed",
    "CDCR": "Disease Control, Confirmed",
    "CB": "Clinical Benefit, Unconfirmed",
    "CCB": "Clinical Benefit, Confirmed",
    "BOR": "Best Overall Response, Unconfirmed",
    "CBOR": "Best Overall Response, Confirmed",
    "LSTA": "Last Evaluable Assessment",
    "MDIS": "Measurable Disease at Baseline",
}


def tumour_measurements(
    tumour_assessments: pd.DataFrame, responses: pd.DataFrame, *, cutoff: dt.date
) -> pd.DataFrame:
    """ADTR without the subject's own columns: SDIAM of ``responses`` with its baseline, and every
    target lesion at every visit, in mm."""
    coded = code_rows(tumour_assessments, cutoff)
    baseline, grid = target_grid(coded)
    who = coded.series[["USUBJID", "EVALUATOR"]]
    at_base = coded.rows.loc[coded.rows["visit"] == -1]
    base_date = at_base.groupby("series")["date"].max()
    root_date = at_base.groupby(["series", "root"])["date"].max().rename("ADT").reset_index()

    def millimetres(cells: pd.DataFrame) -> np.ndarray:
        return np.array(
            [
                float(u) / coded.scale.per_mm if ok else np.nan
                for u, ok in zip(cells["units"], cells["ok"], strict=True)
            ],
            dtype=float,
        )

    first = baseline.merge(root_date, on=["series", "root"], how="left")
    first = first.assign(AVAL=millimetres(first), AVISITN=0.0, AVISIT="BASELINE", ABLFL="Y")
    later = grid.merge(
        coded.visits[["VISITNUM", "VISIT", "last"]], left_on="visit", right_index=True, how="left"
    )
    later = later.assign(
        AVAL=millimetres(later),
        AVISITN=later["VISITNUM"],
        AVISIT=later["VISIT"],
        ADT=later["date"].fillna(later["last"]),
        ABLFL=None,
    )
    columns = ["series", "root", "AVAL", "AVISITN", "AVISIT", "ADT", "ABLFL"]
    lesions = pd.concat(
        [f[columns].astype({"ADT": "datetime64[ns]", "AVISITN": float}) for f in (first, later)],
        ignore_index=True,
    )
    lesions["USUBJID"], lesions["EVAL"] = (
        lesions["series"].map(who["USUBJID"]),
        lesions["series"].map(who["EVALUATOR"]),
    )
    number = (
        lesions.groupby("series")["root"].rank("dense").astype("int64").astype(str)
        if len(lesions)
        else pd.Series(dtype=object)
    )
    lesions["PARAMCD"], lesions["PARAM"] = (
        "LDIAM" + number,
        "Diameter of Target Lesion " + number + " (mm)",
    )
    lesions["TRLNKID"] = lesions["root"]
    own = lesions.loc[lesions["ABLFL"] == "Y"].set_index(["series", "root"])["AVAL"].to_dict()
    lesions["BASE"] = [
        own.get(key, np.nan) for key in zip(lesions["series"], lesions["root"], strict=True)
    ]

    sums = responses.rename(
        columns={
            "EVALUATOR": "EVAL",
            "VISITNUM": "AVISITN",
            "VISIT": "AVISIT",
            "SUMDIAM": "AVAL",
            "NADIR_PRIOR": "NADIR",
        }
    )
    sums = sums.rename(
        columns={"PCHG_BASE": "PCHG", "PCHG_NADIR": "PCHGNAD", "CHG_NADIR": "CHGNAD"}
    ).loc[responses["TRGRESP"] != "NA"]
    start = (
        first.groupby("series")["AVAL"]
        .agg(lambda v: v.sum(skipna=False))
        .rename("AVAL")
        .reset_index()
    )
    start = start.assign(
        USUBJID=start["series"].map(who["USUBJID"]),
        EVAL=start["series"].map(who["EVALUATOR"]),
        ADT=start["series"].map(base_date),
    )
    start = start.assign(BASE=start["AVAL"], AVISITN=0.0, AVISIT="BASELINE", ABLFL="Y").astype(
        {"ADT": "datetime64[ns]", "AVAL": float}
    )
    sums = pd.concat([start, sums.assign(ABLFL=None)], ignore_index=True)
    sums["PARAMCD"], sums["PARAM"], sums["TRLNKID"] = (
        "SDIAM",
        "Sum of Diameters of Target Lesions (mm)",
        None,
    )

    out = pd.concat([sums, lesions], ignore_index=True)
    out["CHG"] = (out["AVAL"] - out["BASE"]).where(out["ABLFL"].isna())
    percent = (100.0 * out["CHG"] / out["BASE"]).where(out["BASE"] > 0)
    out["PCHG"] = out["PCHG"].fillna(percent) if "PCHG" in out else percent
    out["ANL01FL"] = np.where(out["AVAL"].notna(), "Y", "N")
    return out.sort_values(
        ["USUBJID", "PARAMCD", "EVAL", "ABLFL", "ADT", "AVISITN"], na_position="last"
    )


def response_records(
    responses: pd.DataFrame,
    best: pd.DataFrame,
    tumours: pd.DataFrame,
    start: Mapping[str, pd.Timestamp],
    *,
    headline: str,
) -> pd.DataFrame:
    """ADRS without the subject's own columns.

    Parameters
    ----------
    responses, best
        ``schemas.endpoints`` frames.
    tumours
        Result of `tumour_measurements` (measurable disease at baseline).
    start
        First dose per treated subject.
    headline
        Source (BOR or CBOR) whose first response ``best.RESPDT`` dates.
    """
    visits = responses.rename(
        columns={"EVALUATOR": "EVAL", "VISITNUM": "AVISITN", "VISIT": "AVISIT", "OVRLRESP": "AVALC"}
    )
    visits = visits[["USUBJID", "EVAL", "AVISITN", "AVISIT", "ADT", "AVALC", "REASON"]].sort_values(
        ["USUBJID", "EVAL", "ADT", "AVISITN"]
    )
    readers = dict(zip(best["USUBJID"], best["EVALUATOR"], strict=True))
    open_data = set(best.loc[~best["BLOCKED"].astype(bool), "USUBJID"])
    first_dose = pd.to_datetime(visits["USUBJID"].map(start))
    endpoint = visits.loc[
        (visits["EVAL"] == visits["USUBJID"].map(readers))
        & visits["USUBJID"].isin(open_data)
        & (visits["ADT"] >= first_dose)
    ]
    first_pd = endpoint.loc[endpoint["AVALC"] == "PD"].groupby("USUBJID")["ADT"].min()
    stop = pd.to_datetime(endpoint["USUBJID"].map(first_pd))
    used = endpoint.loc[stop.isna() | (endpoint["ADT"] <= stop)]
    response = used.loc[used["AVALC"].isin(["CR", "PR"])].groupby("USUBJID")["ADT"].min()
    last = (
        used.loc[used["AVALC"] != "NE"].drop_duplicates("USUBJID", keep="last").set_index("USUBJID")
    )
    measurable = set(
        zip(
            tumours.loc[tumours["ABLFL"] == "Y", "USUBJID"],
            tumours.loc[tumours["ABLFL"] == "Y", "EVAL"],
            strict=True,
        )
    )
    rows: list[dict[str, Any]] = []
    for record in best.to_dict("records"):
        subject, reader = record["USUBJID"], record["EVALUATOR"]
        responder = {"BOR": record["BOR"] in ("CR", "PR"), "CBOR": record["CBOR"] in ("CR", "PR")}

        def add(
            code: str,
            value: str | bool,
            date: Any = None,
            subject: str = subject,
            reader: str = reader,
            **more: Any,
        ) -> None:
            word = value if isinstance(value, str) else "Y" if value else "N"
            rows.append(
                {
                    "USUBJID": subject,
                    "EVAL": reader,
                    "PARAMCD": code,
                    "AVALC": word,
                    "ADT": date,
                    **more,
                }
            )

        add("PD", subject in first_pd.index, first_pd.get(subject))
        dated = {
            source: record["RESPDT"] if headline == source else None for source in ("BOR", "CBOR")
        }
        add("RSP", responder["BOR"], response.get(subject) if responder["BOR"] else None)
        add("CRSP", responder["CBOR"], dated["CBOR"] if responder["CBOR"] else None)
        for source, prefix in (("BOR", ""), ("CBOR", "C")):
            add(f"{prefix}DCR", record[source] in CONTROLLED)
            add(f"{prefix}CB", responder[source] or bool(record["CB24"]))
            add(source, record[source], REASON=record["REASON"] if source == headline else None)
        if subject in last.index:
            found = last.loc[subject]
            add(
                "LSTA",
                str(found["AVALC"]),
                found["ADT"],
                AVISIT=found["AVISIT"],
                AVISITN=found["AVISITN"],
            )
        add("MDIS", (subject, reader) in measurable)
    visits = visits.assign(PARAMCD="OVR", ANL01FL=np.where(visits.index.isin(used.index), "Y", "N"))
    columns = [
        "USUBJID",
        "EVAL",
        "PARAMCD",
        "AVALC",
        "ADT",
        "AVISIT",
        "AVISITN",
        "REASON",
        "ANL01FL",
    ]
    endpoints = (
        pd.DataFrame(rows, columns=columns)
        .assign(ANL01FL="Y")
        .astype({"ADT": "datetime64[ns]", "AVISITN": float})
    )
    out = (
        pd.concat([visits, endpoints], ignore_index=True)
        if len(endpoints)
        else visits.reset_index(drop=True)
    )
    out["PARAM"] = out["PARAMCD"].map(RS_NAMES)
    out["AVAL"] = out["AVALC"].map(AVAL_CODES)
    order = {code: i for i, code in enumerate(RS_NAMES)}
    return out.sort_values(
        ["USUBJID", "PARAMCD", "EVAL", "ADT", "AVISITN"],
        key=lambda c: c.map(order) if c.name == "PARAMCD" else c,
    )
