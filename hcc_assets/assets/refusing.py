"""An attempt at one asset, and what is written where it does not replace the version that stands:
it was refused, it failed, or something that it needs is damaged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from hcc_assets.assets.attempts import MAX_ATTEMPTS, TRIED_AGAIN, Outcome, what_stays
from hcc_assets.assets.definition import Asset, Refused
from hcc_assets.assets.healing import DAMAGED, Healing
from hcc_assets.assets.inputs import Basis
from hcc_assets.assets.quarantine import quarantine, set_aside
from hcc_assets.home.damage import Damaged
from hcc_assets.home.files import Fence
from hcc_assets.home.manifests import CheckRecord, Held, Manifest


@dataclass
class Work:
    """One attempt at one node, from what was seen at its start."""

    asset: Asset
    key: str | None
    run_id: str
    fence: Fence
    seen: str
    current: Manifest | None
    basis: Basis
    fingerprint: str
    why: str
    only: str | None = None
    """The data version that alone may come out: of what is settled, and damaged."""
    healed: frozenset[tuple[str, str | None]] = frozenset()
    """What was found damaged, and made good, in this attempt."""
    hurt: bool = False
    started: float = field(default_factory=time.monotonic)


class Refusing(Healing):
    """A home at which what is refused is written down."""

    def _spoilt(self, work: Work, error: Damaged) -> Outcome:
        """Raise once for each version that stands, so that it is made good; what is damaged again,
        or is an earlier version, is the end of the attempt."""
        damage = error.damage
        stands = self.versions.current(*damage.node)
        earlier = stands is None or damage.file.partition("/")[0] != stands.folder
        if damage.node not in work.healed and not earlier:
            self.versions.clear_hold(work.asset.name, work.key)
            raise error
        if earlier:
            self.tell_damages([damage], "left")
        reason = f"{damage}; it cannot be computed again: put it back from a backup"
        gate = CheckRecord(name=work.asset.gate.name, passed=False, description=reason)
        return self._hold(work, reason, DAMAGED, [gate], [])

    def _refused(self, work: Work, refusal: Refused) -> Outcome:
        asset = work.asset
        for part in refusal.set_aside:
            set_aside(self, asset.name, part)
        if refusal.quarantine and work.basis.deliveries and not refusal.set_aside:
            quarantine(self, asset, work.key, refusal, work.basis.deliveries)
        reason = self.people.in_keys(refusal.reason)
        gate = CheckRecord(name=asset.gate.name, passed=False, description=reason)
        reached = [
            c.model_copy(update={"description": self.people.in_keys(c.description)})
            for c in refusal.checks
        ]
        return self._hold(work, reason, refusal.code, [gate, *reached], [])

    def _hold(
        self, work: Work, reason: str, code: str, checks: list[CheckRecord], frames: list[str]
    ) -> Outcome:
        """Write down that this attempt did not replace what stands."""
        name, key = work.asset.name, work.key
        before = self.versions.held(name, key)
        same = before is not None and before.fingerprint == work.fingerprint
        attempts = before.attempts if before is not None and same else 0
        if code == "ended" or not same:  # the start of an attempt counts, its end does not
            attempts += 1
        final = code not in TRIED_AGAIN or attempts >= MAX_ATTEMPTS
        held = Held(
            fingerprint=work.fingerprint,
            reason=reason,
            code=code,
            at=self.now,
            attempts=attempts,
            permanent=final,
            run_id=work.run_id,
            checks=checks,
            frames=frames,
        )
        self.versions.hold(name, key, held)
        state = "failed" if code in TRIED_AGAIN else "held"
        text = what_stays(reason, work.current)
        return Outcome(state, work.current, checks, text, frames=frames, permanent=final)
