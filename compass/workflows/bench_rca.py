"""`compass bench rca`: how often the ranking names the component that failed, beside two textbook rankings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np

from compass.errors import UsageError
from compass.investigate.calibration import Labelled, Reliability, held_out, learn, reliability
from compass.investigate.confidence import Evidence, Learnt, committed, evidence
from compass.investigate.observation import Floats, Observation
from compass.investigate.observe import observe
from compass.investigate.ranking import rank
from compass.replay.load import load
from compass.replay.server import connect
from compass.workflows.investigate import incident_of

TRUTH: Final = "truth.jsonl"
OURS: Final = "compass"
ALL: Final = "all"
Ranking = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One recording with its truth; `suite` is the collection it belongs to, `folder` where it lies."""

    id: str
    service: str
    fault: str
    suite: str
    folder: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Case:
        """From a line of the truth file; KeyError without an id or a service."""
        name = str(row["id"])
        suite = str(row.get("suite") or "-".join(name.split("-")[:2]))
        return cls(
            name, str(row["service"]), str(row.get("fault", "")), suite, str(row.get("recording") or name)
        )


@dataclass(frozen=True)
class Ranked:
    """What every method made of one recording, and the CPU seconds of ours, reading included."""

    case: Case
    rankings: Mapping[str, Ranking]
    components: int
    seconds: float
    evidence: Evidence

    @property
    def labelled(self) -> Labelled:
        """What the confidence is learnt from, and judged by."""
        return Labelled(self.case.suite, self.evidence, _place(self.rankings[OURS], self.case.service) == 1)


@dataclass(frozen=True)
class Row:
    """One method on one group of recordings; `low` and `high` bound AC@1 at 95 % (Wilson)."""

    group: str
    method: str
    cases: int
    first: float
    low: float
    high: float
    third: float
    average: float
    chance: float


@dataclass(frozen=True)
class Report:
    """All rows, the paired comparisons (against, won, lost, p) by group, the confidence's reliability, and the time."""

    rows: tuple[Row, ...]
    paired: tuple[tuple[str, str, int, int, float], ...]
    reliability: tuple[Reliability, ...]
    results: tuple[Ranked, ...]

    @property
    def seconds(self) -> tuple[float, float]:
        """CPU seconds per recording: median and largest."""
        found = [one.seconds for one in self.results]
        return float(np.median(found)), max(found)


def absent(folder: Path) -> str | None:
    """Why there is nothing to measure, or None."""
    if not folder.is_dir():
        return f"there is no folder {folder}"
    return None if (folder / TRUTH).is_file() else f"{folder} has no {TRUTH}"


