"""The same recording at another time: what happens again, some days later."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def shifted(folder: Path, target: Path, name: str, days: int) -> Path:
    """A copy of the recording `folder` below `target`, so many days later."""
    place = target / name
    shutil.copytree(folder, place)
    for path in sorted(one for one in place.rglob("*") if one.is_file()):
        text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
        text = _STAMP.sub(lambda found: _later(found[0], days), text)
        if path.name.startswith("metrics"):
            text = _rows(text, days)
        elif path.name.startswith(("logs", "traces")):
            text = "".join(f"{_numbers(line, days)}\n" for line in text.splitlines())
        elif path.name == "recording.yaml":
            text = re.sub(r"^id: .*$", f"id: {name}", text, flags=re.MULTILINE)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return place


def _later(stamp: str, days: int) -> str:
    moment = datetime.fromisoformat(stamp).astimezone(UTC) + timedelta(days=days)
    return moment.isoformat().replace("+00:00", "Z")


def _rows(text: str, days: int) -> str:
    head, *rows = text.splitlines()
    moved = [row.split(",", 1) for row in rows]
    return "\n".join([head, *(f"{float(time) + 86400 * days:.0f},{rest}" for time, rest in moved)]) + "\n"


def _numbers(line: str, days: int) -> str:
    row = json.loads(line)
    for key in ("time_ns", "start_ns", "end_ns"):
        if key in row:
            row[key] += days * 86_400_000_000_000
    return json.dumps(row)
