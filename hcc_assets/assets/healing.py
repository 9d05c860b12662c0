"""Damage is absence: a version with a damaged file does not stand, and is made good before anything
rests on it. What can be put back byte for byte is put back; the rest is computed again from what
it was computed from (`engine`), from the deliveries on where need be.

Each damage is told in the audit trail, and in a record that the command line, the status and the
alerts read.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError
from upath import UPath

from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.home import files
from hcc_assets.home.damage import Damage, Damaged
from hcc_assets.home.looking import CURRENT, MANIFEST
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.objects import Overtaken
from hcc_assets.home.paths import Home
from hcc_assets.home.published import taken_back

ACTION = "store.damaged"
"""Of the line in the audit trail."""

DAMAGED = "damaged"
"""Code of a hold: something that is needed is damaged and could not be made good."""

KEPT = 200
"""Damages that the record holds: own choice, more than a person reads."""


class Healed(BaseModel):
    """A damage as the record tells it. ``how``: ``put back``, ``computed again`` or ``left`` (of an
    earlier version, which nothing can make again)."""

    at: dt.datetime
    asset: str
    partition: str | None = None
    file: str
    what: str
    how: str


def record_of(home: Home) -> Path:
    return home.dagster_home / "damages.json"


def healed_since(home: Home, moment: dt.datetime) -> list[Healed]:
    """What was damaged and looked after since then, oldest first."""
    try:
        found = json.loads(record_of(home).read_bytes())
        every = [Healed.model_validate(one) for one in found]
    except (OSError, ValueError, TypeError, ValidationError):
        return []  # the trail has every line of it
    return [one for one in every if one.at >= moment]


class Healing(HomeView):
    """A home whose damaged versions are made good."""

    def mend(self, asset: str, key: str | None) -> tuple[Damage, ...]:
        """Put back what can be put back of the version that stands, and tell every damage.

        The manifest is written anew from its copy, its copy from the manifest, and a published
        file from what is published, where that is the very same.

        Returns
        -------
        tuple of Damage
            What is left: the version has to be computed again.
        """
        found = self.versions.damages(asset, key)
        if not found:
            return ()
        current = self.versions.current(asset, key)
        if current is None:  # nor any copy of its manifest: there is no version
            self.tell_damages(found, "computed again")
            return ()
        back = taken_back(self.versions, current, found)
        if back or any(d.file.endswith((CURRENT, MANIFEST)) for d in found):
            try:
                self.versions.restore(current)
            except Overtaken:
                return self.mend(asset, key)
        self.versions.look_anew()
        self.versions.forget_noted(asset, key, back)
        left = self.versions.damages(asset, key)
        self.tell_damages([d for d in found if d not in left], "put back")
        self.tell_damages(left, "computed again")
        return left

    def mend_replaced(self, manifest: Manifest) -> None:
        """The same for what is published of a version that is about to be replaced, with every
        byte compared: afterwards there is nothing to take it back from, and what tells the
        difference between versions reads it."""
        found = []
        for file in dict.fromkeys(manifest.published.values()):
            try:
                self.versions.stored(manifest).blob(file)
            except Damaged as error:
                found.append(error.damage)
        back = taken_back(self.versions, manifest, found)
        self.tell_damages([d for d in found if d.file in back], "put back")
        self.tell_damages([d for d in found if d.file not in back], "left")

    def tell_damages(self, found: Iterable[Damage], how: str) -> None:
        """Into the trail and the record; what could not be put back is tried several times, and
        told once within the hour."""
        now = dt.datetime.now(dt.UTC)
        before = healed_since(self.home, now - dt.timedelta(hours=1))
        told = {(one.asset, one.partition, one.file, one.how) for one in before}
        for seen in found:
            damage = replace(seen, file=seen.told)
            if how != "put back" and (*damage.node, damage.file, how) in told:
                continue
            trail_of(self.home).append(
                ACTION,
                why=f"{damage.file} {damage.what}; {how}",
                details={"asset": damage.asset, "sample": damage.partition, "file": damage.file},
            )
            self._record(damage, how, now)

    def _record(self, damage: Damage, how: str, now: dt.datetime) -> None:
        one = Healed(at=now, how=how, **vars(damage))

        def more(data: bytes | None) -> bytes:
            try:
                earlier = [dict(e) for e in json.loads(data or b"[]")]
            except (ValueError, TypeError):
                earlier = []  # a record that cannot be read is begun anew
            return json.dumps([*earlier, one.model_dump(mode="json")][-KEPT:], indent=1).encode()

        files.amend(UPath(record_of(self.home)), more)
