"""Withdrawal and erasure of a subject as Dagster jobs, each with a confirmation.

The event log keeps the configuration of a run. A withdrawal may be named there, since its subject stays in the study. An erasure may not: its job is told
the subject's code, a digest under the key of the home that ``hcc erase SUBJECT --dry-run`` prints.
"""

import datetime as dt

import dagster as dg

from hcc_assets.assets.factory import HomeResource


class Withdrawal(dg.Config):
    """Who, from when, why; ``confirm`` repeats the subject."""

    subject: str
    from_date: str
    reason: str
    confirm: str


class Erasure(dg.Config):
    """Code of the subject, reference of the request; ``confirm`` is ``erase`` and the last eight digits of the code."""

    code: str
    reference: str
    confirm: str


@dg.op
def withdraw(config: Withdrawal, home: HomeResource) -> None:
    """Record that data of a subject from a date on are no longer used."""
    from hcc_assets.operate.actions import withdraw_subject

    if config.confirm != config.subject:
        raise dg.Failure(
            "confirm must repeat the subject; nothing was changed", allow_retries=False
        )
    try:
        day = dt.date.fromisoformat(config.from_date)
    except ValueError:
        raise dg.Failure(
            "from_date must be a date as YYYY-MM-DD; nothing was changed", allow_retries=False
        ) from None
    withdraw_subject(home.home(), config.subject, day, config.reason)


@dg.op
def erase(context: dg.OpExecutionContext, config: Erasure, home: HomeResource) -> None:
    """Remove every artefact of the subject that the code means, and prove it."""
    from hcc_assets.operate.watch.fencing import Leases
    from hcc_assets.operate.watch.reaper import living_run
    from hcc_assets.privacy.erasing import erase_subject, subject_of_code

    place = home.home()
    if config.confirm.strip() != f"erase {config.code.strip()[-8:]}":
        raise dg.Failure(
            "confirm must be the word erase, a space and the last eight digits of the code; nothing was changed",
            allow_retries=False,
        )
    try:
        subject = subject_of_code(place, config.code)
    except LookupError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    with living_run(
        context.instance,
        context.run_id,
        heartbeats=place.heartbeats,
        leases=Leases(place.leases),
        known_tags=context.run.tags,
    ):
        result = erase_subject(place, subject, config.reference, own_run=context.run_id)
    for line in result.lines:
        context.log.info(line)
    if not (result.absent and result.complete):
        raise dg.Failure(
            "the erasure is not complete; the log of this run says what is left",
            allow_retries=False,
        )


@dg.job(
    name="withdraw_subject",
    description="Stop following a subject and keep what was collected; the next tick leaves the later data out.",
)
def withdraw_job() -> None:
    """The job of `withdraw`."""
    withdraw()


@dg.job(
    name="erase_subject",
    description="Remove every artefact of a subject, deliveries included, and prove it. Cannot be undone. Takes the code that hcc erase --dry-run prints.",
)
def erase_job() -> None:
    """The job of `erase`."""
    erase()
