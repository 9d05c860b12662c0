"""Findings as queries to a site."""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import Table
from hcc_assets.schemas.fields import column, maybe

Timestamp = pd.Timestamp


class Queries(Table):
    """Findings as a person answers them: one row per query, closed ones included."""

    query_id: str = column("Stable id, from subject, check and natural keys of the record")
    subject_id: str = maybe("Subject; null where the delivery itself is asked about")
    site: str = maybe("Study site of DM")
    check_id: str = column("Check, e.g. AE05")
    severity: str = column("E blocks, Q is a question that blocks nothing", isin=["E", "Q"])
    domain: str = column("Domain or table, upper case")
    visit: str = maybe("Visit, where the query is of one")
    record: str = maybe("Lesion, test, reader or sequence number; else the row in the export")
    field: str = maybe("Variable that is asked about")
    message: str = column("What is wrong and what to do, one sentence; never a value")
    opened: Timestamp = column("Date of the earliest delivered export that has the finding")
    status: str = column(
        "OPEN; ANSWERED: its value changed and the finding is still there; CONFIRMED: a person "
        "said that the value is right; CLOSED: gone",
        isin=["OPEN", "ANSWERED", "CONFIRMED", "CLOSED"],
    )
    age_days: int = column(
        "From opened to the data cut-off; of a closed query to the export without it",
        unit="days",
        ge=0,
    )
    echo_of: str = maybe("Query that this one only follows from; it is neither sent nor counted")

    class Config(Table.Config):
        name = "queries"
        unique = ["query_id"]
