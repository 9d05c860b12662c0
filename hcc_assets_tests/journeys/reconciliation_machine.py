"""What people do to a home and the platform with it, in any order Hypothesis chooses, and what must
hold after every step."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import pandas as pd
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from hcc_assets.assets.accounting import account, totals
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.audit import trail
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.files import sha256_file
from hcc_assets.home.published import damaged
from hcc_assets.home.versions import Versions
from hcc_assets.operate.actions import accept_export, withdraw_subject
from hcc_assets.operate.status import manifests_of
from hcc_assets.privacy.erasing import erase_subject
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.faults.broken_writes import PowerCut, writer_that_fails
from hcc_assets_tests.faults.homes import clinical, deliver, landing_bytes, quarantined
from hcc_assets_tests.journeys.reconciliation_home import (
    SETTLING,
    START,
    SUBJECTS,
    WorkedHome,
    brought_up,
)


class Reconciliation(WorkedHome):
    """What people do to a home and the platform with it, in any order, and what must hold after
    every step."""

    # -- what people do ----------------------------------------------------------------------------

    @initialize()
    def a_home_with_an_export(self) -> None:
        (self.root / "landing").mkdir(parents=True)
        (self.root / "study.toml").write_text(SETTLING)
        self.put_export(lambda tables: tables)
        self.tick()

    @rule(how=st.sampled_from(["good", "good", "shrunk", "misspelt", "personal", "not a table"]))
    def upload_export(self, how: str) -> None:
        def change(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
            if how == "shrunk":
                gone = sorted(tables["dm"]["USUBJID"])[0]
                return {d: f[f["USUBJID"] != gone] for d, f in tables.items()}
            if how == "misspelt":
                return tables | {"ex": tables["ex"].rename(columns={"EXDOSE": "EXDOES"})}
            if how == "personal":
                return tables | {"ae": tables["ae"].assign(PATIENT_NAME="x")}
            return tables | {"dm": pd.DataFrame({"a": [1]})} if how == "not a table" else tables

        self.put_export(change)

    @rule()
    def begin_upload(self) -> None:
        """Files without ``_DONE``, the last of them cut in mid-line."""
        name = self.day.isoformat()
        self.day += dt.timedelta(days=21)
        folder = deliver(self.root, clinical(dt.date.fromisoformat(name), SUBJECTS), name)
        (folder / "_DONE").unlink()
        whole = (folder / "ex.csv").read_bytes()
        (folder / "ex.csv").write_bytes(whole[: len(whole) // 2])
        (self.root.parent / f"{name}-rest").write_bytes(whole)
        self.partial.add(f"clinical/{name}")
        self.clean = False

    @precondition(lambda self: self.partial)
    @rule()
    def finish_upload(self) -> None:
        path = min(self.partial)
        folder = self.root / "landing" / path
        rest = self.root.parent / f"{folder.name}-rest"
        shutil.move(rest, folder / "ex.csv")
        (folder / "_DONE").touch()
        self.partial.remove(path)
        self.done.add(path)
        self.clean = False

    @rule(good=st.booleans(), who=st.integers(0, SUBJECTS - 1))
    def upload_sample(self, good: bool, who: int) -> None:
        self.number += 1
        sample, path = f"Q{self.number}", f"matrices/run{self.number}"
        self.matrix(path, self.number, good)
        self.rows[sample] = (self.people()[who % len(self.people())], path)
        self.sheet()

    @precondition(lambda self: self.rows)
    @rule(which=st.integers(0, 9), how=st.sampled_from(["changed", "same", "broken", "renamed"]))
    def send_again(self, which: int, how: str) -> None:
        sample = sorted(self.rows)[which % len(self.rows)]
        subject, path = self.rows[sample]
        if how == "renamed":
            self.number += 1
            new = f"matrices/run{self.number}"
            if (self.root / "landing" / path).exists():
                shutil.move(self.root / "landing" / path, self.root / "landing" / new)
                self.done = {new if p == path else p for p in self.done}
                self.rows[sample] = (subject, new)
                self.sheet()
            return
        if how == "same" and (self.root / "landing" / path).exists():
            shutil.copytree(self.root / "landing" / path, self.root / "copy")
            shutil.rmtree(self.root / "landing" / path)
            shutil.move(self.root / "copy", self.root / "landing" / path)
        elif how != "same":
            self.number += 1
            shutil.rmtree(self.root / "landing" / path, ignore_errors=True)
            self.matrix(path, self.number, how == "changed")
            self.clean = False

    @precondition(lambda self: self.done)
    @rule()
    def rename_newest_export(self) -> None:
        exports = sorted(p for p in self.done if p.startswith("clinical/"))
        if not exports:
            return
        new = f"clinical/{self.day.isoformat()}"
        self.day += dt.timedelta(days=21)
        shutil.move(self.root / "landing" / exports[-1], self.root / "landing" / new)
        self.done = self.done - {exports[-1]} | {new}
        self.clean = False

    @precondition(lambda self: self.waiting())
    @rule()
    def accept(self) -> None:
        accept_export(self.home, self.waiting()[-1], "agreed with the site")
        self.clean = False

    @rule(who=st.integers(0, SUBJECTS - 1), days=st.integers(0, 120))
    def withdraw(self, who: int, days: int) -> None:
        withdraw_subject(
            self.home,
            self.people()[who % len(self.people())],
            START + dt.timedelta(days=days - 60),
            "asked",
        )
        self.clean = False

    @precondition(lambda self: len(self.people()) > 1)
    @rule(who=st.integers(0, SUBJECTS - 1))
    def erase(self, who: int) -> None:
        subject = self.people()[who % len(self.people())]
        others = {p for s, p in self.rows.values() if s != subject}
        result = erase_subject(self.home, subject, "letter 5")
        note(str(result))
        assert result.absent and result.complete, result.lines
        self.erased.add(subject)
        gone = {p for s, p in self.rows.values() if s == subject} - others
        self.done -= gone
        self.rows = {s: (who_, p) for s, (who_, p) in self.rows.items() if who_ != subject}
        assert not any((self.root / "landing" / p).exists() for p in gone)

    # -- what the platform does --------------------------------------------------------------------

    @rule()
    def tick(self) -> None:
        landed = landing_bytes(self.root)
        self.run()
        assert landing_bytes(self.root) == landed, "landing is never changed"
        assert self.run() == set(), "a second refresh computes nothing"
        self.clean = True

    @rule(step=st.integers(1, 60), after=st.booleans())
    def crash(self, step: int, after: bool) -> None:
        landed = landing_bytes(self.root)
        with writer_that_fails(step, PowerCut(), after=after):
            try:
                brought_up(self.home, self.assets)
            except PowerCut:
                self.clean = False
        assert landing_bytes(self.root) == landed, "landing is never changed"

    @rule()
    def restart(self) -> None:
        """A new process: nothing is remembered. When nothing came in, there is nothing to do."""
        trail._trail.cache_clear()
        if self.clean:
            assert self.run() == set()

    # -- what must hold after every step -----------------------------------------------------------

    @invariant()
    def nothing_vanishes(self) -> None:
        if not self.root.exists():
            return
        received = account(HomeView(self.home, self.assets))
        complete = [
            r.path
            for r in received
            if r.fate != "arriving" and not r.path.startswith("samples.csv line")
        ]
        assert sorted(complete) == sorted(self.done)
        assert {r.path for r in received if r.fate == "arriving"} == self.partial
        counts = totals(received)
        assert counts["received"] == len(self.done)
        assert counts["received"] == sum(
            counts[f]
            for f in ("accepted", "quarantined", "superseded", "left out", "not yet judged")
        )
        told = {json.dumps(q["deliveries"], sort_keys=True) for q in quarantined(self.root)}
        landing = HomeView(self.home, self.assets).landing
        contents = {d.path: d.contents for d in (*landing.exports, *landing.samples.values())}
        for delivery in received:
            if delivery.fate == "quarantined":
                assert (
                    delivery.reason and json.dumps(contents[delivery.path], sort_keys=True) in told
                ), "what is refused lies in quarantine with its reason"

    @invariant()
    def published_tables_are_judged_versions(self) -> None:
        versions = Versions(self.home)
        tables = sorted((self.root / "published").glob("*.parquet"))
        for table in tables:
            kept = [
                versions.manifest(table.stem, None, folder.parent.name)
                for folder in (self.root / "store" / table.stem).glob("*/table.parquet")
            ]
            judged = {m.files[f"{m.folder}/table.parquet"] for m in kept if m is not None}
            assert sha256_file(table) in judged
            columns = pd.read_parquet(table)
            for name in ("USUBJID", "subject_id"):
                assert not self.erased & set(columns.get(name, ()))
        assert self.published <= {t.stem for t in tables}, "what was published stays published"
        self.published = {t.stem for t in tables}

    @precondition(lambda self: self.clean)
    @invariant()
    def after_a_refresh_all_is_judged_and_published(self) -> None:
        plan = make_plan(HomeView(self.home, self.assets))
        assert not plan.of("stale")
        assert not [r for r in account(plan.view) if r.fate == "not yet judged"]
        for name in ("subjects", "exposure", "adverse_events"):
            assert (self.root / "published" / f"{name}.parquet").exists(), "the first was good"
        assert damaged(plan.view.versions, manifests_of(plan)) == []

    @invariant()
    def the_trail_is_whole_and_names_nobody_erased(self) -> None:
        if not self.root.exists():
            return
        trail_ = trail_of(self.home)
        assert trail_.verify() == []
        entries = sum(1 for _ in trail_.entries())
        assert entries >= self.entries, "no entry goes"
        self.entries = entries
        if trail_.path.exists():
            text = trail_.path.read_text()
            assert not [s for s in self.erased if s in text]

    @precondition(lambda self: self.erased and self.clean)
    @invariant()
    def erased_is_erased(self) -> None:
        found = find_traces(self.root, self.erased, others=self.people()).traces
        assert not [t for t in found if not t.path.startswith(("landing/", "withdrawals.csv"))]


class ThroughDagster(Reconciliation):
    """The same with every asset, through ``hcc refresh`` as it is: instance, runs, event log."""

    dagster = True
