"""Commands of ``hcc``, grouped by who uses them. A command reads its arguments, calls one function
and prints what came out."""

from __future__ import annotations

import click

from hcc_assets import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hcc")
def hcc() -> None:
    """Data assets of a single-arm trial with single-cell read-outs."""


def _add_commands() -> None:
    from hcc_assets.commands import (
        administration,
        asking,
        checking,
        daily,
        qualifying,
        queries,
        references,
        serving,
    )

    modules = (daily, asking, checking, queries, references, administration, serving, qualifying)
    for module in modules:
        for command in module.COMMANDS:
            hcc.add_command(command)


_add_commands()
