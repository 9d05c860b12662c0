"""Letters to the sites, from ``queries``: one page a site and language, its subjects as sections on
pages of their own, and a CSV for the EDC.

What is asked stands in ``study.query_rules``; no value of the data is repeated here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import jinja2
import pandas as pd

from hcc_assets.clinical.queries.lifecycle import ANSWERED, to_send
from hcc_assets.schemas.base import records
from hcc_assets.schemas.csv_safe import to_csv_bytes
from hcc_assets.study.query_rules import LANGUAGES, query_rules

FOLDER = "queries"
NOT_NAMED, DELIVERY = "site-not-named", "delivery"
"""Letters about subjects without a known site, and about no subject."""

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "lang": "en",
        "title": "Data queries",
        "site": "Site",
        "not_named": "Subjects without a known site",
        "delivery": "The delivery as a whole",
        "subject": "Subject",
        "study": "Study",
        "cutoff": "Data cut-off",
        "total": "Open queries",
        "must": "of which must be answered before the data can be used",
        "none": "No query is open.",
        "ask": "Please check the records named below against the source documents. Correct them in "
        "the EDC, or answer that they are right and why. Values are not repeated here.",
        "query": "Query",
        "check": "Check",
        "visit": "Visit",
        "record": "Record",
        "field": "Field",
        "question": "Question",
        "since": "Open since",
        "days": "days",
        "changed": "The entry was changed since it was asked, and the question remains.",
        "answer": "Answer",
        "blocks": "Until a query marked ! is answered, the data of the subject, or of the record, "
        "cannot be used as they stand.",
        "sign": "Name and signature of the investigator or delegate",
        "date": "Date",
        "colon": ": ",
    },
    "zh": {
        "lang": "zh-CN",
        "title": "数据质疑函",
        "site": "研究中心",
        "not_named": "研究中心不明的受试者",
        "delivery": "整份数据交付",
        "subject": "受试者",
        "study": "研究",
        "cutoff": "数据截止日",
        "total": "未关闭的质疑",
        "must": "其中须先答复方可使用数据",
        "none": "目前没有未关闭的质疑。",
        "ask": "请对照原始文件核对下列记录。如有错误，请在 EDC 中更正；如数据无误，请予以确认并说明"
        "理由。本函不重复列出数据内容。",
        "query": "质疑编号",
        "check": "核查",
        "visit": "访视",
        "record": "记录",
        "field": "字段",
        "question": "问题",
        "since": "提出日期",
        "days": "天",
        "changed": "提出质疑后数据已修改，但问题仍然存在。",
        "answer": "答复",
        "blocks": "标有 ! 的质疑在得到答复之前，相关受试者或该条记录的数据不能按现状使用。",
        "sign": "研究者或其授权人员姓名及签名",
        "date": "日期",
        "colon": "：",
    },
}
"""The fixed words of a letter by language."""

_CSV = [
    *("query_id", "subject_id", "site", "check_id", "severity", "domain", "visit", "record"),
    *("field", "question_en", "question_zh", "opened", "status", "age_days"),
]


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hcc_assets.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("query_letter.html.j2")


def site_letters(
    queries: pd.DataFrame, sites: Iterable[str], *, study: str, cutoff: dt.date
) -> dict[str, bytes]:
    """Letters and CSV files of every site.

    Parameters
    ----------
    queries
        Frame of ``schemas.queries.Queries``.
    sites
        Sites of the study; one without an open query has a letter that says so.
    study, cutoff
        For the head.

    Returns
    -------
    dict
        ``queries/<site>.<language>.html`` and ``queries/<site>.csv`` to content. A site of
        ``site-not-named`` holds subjects whose site is not known, ``delivery`` what is asked about
        no subject; both only where there is something to ask.
    """
    asked = to_send(queries)
    groups: dict[str, tuple[str | None, pd.DataFrame]] = {}
    for site in sorted({str(s) for s in sites} | set(asked["site"].dropna())):
        groups[_slug(site, groups)] = (site, asked[asked["site"] == site])
    unnamed = asked["site"].isna()
    for name, rows in (
        (NOT_NAMED, asked[unnamed & asked["subject_id"].notna()]),
        (DELIVERY, asked[unnamed & asked["subject_id"].isna()]),
    ):
        if len(rows):
            groups[name] = (None, rows)
    found: dict[str, bytes] = {}
    for name, (place, rows) in groups.items():
        for language in LANGUAGES:
            page = _letter(name, place, rows, language, study, cutoff)
            found[f"{FOLDER}/{name}.{language}.html"] = page.encode()
        found[f"{FOLDER}/{name}.csv"] = to_csv_bytes(_edc(rows))
    return found


def question(check_id: str, message: str, language: str) -> str:
    """What a query asks: the text of the catalogue, or the finding's own sentence."""
    rule = query_rules().get(check_id)
    return rule.texts[language] if rule is not None else message


def _slug(site: str, taken: Iterable[str]) -> str:
    """A file name that stands for a site on every disk."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", site).strip("-")
    name = f"site-{plain}"
    if plain != site or name.casefold() in {t.casefold() for t in taken} or name == NOT_NAMED:
        name = f"{name}-{hashlib.sha256(site.encode()).hexdigest()[:6]}"
    return name


def _letter(
    name: str, site: str | None, rows: pd.DataFrame, language: str, study: str, cutoff: dt.date
) -> str:
    words = WORDS[language]
    about = {NOT_NAMED: words["not_named"], DELIVERY: words["delivery"]}.get(name, "")
    parts = [
        {
            "name": f"{words['subject']} {who}" if who else "",
            "rows": [_row(r, language) for r in records(part)],
        }
        for who, part in rows.groupby(rows["subject_id"].fillna(""), sort=True)
    ]
    return _template().render(
        words=words,
        title=about if site is None else f"{words['site']} {site}",
        study=study,
        cutoff=cutoff.isoformat(),
        count=len(rows),
        must=int((rows["severity"] == "E").sum()),
        parts=parts,
    )


def _row(query: Any, language: str) -> dict[str, Any]:
    return {
        "id": query.query_id,
        "check": query.check_id,
        "must": query.severity == "E",
        "visit": query.visit or "",
        "record": query.record or "",
        "field": query.field or "",
        "question": question(query.check_id, query.message, language),
        "opened": f"{query.opened:%Y-%m-%d}",
        "age": int(query.age_days),
        "changed": query.status == ANSWERED,
    }


def _edc(rows: pd.DataFrame) -> pd.DataFrame:
    """What an EDC takes in: one row per query."""
    texts = {
        f"question_{language}": [
            question(check, message, language)
            for check, message in zip(rows["check_id"], rows["message"], strict=True)
        ]
        for language in LANGUAGES
    }
    return rows.assign(**texts)[_CSV].reset_index(drop=True)
