"""The validated tables of the clinical export that stands."""

from __future__ import annotations

from hcc_assets.assets.definition import Gate, Output, Refused
from hcc_assets.assets.inputs import Version


def gate_of(table: str) -> Gate:
    """The gate of a table, named in words."""
    title = f"The {table} table was delivered and keeps its schema"
    return Gate("schema", title, "Correct the named file.")


def delivered(clinical_export: Version, name: str, domain: str) -> Output:
    """The table ``name`` of the export.

    Parameters
    ----------
    domain
        Of the file that it is read from, for the refusal.

    Raises
    ------
    Refused
        The export does not have the table, or it was refused on reading.
    """
    facts = clinical_export.facts
    if name not in facts["tables"]:
        reason = facts["refused"].get(domain, "the export has no such file")
        raise Refused(
            f"{domain} of export {facts['export_id']}: {reason}",
            code="table_refused",
            quarantine=False,
        )
    table = clinical_export.frame(name)
    return Output(table=table, metadata={"export_id": facts["export_id"]})
