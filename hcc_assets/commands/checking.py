"""Commands that check what the home holds. What they know is elsewhere; here is what they say."""

from __future__ import annotations

import click

from hcc_assets.commands.common import existing_home, finish, say, with_home, with_json
from hcc_assets.home.paths import Home


@click.command()
@click.option(
    "--read-data", is_flag=True, help="Read every byte and compare it with its hash: minutes."
)
@with_json
@with_home
def verify(home: Home, read_data: bool, as_json: bool) -> None:
    """Is every stored and published file what was written? Exit 0 whole, 1 damaged."""
    from hcc_assets.operate.verification import verify as verified

    found = verified(existing_home(home), read_data=read_data)
    findings = [finding for part in found.values() for finding in part]
    payload = {
        "whole": not findings,
        "read_data": read_data,
        "checks": {title: len(part) for title, part in found.items()},
        "findings": [vars(finding) for finding in findings],
    }
    how = "every byte was compared" if read_data else "existence, sizes and seals were compared"
    say(payload, as_json, [f"DAMAGED {f}" for f in findings] or [f"The home is whole; {how}."])
    finish(bool(findings))


COMMANDS = (verify,)
