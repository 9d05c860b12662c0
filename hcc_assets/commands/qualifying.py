"""``hcc qualify``. What is asked is in `operate.watch.qualification`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from hcc_assets.commands.common import finish, say, with_json


@click.command()
@click.option(
    "--out",
    default="qualification.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the report to sign is written.",
)
@with_json
def qualify(out: Path, as_json: bool) -> None:
    """Check this installation: versions, then a simulated trial against golden results. About a
    minute or two; the home of the study is not touched."""
    from hcc_assets.operate.watch import qualification

    def told(step: qualification.Step) -> None:
        if not as_json and (not step.passed or step.part == "operation"):
            mark = "pass" if step.passed else "FAIL"
            click.echo(f"{mark}  {step.name}: {step.found} (expected {step.expected})")

    steps = qualification.qualify(told)
    out.write_text(qualification.report_html(steps, dt.datetime.now(dt.UTC)), encoding="utf-8")
    bad = sum(not s.passed for s in steps)
    verdict = f"{len(steps)} steps, {bad} failed; the report to sign is {out}"
    say(qualification.as_json(steps), as_json, [verdict])
    finish(bad > 0)


COMMANDS = (qualify,)
