"""Queries as a person looks at them, and the confirmation that a value is right."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pandas as pd

from hcc_assets.assets.view import HomeView
from hcc_assets.audit.reconcile import CONFIRM
from hcc_assets.audit.trail import trail_of
from hcc_assets.audit.who import real_user
from hcc_assets.catalogue.clinical._confirmations import FILE, confirmations, entry_digest
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.clinical.queries.lifecycle import CLOSED, CONFIRMED, to_send
from hcc_assets.home import files
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import canonical_subject
from hcc_assets.home.versions import Versions

NONE_YET = "there are no queries yet; run hcc refresh first"


def standing_queries(home: Home, site: str | None = None) -> pd.DataFrame:
    """The table ``queries`` that stands, of one site or of all.

    Raises
    ------
    LookupError
        There is no such table yet, or no subject of such a site.
    """
    versions = Versions(home)
    if versions.current("queries") is None:
        raise LookupError(NONE_YET)
    table = versions.frame("queries", "table")
    if site is None:
        return table
    known = set(table["site"].dropna())
    if versions.current("subjects") is not None:
        known |= set(versions.frame("subjects", "table")["SITEID"].dropna())
    if site not in known:
        named = ", ".join(sorted(known)) or "none"
        raise LookupError(f"there is no site {site}; the sites are {named}")
    return table[table["site"] == site].reset_index(drop=True)


def waiting(queries: pd.DataFrame) -> pd.DataFrame:
    """Those that letters ask."""
    return to_send(queries).reset_index(drop=True)


def confirm_query(home: Home, query_id: str, reason: str) -> dict[str, Any]:
    """Record that the value behind a query is right; it holds for that very value.

    Parameters
    ----------
    query_id
        As in the letter, in either letter case.
    reason
        Why; names of subjects in it become keys.

    Returns
    -------
    dict
        The entry of the confirmation, and the ``check`` and ``severity`` of the query.

    Raises
    ------
    LookupError
        There is no such query, it is closed, or it is confirmed already.
    """
    table = standing_queries(home)
    found = table[table["query_id"].str.casefold() == query_id.strip().casefold()]
    if found.empty:
        raise LookupError(f"there is no query {query_id}; hcc query list names those that are open")
    query = found.iloc[0]
    name = str(query["query_id"])
    if query["status"] == CLOSED:
        raise LookupError(f"{name} is closed: the finding is gone, there is nothing to confirm")
    if query["status"] == CONFIRMED:
        raise LookupError(f"{name} is confirmed already, and its value has not changed since")
    values = Versions(home).frame("queries", "values").set_index("query_id")["values"]
    view = HomeView(home, all_assets())
    view.register()
    entry = {
        "query": name,
        "values": str(values[name]).split(),
        "reason": view.people.in_keys(reason),
        "who": real_user(),
        "at": dt.datetime.now(dt.UTC).isoformat(),
    }
    trail_of(home).append(
        CONFIRM,
        why=str(entry["reason"]),
        subject_id=None if pd.isna(query["subject_id"]) else str(query["subject_id"]),
        details={"query": name, "check": query["check_id"], "entry": entry_digest(entry)},
    )
    files.amend(
        home.store / FILE,
        lambda data: json.dumps([*json.loads(data or b"[]"), entry], indent=1).encode(),
    )
    return entry | {"check": query["check_id"], "severity": query["severity"]}


def forget_confirmations(home: Home, subject: str) -> None:
    """Drop what was confirmed of a subject that is about to be erased, in any spelling of its
    id."""
    if not confirmations(home) or Versions(home).current("queries") is None:
        return
    table = standing_queries(home)
    named = table["subject_id"].map(lambda s: s is not None and canonical_subject(s))
    gone = set(table.loc[named == canonical_subject(subject), "query_id"])

    def without(data: bytes | None) -> bytes:
        kept = [entry for entry in json.loads(data or b"[]") if entry["query"] not in gone]
        return json.dumps(kept, indent=1).encode()

    files.amend(home.store / FILE, without)
