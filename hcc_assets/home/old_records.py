"""Records of version 0.1 (manifests, holds, acceptances, reasons of the quarantine), with keys for
the ids in them. When they are written anew is decided in `migration`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.looking import HELD
from hcc_assets.home.people.register import People


def of_01(name: str, data: Mapping[str, Any]) -> bool:
    """True for a manifest or a hold, by its path, as 0.1 wrote it."""
    return ("frames" if name.endswith(HELD) else "version") not in data


def in_keys(data: dict[str, Any], people: People, keys: Mapping[str, str]) -> dict[str, Any]:
    """A record with keys for ids; short ids, which `People.in_keys` leaves alone, where they stand
    by themselves."""
    fresh: dict[str, Any] = json.loads(people.in_keys(json.dumps(data, ensure_ascii=False)))
    for field in ("partition", "sample"):
        if fresh.get(field) in keys:
            fresh[field] = keys[fresh[field]]
    inputs = (name.partition("/") for name in fresh.get("inputs", {}))
    names = [f"{asset}{slash}{keys.get(sample, sample)}" for asset, slash, sample in inputs]
    if names:
        fresh["inputs"] = dict(zip(names, fresh["inputs"].values(), strict=True))
    return fresh


def rename(path: UPath, people: People, keys: Mapping[str, str]) -> None:
    """Write a JSON file anew with keys for ids."""
    data = json.loads(path.read_bytes())
    whole = data if isinstance(data, dict) else {"all": data}
    fresh = in_keys(whole, people, keys)
    text = json.dumps(fresh if whole is data else fresh["all"], indent=1, ensure_ascii=False)
    files.write_bytes(path, text.encode())
