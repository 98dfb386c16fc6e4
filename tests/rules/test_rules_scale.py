"""What a check costs in CPU seconds and memory; by hand: `pytest -m scale -s tests/rules/test_rules_scale.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import commit_all
from full_entries import write_repository

COUNT = int(os.environ.get("SCALE_ENTRIES", "10000"))
_CHILD = """
import resource, sys
from compass.cli import cli
try:
    cli(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code or 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@dataclass(frozen=True)
class Cost:
    code: int
    cpu: float
    wall: float
    megabytes: float


def run(root: Path, *options: str) -> Cost:
    before = os.times()
    started = time.perf_counter()
    command = [sys.executable, "-c", _CHILD, "-C", str(root), "check", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = os.times()
    code, kilobytes = done.stderr.split()[-2:]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(int(code), cpu, wall, int(kilobytes) / 1024)


def yardstick(root: Path) -> float:
    """CPU seconds of PyYAML's C loader alone over the front matter: what a noisy machine does to it, it does to us."""
    fronts = [path.read_text().split("---\n")[1] for path in sorted(root.rglob("*.md"))]
    started = time.process_time()
    for front in fronts:
        yaml.load(front, yaml.CSafeLoader)
    return time.process_time() - started


@pytest.mark.scale
def test_ten_thousand_entries_cold_warm_and_with_five_changed(tmp_path: Path) -> None:
    root, empty = tmp_path / "repo", tmp_path / "empty"
    write_repository(root, COUNT)
    write_repository(empty, 0)
    commit_all(root)
    sizes = [path.stat().st_size for path in root.rglob("*.md")]
    alone = yardstick(root)
    run(empty)
    start = run(empty)
    cold, _, warm = run(root), run(root), run(root)
    for path in sorted((root / "runbooks").iterdir())[:5]:
        path.write_text(path.read_text() + "\nOne more line.\n")
    changed = run(root, "--changed-since", "HEAD")
    lines = [
        f"{COUNT} entries of {sum(sizes) / len(sizes):.0f} bytes; PyYAML's C loader alone: {alone:.2f} s CPU",
        f"start of Python and an empty repository: {start.cpu:.2f} s CPU, {start.wall:.2f} s wall",
    ]
    costs = {"cold": cold, "warm": warm, "five changed": changed}
    for name, cost in costs.items():
        each = 1000 * (cost.cpu - start.cpu) / COUNT
        rest = f"{cost.cpu / alone:.2f} of the loader, {cost.wall:.2f} s wall, {cost.megabytes:.0f} MB"
        lines.append(f"{name:<13}{cost.cpu:6.2f} s CPU ({each:.3f} per 1,000 beyond the start), {rest}")
    sys.stderr.write("\n" + "\n".join(lines) + "\n")
    for cost in costs.values():
        assert cost.code == 0
        assert cost.megabytes < 300
    assert 1000 * (cold.cpu - start.cpu) / COUNT <= 1.0
    assert 1000 * (warm.cpu - start.cpu) / COUNT <= 0.1
