"""The table ``disposition``: DS, survival status, and what counts as new anticancer therapy among
medications (CM) and procedures (PR)."""

from __future__ import annotations

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.finishing import finish, with_date
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.clinical import Disposition
from hcc_assets.study.codelists import NEW_THERAPY, SURVIVAL_STATUS
from hcc_assets.study.config import Therapy

_LATER = r"\b(?:NEW|SUBSEQUENT)\b"
"""Words of a category that say themselves that the therapy came after study treatment; TACE or
RESECTION do not [CLINICAL.md 11.4, 11.11]."""


def build_disposition(
    frames: dict[str, pd.DataFrame], therapy: Therapy, doses: pd.DataFrame, log: IssueLog
) -> pd.DataFrame:
    """The table ``disposition``.

    Parameters
    ----------
    frames
        Typed domains; of them ``ds, cm, pr, ss``.
    therapy
        Words of new anticancer therapy.
    doses
        ``TRTSDT`` by subject.
    log
        Receives words and dates of therapies that are not understood.
    """
    parts = []
    if (ds := frames.get("ds")) is not None:
        parts.append(_records(ds, "DS", ds["DSDECOD"], "DSSTDTC", ds["DSSCAT"]))
    for domain, category, treatment, date in (
        ("cm", "CMCAT", "CMDECOD", "CMSTDTC"),
        ("pr", "PRCAT", "PRTRT", "PRSTDTC"),
    ):
        if domain in frames:
            new = _new_therapy(
                frames[domain], (domain, category, treatment, date), therapy, doses, log
            )
            parts.append(_records(new, domain.upper(), NEW_THERAPY, date))
    if (ss := frames.get("ss")) is not None:
        ss = ss[ss["SSTESTCD"] == SURVIVAL_STATUS]
        parts.append(_records(ss, "SS", ss["SSSTRESC"], "SSDTC"))
    names = list(columns(Disposition))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    return finish(
        Disposition, frame.astype({"SRCROW": "int64"}), ["USUBJID", "DOMAIN", "DSSTDT", "DSDECOD"]
    )


def _records(
    frame: pd.DataFrame,
    domain: str,
    word: pd.Series | str,
    date: str,
    category: pd.Series | None = None,
) -> pd.DataFrame:
    dated = frame.copy()
    with_date(dated, date)
    return dated[["USUBJID", "SRCROW", "DSSTDT", "DSSTDTF"]].assign(
        DOMAIN=domain, DSDECOD=word, DSSCAT=category, DSSTDTC=frame[date]
    )


def _new_therapy(
    frame: pd.DataFrame,
    names: tuple[str, str, str, str],
    therapy: Therapy,
    doses: pd.DataFrame,
    log: IssueLog,
) -> pd.DataFrame:
    """Rows that are new anticancer therapy: by their category; by their treatment where the
    category does not say that it is another one, or where it began under treatment."""
    domain, category, treatment, date = names
    new, other = (
        {" ".join(w.upper().split()) for w in words}
        for words in (therapy.new_anticancer, therapy.other)
    )
    said, given = frame[category], frame[treatment]
    start = frame["USUBJID"].map(doses["TRTSDT"]).astype("datetime64[ns]")
    since_dose = frame[f"{date}.low"] >= start
    by_treatment = given.isin(new) & (~said.isin(other) | since_dose)
    therapies = said.isin(new) | by_treatment
    judged_by = said if domain == "cm" else said.fillna(given)
    nameless = said.isna() & given.isna()
    unknown = ~therapies & ~judged_by.isin(other) & (judged_by.notna() | nameless)
    _tell(
        "CM01",
        domain,
        f"{category} is in neither list of [therapy] in study.toml, so it is unknown whether this "
        "is a new anticancer therapy; correct the word or add it to a list",
        frame[unknown].drop_duplicates(["USUBJID", category, treatment]),
        log,
    )
    found = frame[therapies]
    _tell(
        "CM02",
        domain,
        f"the new anticancer therapy has no date that can be used, so it censors nothing; complete "
        f"{date}",
        found[found[f"{date}.low"].isna()],
        log,
    )
    _tell(
        "CM03",
        domain,
        f"the date of the new anticancer therapy is partial and taken as the latest possible day; "
        f"complete {date}",
        found[found[f"{date}.flag"].notna()],
        log,
    )
    _tell(
        "CM04",
        domain,
        f"the treatment is an anticancer therapy that began under treatment, but {category} says "
        "another thing; it counts as new anticancer therapy: correct one of them",
        frame[by_treatment & said.isin(other)],
        log,
    )
    later = found[category].str.contains(_LATER, regex=True).eq(True)
    early = found[f"{date}.high"] < found["USUBJID"].map(doses["TRTSDT"]).astype("datetime64[ns]")
    _tell(
        "CM05",
        domain,
        f"{category} says that the anticancer therapy is a new one, but it began before the first "
        "dose and counts as an earlier one: correct the date or the word",
        found[later & early],
        log,
    )
    return found


def _tell(check: str, domain: str, text: str, frame: pd.DataFrame, log: IssueLog) -> None:
    log.add_rows(check, "Q", domain, text, frame)
