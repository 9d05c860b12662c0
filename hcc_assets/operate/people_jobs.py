"""What people decide, as Dagster jobs for the UI, each with a confirmation: release a held export,
rebuild the reference, withdraw a subject. The deciding itself is in `actions`.

The event log keeps the configuration of a run. Dagster reads the annotations of ops at run time,
so this module has no postponed evaluation.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg
from pydantic import Field

from hcc_assets.home.paths import Home
from hcc_assets.operate.actions import accept_export, rebuild_reference, withdraw_subject


class Acceptance(dg.Config):
    """Which export, and why."""

    export: str = Field(description="Folder below landing/clinical/.")
    reason: str = Field(description="Why it is right; goes into the audit trail.")
    confirm: str = Field(description="The name of the export once more.")


class Rebuild(dg.Config):
    """Why the reference that stands is given up."""

    reason: str = Field(description="Goes into the audit trail.")
    confirm: str = Field(description="The word rebuild: every cell is labelled anew.")


class Withdrawal(dg.Config):
    """Who, from when, why."""

    subject: str = Field(description="Its key (s0007); an id would stay in the event log.")
    from_date: str = Field(description="First day whose data are no longer used, YYYY-MM-DD.")
    reason: str = Field(description="Goes into the audit trail.")
    confirm: str = Field(description="The subject once more.")


ACCEPT = """Release a held clinical export, with a reason. Launchpad, for export 2026-05-01:
`{ops: {accept: {config: {export: "2026-05-01", reason: "site confirmed", confirm: "2026-05-01"}}}}`
"""
REBUILD = """A new version of the reference that labels cells; every call may change. Launchpad:
`{ops: {rebuild: {config: {reason: "new chemistry", confirm: "rebuild"}}}}`"""
WITHDRAW = """Stop following a subject and keep what was collected. Launchpad, by the key of the
subject: `{ops: {withdraw: {config: {subject: "s0007", from_date: "2026-05-01", reason:
"consent withdrawn", confirm: "s0007"}}}}`"""


def _confirmed(given: str, expected: str, what: str) -> None:
    if given.strip() != expected.strip():
        raise dg.Failure(f"confirm must be {what}; nothing was changed", allow_retries=False)


def _worded(reason: str) -> str:
    if not reason.strip():
        raise dg.Failure("say why in words; nothing was changed", allow_retries=False)
    return reason.strip()


def people_jobs(home: Callable[[], Home]) -> list[dg.JobDefinition]:
    """The jobs over a home."""

    @dg.op(name="accept")
    def accept(context: dg.OpExecutionContext, config: Acceptance) -> None:
        """Release a held export; the driver takes it at its next tick."""
        _confirmed(config.confirm, config.export, "the name of the export")
        try:
            entry = accept_export(home(), config.export.strip(), _worded(config.reason))
        except LookupError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        if entry["awaited"]:
            context.log.info("asked for; another user has to accept it too")
            return
        context.log.info("released" if entry["held"] else "released; nothing is held now")

    @dg.op(name="rebuild")
    def rebuild(config: Rebuild) -> None:
        """Give up the reference that stands and label every cell anew."""
        _confirmed(config.confirm, "rebuild", "the word rebuild")
        rebuild_reference(home(), reason=_worded(config.reason), refresh=None)

    @dg.op(name="withdraw")
    def withdraw(config: Withdrawal) -> None:
        """Data of a subject from a date on are no longer used."""
        _confirmed(config.confirm, config.subject, "the subject")
        try:
            day = dt.date.fromisoformat(config.from_date)
        except ValueError:
            text = "from_date must be a date as YYYY-MM-DD; nothing was changed"
            raise dg.Failure(text, allow_retries=False) from None
        withdraw_subject(home(), config.subject, day, _worded(config.reason))

    @dg.job(name="accept_export", description=ACCEPT)
    def accept_job() -> None:
        accept()

    @dg.job(
        name="rebuild_reference",
        description=REBUILD,
    )
    def rebuild_job() -> None:
        rebuild()

    @dg.job(
        name="withdraw_subject",
        description=WITHDRAW,
    )
    def withdraw_job() -> None:
        withdraw()

    return [accept_job, rebuild_job, withdraw_job]
