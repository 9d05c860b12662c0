"""The exports in ``landing/clinical/`` as an input, and what was decided about them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hcc_assets.assets.inputs import Basis, Input, View
from hcc_assets.catalogue.landing._consent import Consent
from hcc_assets.home.files import local_copy
from hcc_assets.home.landing.deliveries import Delivery, export_date
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from hcc_assets.clinical.reading.exports import Export


@dataclass(frozen=True)
class Exports:
    """The exports in ``landing/clinical/`` and what was decided about them.

    Attributes
    ----------
    candidates
        Those that are complete and settled, newest first.
    accepted
        Export id and content of what was released although it is held.
    today
        Date of an export whose name has none.
    """

    candidates: tuple[Delivery, ...]
    accepted: frozenset[tuple[str, str]]
    consent: Consent
    today: dt.date
    view: View

    def delivered(self, delivery: Delivery, config: StudyConfig) -> Export:
        """An export as it was delivered."""
        from hcc_assets.clinical.reading.exports import read_export
        from hcc_assets.clinical.reading.files.apart import read_apart

        cutoff = config.study.data_cutoff or export_date(delivery.id)
        with local_copy(self.view.home.landing / delivery.path) as folder:
            return read_export(folder, config, cutoff=cutoff, read=read_apart)

    def read(self, delivery: Delivery, config: StudyConfig) -> Export:
        """What may be used of an export."""
        return self.consent.applied(self.delivered(delivery, config))

    def naming_erased(self, config: StudyConfig) -> list[str]:
        """Exports of any age with rows of erased subjects; none are read where nobody was
        erased."""
        if not self.view.home.tombstones_json.exists():
            return []
        found = []
        for delivery in self.view.landing.exports:
            if delivery.state != "ready":
                continue
            tables = self.delivered(delivery, config).tables.values()
            names = {s for frame in tables for s in frame["USUBJID"].unique()}
            if self.view.erased_of(names):
                found.append(delivery.path)
        return sorted(found)


@dataclass(frozen=True)
class ClinicalExports(Input):
    """Every export in ``landing/clinical/``, acceptances, withdrawals and erasures."""

    def basis(self, view: View, key: str | None) -> Basis | None:
        standing = view.versions.current("clinical_export")
        whole = standing is not None and not view.versions.damages("clinical_export")
        name = view.versions.facts("clinical_export")["export_id"] if whole else None
        ready: dict[str, str] = {}
        for delivery in view.landing.exports:
            if delivery.id == name and delivery.state == "settling":
                return None
            if delivery.state in ("ready", "refused"):
                ready |= delivery.contents or {delivery.path: delivery.reason}
        if not ready:
            return None
        accepted = {
            f"accepted {a['export']} {a['content'][:12]}": a["content"] for a in view.acceptances
        }
        consent = {"consent": view.consent} if view.consent else {}
        return Basis(deliveries=ready | accepted | consent)

    def value(self, view: View, key: str | None) -> Exports:
        there = (d for d in view.landing.exports if d.state in ("ready", "refused"))
        return Exports(
            candidates=tuple(sorted(there, key=lambda d: d.id, reverse=True)),
            accepted=frozenset((a["export"], a["content"]) for a in view.acceptances),
            consent=Consent(view.consent, view.withdrawn, view.erased_of),
            today=view.now.date(),
            view=view,
        )
