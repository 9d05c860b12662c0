"""Printable query letters to sites, from ``data_issues``.

What is a query is decided by the checks; no value from the data is repeated here.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any, Literal

import jinja2
import pandas as pd

_GENERAL = "The delivery as a whole"


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("hcc_assets.report", "templates")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("query_letter.html.j2")


def query_letter(
    issues: pd.DataFrame,
    subject_id: str | None = None,
    *,
    study: str = "",
    subjects: pd.DataFrame | None = None,
    site: str | None = None,
    by: Literal["subject", "site"] = "subject",
    date: dt.date | None = None,
) -> str:
    """Query letters as one printable HTML document, a page break between letters.

    Parameters
    ----------
    issues
        ``DataIssues`` frame; rows of severity E and Q are queries, I rows are not.
    subject_id
        Only this subject's letter. Default: letters for all.
    study
        Study id for the head.
    subjects
        Table ``subjects``; its ``SITEID`` names the site of a subject.
    site
        Only the subjects of this site.
    by
        ``"subject"``: one letter per subject. ``"site"``: one letter per site, its subjects as
        sections; subjects without a known site share a letter.
    date
        Date for the head.

    Returns
    -------
    str
        A self-contained HTML page. Findings without a subject (columns, files) come first, as a
        letter about the delivery.
    """
    queries = issues[issues["severity"].isin(["E", "Q"])].copy()
    sites: dict[str, str] = {}
    if subjects is not None:
        known = subjects.loc[subjects["SITEID"].notna(), ["USUBJID", "SITEID"]]
        sites = {
            str(who): str(where)
            for who, where in zip(known["USUBJID"], known["SITEID"], strict=True)
        }
    if subject_id is not None:
        queries = queries[queries["subject_id"] == subject_id]
    if site is not None:
        queries = queries[queries["subject_id"].map(sites) == site]
    queries["_site"] = queries["subject_id"].map(sites).fillna("")
    queries["_row"] = (
        queries["row_key"].fillna("").str.extract(r"(\d+)", expand=False).fillna("0").astype(int)
    )
    queries = queries.sort_values(
        ["subject_id", "domain", "_row", "check_id"], na_position="first", kind="stable"
    )
    general = queries[queries["subject_id"].isna()]
    named = queries[queries["subject_id"].notna()]
    letters: list[dict[str, Any]] = [_letter(_GENERAL, "", [("", general)])] if len(general) else []
    if by == "subject":
        for who, rows in named.groupby("subject_id", sort=True):
            letters.append(_letter("subject " + str(who), sites.get(str(who), ""), [("", rows)]))
    else:
        for where, rows in named.groupby("_site", sort=True):
            parts = [
                ("Subject " + str(who), part) for who, part in rows.groupby("subject_id", sort=True)
            ]
            letters.append(
                _letter("site " + str(where) if where else "site not named", str(where), parts)
            )
    return _template().render(letters=letters, study=study, date=date.isoformat() if date else "")


def _letter(title: str, site: str, parts: list[tuple[str, pd.DataFrame]]) -> dict[str, Any]:
    rows = [row for _, frame in parts for row in frame["severity"]]
    return {
        "title": title,
        "site": site,
        "count": len(rows),
        "must": sum(severity == "E" for severity in rows),
        "parts": [
            {"name": name, "rows": [_row(*cells) for cells in _cells(frame)]}
            for name, frame in parts
        ],
    }


def _cells(frame: pd.DataFrame) -> zip[tuple[Any, ...]]:
    return zip(
        *(frame[name] for name in ("check_id", "severity", "domain", "row_key", "message")),
        strict=True,
    )


def _row(
    check_id: str, severity: str, domain: str, row_key: str | None, message: str
) -> dict[str, Any]:
    place = row_key or domain.lower()
    text = message.removeprefix(f"{place}: ")
    return {
        "check_id": check_id,
        "must": severity == "E",
        "place": place,
        "text": text[:1].upper() + text[1:],
    }
