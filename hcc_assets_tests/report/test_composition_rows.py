"""The report's table of composition: every primary class has its row, with verdict and smallest
detectable change, the registered denominator first."""

from hcc_assets.report import biopsies
from hcc_assets.stats.composition_changes import composition_changes
from hcc_assets.stats.design_confounding import design_confounding
from hcc_assets.study.classes import PRIMARY_CLASSES
from hcc_assets.study.config import StudyConfig, parse_config
from hcc_assets_tests.stats.trial import make_counts, make_samples


def test_verdict_and_detectable_change_are_written():
    samples = make_samples(8)
    counts = make_counts(samples)
    counts.loc[counts["cell_class"] == "mast", "n_cells"] = 0
    tables = {"composition_changes": composition_changes(samples, counts, StudyConfig())}
    rows = biopsies.changes(tables, "all")
    assert len(rows) == len(PRIMARY_CLASSES)
    said = {row[0]: [row[-3], row[-1]] for row in rows}
    assert said["mast"] == [
        "NE",
        "insufficient: seen in fewer than 5 patients, or no other class to compare with",
    ]
    assert float(said["tumour"][0]) > 0
    assert said["tumour"][1] in ("identifiable", "depends on reference")


def test_the_registered_denominator_is_first():
    assert biopsies.denominators(StudyConfig())[0] == "all"
    config = parse_config('[single_cell]\nprimary_denominator = "immune"')
    assert biopsies.denominators(config) == ["immune", "all", "non_parenchymal"]


def test_a_confounded_design_is_said_in_words():
    samples = make_samples(6).assign(chemistry=["v2", "v3"] * 6, operator=["A", None] * 6)
    table = design_confounding(samples, {}, StudyConfig())
    tables = {"design_confounding": table}
    assert biopsies.confounded(tables) == [
        "pre>post, chemistry: changes with the timepoint in 6 of 6 patients"
    ]
    rows = {row[0]: row for row in biopsies.design(tables)}
    assert rows["chemistry"][4] == "confounded"
    assert rows["operator"][4] == rows["expression"][4] == "NE"
    assert rows["operator"][5].startswith("not judged: ")
    assert biopsies.confounded({}) == biopsies.design({}) == []
