"""The committed coefficients: how signals are joined, and how sure that makes us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from compass.retrieval.confidence import Bands
from compass.retrieval.index import Array
from compass.retrieval.ranking import SIGNALS


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Weights of the signals, in the order of SIGNALS; of the evidence, by name; and the thresholds of the bands."""

    ranking: Array
    confidence: Mapping[str, float]
    bands: Bands


@cache
def committed() -> Coefficients:
    """What `coefficients.json` beside this file says; how it was made stands there too."""
    text = resources.files("compass.retrieval").joinpath("coefficients.json").read_text("utf-8")
    data = json.loads(text)
    return Coefficients(
        np.array([data["ranking"][name] for name in SIGNALS], np.float32),
        data["confidence"],
        Bands(**data["bands"]),
    )


def committed_digest() -> str:
    """The digest of the data that the committed coefficients were learnt on; empty when they were set by hand."""
    text = resources.files("compass.retrieval").joinpath("coefficients.json").read_text("utf-8")
    return str(json.loads(text).get("made_by", {}).get("data", ""))
