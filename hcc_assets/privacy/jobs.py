"""Erasure of a subject as a Dagster job, with a confirmation.

The event log keeps the configuration of a run, so the job is told the subject's code: a digest
under the key of the home that ``hcc erase SUBJECT --dry-run`` prints. Dagster reads the annotations
of ops at run time, so this module has no postponed evaluation.
"""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from hcc_assets.home.paths import Home
from hcc_assets.operate.watch.life import living
from hcc_assets.privacy.erasing import erase_subject, first_of_two
from hcc_assets.privacy.subject import subject_of_code


class Erasure(dg.Config):
    """Whom, and on whose request."""

    code: str = Field(description="Printed by hcc erase SUBJECT --dry-run.")
    reference: str = Field(description="Reference of the request; names nobody.")
    confirm: str = Field(description="The word erase and the last eight digits of the code.")


def erase_job(home: Callable[[], Home]) -> dg.JobDefinition:
    """The job over a home."""

    @dg.op(name="erase")
    def erase(context: dg.OpExecutionContext, config: Erasure) -> None:
        """Remove every artefact of the subject that the code means, and prove it."""
        place = home()
        if config.confirm.strip() != f"erase {config.code.strip()[-8:]}":
            text = "confirm must be the word erase, a space and the last eight digits of the code"
            raise dg.Failure(f"{text}; nothing was changed", allow_retries=False)
        try:
            subject = subject_of_code(place, config.code)
        except LookupError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        if first_of_two(place, subject, config.reference):
            context.log.info("asked for; another user has to ask for the same")
            return
        with living(context.instance, context.run, place):
            result = erase_subject(place, subject, config.reference, own_run=context.run_id)
        for line in result.lines:
            context.log.info(line)
        if not (result.absent and result.complete):
            text = "the erasure is not complete; the log of this run says what is left"
            raise dg.Failure(text, allow_retries=False)

    @dg.job(
        name="erase_subject",
        description="Remove every artefact of a subject, deliveries included, and prove it. "
        "Cannot be undone. Takes the code that hcc erase --dry-run prints.",
    )
    def job() -> None:
        erase()

    return job
