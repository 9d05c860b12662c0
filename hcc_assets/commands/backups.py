"""Commands that keep a home safe: backup, restore, drill. What they do is in `operate.backup`."""

from __future__ import annotations

from pathlib import Path

import click

from hcc_assets.commands.common import (
    CouldNotStart,
    finish,
    readable_home,
    say,
    with_home,
    with_json,
)
from hcc_assets.home.paths import Home

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--keys",
    type=FOLDER,
    default=None,
    help="Where the keys go; a backup without them shows nobody's name in the trail "
    "(default: FOLDER/keys).",
)
@with_json
@with_home
def backup(home: Home, folder: Path, keys: Path | None, as_json: bool) -> None:
    """Copy what stands into a new FOLDER, also while a refresh is at work."""
    from hcc_assets.operate.backup.listing import KEYS, Refusal
    from hcc_assets.operate.backup.taking import take_backup

    try:
        listing = take_backup(
            readable_home(home), folder, keys=keys, progress=lambda t: click.echo(t, err=True)
        )
    except Refusal as refusal:
        raise CouldNotStart(str(refusal)) from None
    place = keys or folder / KEYS
    n = len(listing.files)
    say(
        {"folder": folder, "keys": place, "files": n, "bytes": listing.size, "at": listing.at},
        as_json,
        [
            f"{n} files, {listing.size / 1e6:.1f} MB, {listing.entries} lines of the trail, "
            f"as of {listing.at:%Y-%m-%d %H:%M:%S} UTC in {folder}",
            f"Keys (mode 0600) in {place}"
            + ("" if keys else ": keep them apart from the data, or give --keys"),
        ],
    )


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--keys", type=FOLDER, default=None, help="Where the keys of the backup are.")
@with_json
@with_home
def restore(home: Home, folder: Path, keys: Path | None, as_json: bool) -> None:
    """Make an empty HCC_HOME what the backup in FOLDER holds, after a look at every byte."""
    from hcc_assets.operate.backup.listing import BackupDamaged, Refusal
    from hcc_assets.operate.backup.restoring import restore_backup

    try:
        listing = restore_backup(home, folder, keys=keys)
    except Refusal as refusal:
        raise CouldNotStart(str(refusal)) from None
    except BackupDamaged as damaged:
        raise click.ClickException(str(damaged)) from None
    n = len(listing.files) + len(listing.keys)
    say(
        {"home": home.root, "files": n, "bytes": listing.size, "at": listing.at},
        as_json,
        [
            f"{n} files of {listing.at:%Y-%m-%d %H:%M:%S} UTC stand in {home.root}, every byte "
            "as in the backup",
            f"Next: hcc refresh --home {home.root} (computes nothing but what was not done then, "
            "and fills Dagster's history)",
        ],
    )


@click.command()
@click.option("--scratch", type=FOLDER, default=None, help="Folder with room for the home twice.")
@with_json
@with_home
def drill(home: Home, scratch: Path | None, as_json: bool) -> None:
    """Back up, restore into a folder of its own, compare, and say how long it took; for cron."""
    from hcc_assets.operate.backup.drill import drill as run_drill
    from hcc_assets.operate.backup.listing import BackupDamaged, Refusal

    try:
        found = run_drill(
            readable_home(home), scratch=scratch, progress=lambda t: click.echo(t, err=True)
        )
    except Refusal as refusal:
        raise CouldNotStart(str(refusal)) from None
    except BackupDamaged as damaged:
        raise click.ClickException(str(damaged)) from None
    lines = [
        f"{found['files']} files, {found['bytes'] / 1e6:.1f} MB: backup "
        f"{found['backup_seconds']} s, restore {found['restore_seconds']} s, "
        f"comparison {found['verify_seconds']} s",
        *(f"WRONG {name}" for name in found["wrong"]),
    ]
    say(found, as_json, lines)
    finish(bool(found["wrong"]))


COMMANDS = (backup, restore, drill)
