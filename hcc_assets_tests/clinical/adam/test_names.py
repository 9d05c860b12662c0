"""Names and labels of the datasets fit a transport file."""

from __future__ import annotations

from hcc_assets.schemas.adam import ADAM_MODELS, labels

NAMES = ("ADSL", "ADTR", "ADRS", "ADTTE", "ADAE", "ADEX")


def test_names_and_labels_fit_a_transport_file() -> None:
    assert tuple(ADAM_MODELS) == NAMES
    for model in ADAM_MODELS.values():
        for name, label in labels(model).items():
            assert len(name) <= 8 and name == name.upper() and name.isalnum()
            assert 0 < len(label) <= 40 and label.isascii()
