"""``study.toml``: every choice that the protocol or the analysis plan makes, with its default.

No derivation belongs here.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hcc_assets.study.codelists import END_OF_TREATMENT


class ConfigError(ValueError):
    """``study.toml`` has a key or a value that the study does not know; the text names it and the
    nearest one."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


TEN_YEARS = 3653
"""Days that a window or interval may have: own choice, longer than any trial; dates stay dates."""


class Study(_Section):
    id: str = "SURU-HCC-SC"
    data_cutoff: dt.date | None = None


class Treatment(_Section):
    name: str = "SURUFATINIB"
    dose_levels_mg: list[float] = [300, 250, 200]


class Recist(_Section):
    criteria: list[Literal["RECIST 1.1", "mRECIST"]] = Field(
        ["RECIST 1.1", "mRECIST"], min_length=1
    )
    visit_interval_days: int = Field(42, gt=0, le=TEN_YEARS)
    visit_window_days: int = Field(7, ge=0, le=TEN_YEARS)
    confirmation_days: int = Field(28, ge=0, le=TEN_YEARS)
    sd_minimum_days: int = Field(42, ge=0, le=TEN_YEARS)
    max_ne_between: int = Field(1, ge=0)
    max_sd_between: int = Field(0, ge=0)
    headline: Literal["CBOR", "BOR"] = "CBOR"
    endpoint_reader: str = "INVESTIGATOR"
    sticky_pr: bool = False
    node_reappearance: Literal["any", "pd_rule"] = "any"
    afp_for_cr: bool = False


class Pfs(_Section):
    primary: Literal["PFS_TP", "PFS_FDA"] = "PFS_TP"
    max_gap_days: int = Field(98, gt=0, le=TEN_YEARS)
    landmarks_months: list[float] = [3, 6, 12]
    median_rule: Literal["midpoint", "left"] = "midpoint"


class Therapy(_Section):
    """Words of CMCAT, CMDECOD, PRCAT and PRTRT, in any letter case."""

    new_anticancer: list[str] = [
        "NEW ANTICANCER THERAPY",
        "SUBSEQUENT ANTICANCER THERAPY",
        "TACE",
        "HAIC",
        "RADIOTHERAPY",
        "ABLATION",
        "RESECTION",
        "TRANSPLANTATION",
    ]
    other: list[str] = ["CONCOMITANT", "PRIOR", "PROPHYLAXIS", "SUPPORTIVE"]


def _relatedness() -> dict[str, bool]:
    return {
        "Y": True,
        "N": False,
        "RELATED": True,
        "PROBABLE": True,
        "POSSIBLE": True,
        "REMOTE": False,
        "NONE": False,
        "NOT RELATED": False,
    }


class Safety(_Section):
    teae_window_days: int = Field(30, ge=0, le=TEN_YEARS)
    relatedness: dict[str, bool] = Field(default_factory=_relatedness)
    aesi: dict[str, list[str]] = Field(default_factory=lambda: {"HYPERTENSION": ["Hypertension"]})


class Labs(_Section):
    ctcae_version: str = Field("5.0", pattern=r"^\d+\.\d+$")
    hys_law_days: int = Field(30, ge=0, le=TEN_YEARS)
    afp_response_percent: float = Field(50, gt=0, le=100)


