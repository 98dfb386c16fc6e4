"""One run: the lab comes up, a story is played, its ground truth and its recording are kept, the lab goes down."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lab import control
from lab.backing.prometheus import EVALUATION_SECONDS, SCRAPE_SECONDS, summaries
from lab.faults.fault import Scene, Undo
from lab.hands import Hands
from lab.metrics import Metrics
from lab.plan import Plan
from lab.state import Lab, LabError

Told = Callable[[str], None]
NOBODY_WAS_PAGED: Final = "customers report that the shop does not work as usual"
RECORD_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Times:
    """What happened when, in unix seconds."""

    up: float
    herring: float
    onset: float
    ended: float
    done: float


def run(plan: Plan, out: Path, folder: Path, compass: Sequence[str], told: Told) -> Path:
    """Play a story; gives the folder below `out` that holds `truth.json` and `recording/`.

    `compass`: the command that records. LabError when the lab or the recorder fails; the lab is taken down whatever
    happens.
    """
    target, unfinished = out / plan.name, out / f".{plan.name}.unfinished"
    if target.exists():
        raise LabError(f"{target} is there already: remove it, or choose another seed")
    shutil.rmtree(unfinished, ignore_errors=True)
    lab = control.up(folder, {"seed": plan.seed})
    try:
        told(f"{plan.name}: the lab is up in {lab.folder}")
        scene = Scene(Hands(lab), plan.intensity, plan.rng)
        times = play(plan, scene, told)
        alerts = fired(lab, times)
        unfinished.mkdir(parents=True)
        truth = truth_of(plan, scene, times, alerts)
        text = json.dumps(truth, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (unfinished / "truth.json").write_text(text, "utf-8")
        record(lab, truth, unfinished / "recording", compass)
        unfinished.rename(target)
        list_truths(out)
        told(f"{plan.name}: recorded in {target / 'recording'}")
    finally:
        control.down(lab.folder)
    return target


def list_truths(out: Path) -> None:
    """Write `truth.jsonl` over all that lies in `out`, so that `compass bench rca` measures it."""
    rows = []
    for path in sorted(out.glob("[!.]*/truth.json")):
        truth = json.loads(path.read_text("utf-8"))
        rows.append(
            {
                "id": truth["id"],
                "suite": "lab",
                "service": truth["component"],
                "fault": f"{truth['kind']} {truth['intensity']}",
                "recording": f"{path.parent.name}/recording",
            }
        )
    aside = out / ".truth.jsonl"
    aside.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows), "utf-8")
    aside.rename(out / "truth.jsonl")


def play(plan: Plan, scene: Scene, told: Told) -> Times:
    """Let everything happen at its time; what was begun is undone even if the story is broken off."""
    up = time.time()
    open_ends: list[Undo] = []

    def until(seconds: float) -> None:
        while (left := up + seconds - time.time()) > 0:
            if scene.hands.lab.keeper is None:
                raise LabError("the lab's keeper was killed in the middle of the story")
            time.sleep(min(left, 0.5))

    try:
        until(plan.herring_begins)
        herring = time.time()
        open_ends.append(plan.herring.begin(scene.hands))
        told(f"{plan.name}: {plan.herring.says}")
        until(plan.herring_ends)
        open_ends.pop()()
        until(plan.onset)
        onset = time.time()
        told(f"{plan.name}: {plan.fault.says}")
        open_ends.append(plan.fault.begin(scene))
        until(plan.ends)
        ended = time.time()
        open_ends.pop()()
        until(plan.seconds)
    finally:
        if scene.hands.lab.keeper is not None:
            for undo in reversed(open_ends):
                undo()
    return Times(up, herring, onset, ended, time.time())


def fired(lab: Lab, times: Times) -> list[dict[str, Any]]:
    """Alerts that began to fire while the fault lasted, the first one first."""
    step = min(EVALUATION_SECONDS, SCRAPE_SECONDS)
    found: list[dict[str, Any]] = []
    for one in Metrics(lab).over_range('ALERTS{alertstate="firing"}', times.up, times.done, step):
        labels = {key: text for key, text in one["metric"].items() if key not in {"__name__", "alertstate"}}
        name = labels.pop("alertname")
        found.extend(
            {"name": name, "labels": labels, "began": moment(begin)}
            for begin in episodes([float(at) for at, _ in one["values"]], step)
            if times.onset <= begin <= times.ended
        )
    return sorted(found, key=lambda row: (row["began"], row["name"]))


def episodes(moments: Sequence[float], step: float) -> list[float]:
    """Those at which something began that is seen every `step` seconds while it lasts."""
    before = [-math.inf, *moments]
    return [at for earlier, at in zip(before, moments, strict=False) if at - earlier > 1.5 * step]


def truth_of(plan: Plan, scene: Scene, times: Times, alerts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What really happened, and what was noticed of it."""
    pages = [one for one in alerts if one["labels"].get("severity") == "page"] or alerts
    noticed = pages[0]["began"] if pages else moment((times.onset + times.ended) / 2)
    return {
        "schema": 1,
        "id": plan.name,
        "kind": plan.fault.kind,
        "intensity": plan.intensity,
        "seed": plan.seed,
        "component": plan.fault.component,
        "accept": list(plan.fault.accept),
        "says": plan.fault.says,
        "facts": scene.facts,
        "onset": moment(times.onset),
        "undone": moment(times.ended),
        "window": {"from": moment(times.up), "to": moment(times.done)},
        "detected": noticed,
        "symptom": symptom(pages),
        "alerts": list(alerts),
        "red_herring": {
            "kind": plan.herring.kind,
            "component": plan.herring.component,
            "says": plan.herring.says,
            "at": moment(times.herring),
        },
    }


def symptom(pages: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What whoever was paged first read, and of which service."""
    if not pages:
        return {"text": NOBODY_WAS_PAGED, "service": "storefront"}
    text = summaries()[pages[0]["name"]]
    for name, value in pages[0]["labels"].items():
        text = text.replace(f"{{{{ $labels.{name} }}}}", value)
    return {"text": text, "service": pages[0]["labels"].get("service_name", "storefront")}


def moment(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(lab: Lab, truth: dict[str, Any], target: Path, compass: Sequence[str]) -> None:
    """Let COMPASS record the window, as it would any system: over MCP."""
    here = str(Path(__file__).parent)
    server = shlex.join([sys.executable, here, "telemetry", "--folder", str(lab.folder)])
    command = [
        *compass,
        "record",
        truth["id"],
        *("--command", server),
        *("--from", truth["window"]["from"], "--to", truth["window"]["to"]),
        *("--detected", truth["detected"]),
        *("--symptom", truth["symptom"]["text"], "--service", truth["symptom"]["service"]),
        *("--output", str(target)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RECORD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise LabError(f"`compass record` did not do its work: {problem}") from problem
    if done.returncode:
        raise LabError(f"`compass record` failed: {(done.stderr or done.stdout).strip()[-600:]}")