def read_cases(folder: Path) -> tuple[Case, ...]:
    """The recordings with a truth, in the file's order; UsageError for a line that is none."""
    cases = []
    for number, line in enumerate((folder / TRUTH).read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                cases.append(Case.read(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{folder / TRUTH}:{number}: not an object with id, service and fault"
                ) from error
    return tuple(cases)


def measure(
    folder: Path, *, alone: bool = False, processes: int = 2, done: Callable[[], None] = lambda: None
) -> Report:
    """Rank every recording of the folder; `alone` withholds its history."""
    cases = read_cases(folder)
    results = []
    with ProcessPoolExecutor(max_workers=max(1, processes)) as pool:
        jobs = [(folder / case.folder, case, alone) for case in cases]
        for result in pool.map(_ranked, jobs, chunksize=4):
            results.append(result)
            done()
    calibrated = reliability([one.labelled for one in results], committed(), ALL)
    return Report(tuple(_rows(results)), tuple(_paired(results)), tuple(calibrated), tuple(results))


def train(folder: Path, command: str, *, done: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Learn the confidence on every recording, with and without its history: what `confidence.json` holds."""
    settings = {"with history": False, "alone": True}
    measured = {name: measure(folder, alone=alone, done=done).results for name, alone in settings.items()}
    cases = [one.labelled for results in measured.values() for one in results]
    learnt = Learnt(learn(cases), held_out(cases))
    scores = {
        name: {
            one.group: {"n": one.cases, "ECE": round(one.error, 4), "right": round(one.right, 4)}
            for one in reliability([result.labelled for result in results], learnt, ALL)
        }
        for name, results in measured.items()
    }
    return {
        "made_by": {
            "command": command,
            "data": sha256((folder / TRUTH).read_bytes()).hexdigest(),
            "scores_of_held_out_suites": scores,
        },
        "coefficients": learnt.coefficients,
        "held_out": learnt.held_out,
    }


def _ranked(job: tuple[Path, Case, bool]) -> Ranked:
    folder, case, alone = job
    began = process_time()
    recording = load(folder, history=not alone)
    with connect(recording) as telemetry:
        observed = observe(incident_of(recording), telemetry)
    ranked = rank(observed).components
    ours = tuple(one.component for one in ranked)
    seconds = process_time() - began
    rankings = {
        OURS: ours,
        "n-sigma": by_deviation(observed, _sigmas),
        "robust z": by_deviation(observed, _robust),
    }
    measured = len({key.component for key in observed.window.tracks})
    return Ranked(case, rankings, measured, seconds, evidence(observed, ranked))


def by_deviation(observed: Observation, distance: Callable[[Floats, Floats], float]) -> Ranking:
    """A textbook ranking: the largest deviation of any metric since detection from the baseline, or from before."""
    scores: dict[str, float] = {}
    for key, track in observed.window.tracks.items():
        since = track.values[track.times >= observed.detected]
        now = since if len(since) else track.values[-1:]
        usual = observed.baseline.tracks.get(key)
        reference = usual.values if usual is not None else track.values[track.times < observed.detected]
        if observed.baseline.tracks and usual is None:
            continue
        if len(reference) >= 2 and len(now):
            scores[key.component] = max(scores.get(key.component, 0.0), distance(reference, now))
    return tuple(sorted(scores, key=lambda name: (-scores[name], name)))


def _sigmas(reference: Floats, now: Floats) -> float:
    return float(np.max(np.abs(now - reference.mean())) / max(float(reference.std()), 1e-9))


def _robust(reference: Floats, now: Floats) -> float:
    middle = float(np.median(reference))
    high, low = np.percentile(reference, [75, 25])
    return abs(float(np.median(now)) - middle) / max(float(high - low), 0.05 * abs(middle), 1e-9)


def _groups(results: Sequence[Ranked]) -> Iterator[tuple[str, list[Ranked]]]:
    suites = sorted({one.case.suite for one in results})
    for suite in suites:
        members = [one for one in results if one.case.suite == suite]
        yield suite, members
        for fault in sorted({one.case.fault for one in members}):
            yield f"{suite} {fault}", [one for one in members if one.case.fault == fault]
    yield ALL, list(results)


def _rows(results: Sequence[Ranked]) -> Iterator[Row]:
    if not results:
        return
    for group, members in _groups(results):
        for method in results[0].rankings:
            places = [_place(one.rankings[method], one.case.service) for one in members]
            count = len(places)
            right = [sum(0 < place <= k for place in places) / count for k in range(1, 6)]
            low, high = wilson(sum(place == 1 for place in places), count)
            chance = sum(1 / max(one.components, 1) for one in members) / count
            yield Row(group, method, count, right[0], low, high, right[2], sum(right) / 5, chance)


def _place(ranking: Ranking, service: str) -> int:
    return ranking.index(service) + 1 if service in ranking else 0


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) for nothing counted."""
    if not count:
        return 0.0, 1.0
    share = right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _paired(results: Sequence[Ranked]) -> Iterator[tuple[str, str, int, int, float]]:
    """AC@1 of ours against each baseline: exact two-sided sign test over the recordings on which they differ."""
    for group, members in _groups(results):
        if " " in group:
            continue
        for method in ("n-sigma", "robust z"):
            ours = [_place(one.rankings[OURS], one.case.service) == 1 for one in members]
            theirs = [_place(one.rankings[method], one.case.service) == 1 for one in members]
            won = sum(a and not b for a, b in zip(ours, theirs, strict=True))
            lost = sum(b and not a for a, b in zip(ours, theirs, strict=True))
            yield group, method, won, lost, sign_test(won, lost)


def sign_test(won: int, lost: int) -> float:
    """Two-sided probability of a split at least as uneven under a fair coin."""
    count = won + lost
    tail = sum(math.comb(count, k) for k in range(min(won, lost) + 1))
    return min(1.0, float(2 * tail / 2**count))


def ranking_lines(report: Report) -> Iterator[str]:
    """JSON lines {"id", "ranking"} of ours."""
    for one in report.results:
        yield json.dumps({"id": one.case.id, "ranking": list(one.rankings[OURS])}, ensure_ascii=False)
