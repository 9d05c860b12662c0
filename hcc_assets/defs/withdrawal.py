"""Withdrawal of a subject as a Dagster job with a confirmation. Erasure is a command only: it rewrites the databases that a run is recorded in."""

import datetime as dt

import dagster as dg

from hcc_assets.defs.assets import HomeResource


class Withdrawal(dg.Config):
    """Who, from when, why; ``confirm`` repeats the subject."""

    subject: str
    from_date: str
    reason: str
    confirm: str


@dg.op
def withdraw(config: Withdrawal, home: HomeResource) -> None:
    """Record that data of a subject from a date on are no longer used."""
    from hcc_assets.defs.operate import withdraw_subject

    if config.confirm != config.subject:
        raise dg.Failure("confirm must repeat the subject; nothing was changed", allow_retries=False)
    withdraw_subject(home.home(), config.subject, dt.date.fromisoformat(config.from_date), config.reason)


@dg.job(name="withdraw_subject", description="Stop following a subject and keep what was collected; the next tick leaves the later data out.")
def withdraw_job() -> None:
    """The job of `withdraw`."""
    withdraw()