class SingleCell(_Section):
    min_umi: int = Field(200, ge=0)
    min_genes: int = Field(100, ge=0)
    min_cells_per_sample: int = Field(100, ge=0)
    min_cells_pseudobulk: int = Field(20, ge=1)
    min_pairs: int = Field(5, ge=2)
    confidence: float = Field(0.8, gt=0, le=1)
    reference_min_samples: int = Field(6, ge=1)
    primary_denominator: Literal["all", "immune", "non_parenchymal"] = "all"
    annotator: str = Field("own", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


class Dialect(_Section):
    """Words of the site's own that stand for a term of the field; letter case and spaces do not
    matter."""

    end_of_treatment: list[str] = list(END_OF_TREATMENT)
    """DSDECOD that ends treatment."""


class Samples(_Section):
    timepoints: list[str] = ["pre", "post"]
    contrasts: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        [["pre", "post"]], min_length=1
    )
    settle_seconds: float = Field(60, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _first_two_unless_named(cls, given: Any) -> Any:
        if isinstance(given, dict) and "contrasts" not in given and "timepoints" in given:
            return {**given, "contrasts": [list(given["timepoints"][:2])]}
        return given

    @model_validator(mode="after")
    def _contrasts_are_of_timepoints(self) -> Samples:
        for pair in self.contrasts:
            for name in pair:
                if name not in self.timepoints:
                    known = ", ".join(self.timepoints)
                    raise ValueError(f"contrasts name {name}, which is none of {known}")
            if pair[0] == pair[1]:
                raise ValueError(f"contrasts compare {pair[0]} with itself")
        return self


class Holding(_Section):
    lost_subjects: int = Field(0, ge=0)
    lost_rows_percent: float = Field(2, ge=0)
    changed_rows_percent: float = Field(10, ge=0)


class Alerts(_Section):
    enabled: bool = False
    repeat_hours: float = Field(24, gt=0)


class Governance(_Section):
    """``four_eyes``: an export is accepted, and a subject erased, by two different users."""

    four_eyes: bool = False


class Simon(_Section):
    """A two-stage design (Simon 1989): stop after ``n1`` subjects with ``r1`` or fewer responses;
    reject with more than ``r`` of ``n``."""

    r1: int = Field(ge=0)
    n1: int = Field(gt=0)
    r: int = Field(ge=0)
    n: int = Field(gt=0)
    p0: float | None = Field(None, ge=0, le=1)
    p1: float | None = Field(None, ge=0, le=1)


class StudyConfig(_Section):
    """All of ``study.toml``. Sections and keys as in the file; every key has a default."""

    study: Study = Study()
    treatment: Treatment = Treatment()
    recist: Recist = Recist()
    pfs: Pfs = Pfs()
    therapy: Therapy = Therapy()
    dialect: Dialect = Dialect()
    safety: Safety = Safety()
    labs: Labs = Labs()
    single_cell: SingleCell = SingleCell()
    samples: Samples = Samples()
    holding: Holding = Holding()
    aliases: dict[str, dict[str, str]] = Field(default_factory=dict)
    alerts: Alerts = Alerts()
    governance: Governance = Governance()
    simon: Simon | None = None


def restricted(config: StudyConfig, keys: tuple[str, ...]) -> StudyConfig:
    """The same choices with nothing but ``keys``: reading another one is an `AttributeError`.

    Parameters
    ----------
    keys
        Sections (``recist``) or single keys (``samples.timepoints``).
    """
    sections: dict[str, dict[str, Any]] = {}
    shown: dict[str, Any] = {}
    for key in keys:
        section, _, name = key.partition(".")
        if name:
            sections.setdefault(section, {})[name] = getattr(getattr(config, section), name)
        else:
            shown[section] = getattr(config, section)
    for section, values in sections.items():
        if section not in shown:
            shown[section] = _Shown(section, values)
    return _Shown("study.toml", shown)  # type: ignore[return-value]


def of_contrast(config: StudyConfig, before: str, after: str) -> StudyConfig:
    """The same choices with two timepoints alone: what a comparison of these two reads."""
    pair = {"timepoints": [before, after], "contrasts": [[before, after]]}
    if isinstance(config, _Shown):
        samples = _Shown("samples", {**_shown(config.samples), **pair})
        narrow: Any = _Shown("study.toml", {**_shown(config), "samples": samples})
        return narrow  # type: ignore[no-any-return]
    return config.model_copy(update={"samples": config.samples.model_copy(update=pair)})


def contrast_name(config: StudyConfig) -> str:
    """``pre>post``: the first two timepoints."""
    return ">".join(config.samples.timepoints[:2])


def _shown(section: Any) -> dict[str, Any]:
    return {k: v for k, v in vars(section).items() if k != "_of"}


class _Shown:
    """Attributes that may be read, and an error that names any other."""

    def __init__(self, of: str, values: dict[str, Any]):
        self.__dict__.update(values)
        self.__dict__["_of"] = of

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} of {self._of} is read without being among the settings")


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        annotation: Any = field.annotation if field else None
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return []
        model = nested[0]
    return list(model.model_fields)


def parse_config(text: str, source: str = "study.toml") -> StudyConfig:
    """Read the text of a ``study.toml``.

    Raises
    ------
    ConfigError
        The text is not TOML, or a key or type is wrong; names the key and the nearest known one.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}") from None
    if raw.get("simon") == {}:
        raw.pop("simon")
    try:
        return StudyConfig.model_validate(raw)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            where = ".".join(str(p) for p in problem["loc"])
            if problem["type"] == "extra_forbidden":
                near = difflib.get_close_matches(
                    str(problem["loc"][-1]),
                    _known_keys(StudyConfig, problem["loc"][:-1]),
                    n=1,
                    cutoff=0.5,
                )
                lines.append(
                    f"unknown key {where}" + (f"; did you mean {near[0]}?" if near else "")
                )
            else:
                lines.append(f"{where}: {problem['msg']}")
        raise ConfigError(f"{source}: " + "; ".join(lines)) from None
