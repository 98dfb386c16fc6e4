"""`compass draft`: a finished investigation becomes a draft post-mortem and a draft pattern, in the repository of its record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from compass import __version__
from compass.adapters.documents import YamlProblem, parse_yaml, split, write_atomically
from compass.errors import NegativeAnswerError
from compass.library import Library
from compass.library.source import plain_path
from compass.model.entry import FOLDERS, KINDS
from compass.model.foreign import untrusted
from compass.model.ids import new_id, slug
from compass.model.investigation import Experiment, Hypothesis, Investigation, Verdict
from compass.model.scope import Level
from compass.workflows.drafted_text import pattern_body, postmortem_body
from compass.workflows.initialize import draft_text, entry_path
from compass.workflows.model_prose import phrased

KIND_NAMES: Final = ("postmortem", "pattern")
_EVIDENCE: Final = 6
_RIVALS: Final = 4
_TYPES: Final = {
    "prometheus": "metric",
    "loki": "log",
    "tempo": "trace",
    "changes": "change",
    "alerts": "alert",
}
_RANGE: Final = re.compile(r"\[\d+ms\]$")
_COMPONENT: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


@dataclass(frozen=True)
class Draft:
    """One draft: written now, or kept because an earlier run wrote it."""

    kind: str
    id: str
    path: str
    written: bool


@dataclass(frozen=True)
class _Making:
    """What a draft takes from outside the record."""

    today: date
    random: Random
    owner: str | None


def owner_of(library: Library) -> str | None:
    """The team whose entries these are: of the nearest repository of a team."""
    teams = [mount for mount in library.mounts if mount.level is Level.TEAM]
    nearest = min(teams, key=lambda mount: mount.distance, default=None)
    return f"group:default/{nearest.id.rpartition('/')[2]}" if nearest else None


def draft(
    root: Path,
    record: Investigation,
    kinds: Sequence[str],
    *,
    owner: str | None,
    now: datetime,
    random: Random,
) -> tuple[Draft, ...]:
    """Write the drafts that are not there yet; a draft that a person has edited since is left alone.

    NegativeAnswerError when only a pattern is asked for and no signal of the incident would recognize it.
    """
    made = _Making(now.date(), random, owner)
    seen = [one for _, one in _seen(record)]
    drafts = []
    for kind in kinds:
        known = _earlier(root, kind, record.id)
        if known:
            drafts.append(known)
        elif kind == "postmortem":
            plain = _postmortem(record, made), postmortem_body(record, seen)
            drafts.append(_write(root, *phrased(record, seen, *plain)))
        elif record.recognized_by is not None:
            plain = _pattern(record, made), pattern_body(record, seen)
            drafts.append(_write(root, *phrased(record, seen, *plain)))
        elif list(kinds) == ["pattern"]:
            raise NegativeAnswerError(
                "no signal was found that held during the incident and not before it",
                "`compass new pattern` starts an empty one",
            )
    return tuple(drafts)


def _write(root: Path, data: dict[str, Any], body: str) -> Draft:
    kind = data["kind"]
    KINDS[kind].model_validate(data)
    name, created = slug(data["title"]), date.fromisoformat(data["created"])
    path, number = entry_path(kind, name, created), 1
    while (root / path).exists():
        number += 1
        path = entry_path(kind, f"{name}-{number}", created)
    write_atomically(plain_path(root, path), draft_text(data, body, path).encode())
    return Draft(kind, data["id"], path, written=True)


def _earlier(root: Path, kind: str, investigation: str) -> Draft | None:
    """The draft of this kind that came from this investigation, if one is there."""
    folder = root / FOLDERS[kind]
    for path in sorted([*folder.glob("*.md"), *folder.glob("*/*.md")]):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            text = path.read_text("utf-8")
            data = parse_yaml(split(text).front) if investigation in text else None
        except (OSError, UnicodeDecodeError, YamlProblem):
            continue
        origin = data.get("provenance") if isinstance(data, dict) else None
        if (
            isinstance(data, dict)
            and isinstance(origin, dict)
            and origin.get("investigation") == investigation
        ):
            return Draft(kind, str(data.get("id")), path.relative_to(root).as_posix(), written=False)
    return None


def _postmortem(record: Investigation, made: _Making) -> dict[str, Any]:
    patterns = [one.pattern for one in standing(record) if one.pattern]
    alerts = [one.time for one in record.timeline if one.source == "alerts"]
    start = min([*alerts, record.incident.detected])
    return {
        **_head("postmortem", record.incident.symptom, record, made),
        "times": {"start": _time(start), "detected": _time(record.incident.detected)},
        "contributing_causes": [
            {"text": cause.text, "level": str(cause.level)} for cause in record.contributing_causes
        ],
        "actions": [{"text": question} for question in questions(record)],
        **({"patterns": list(dict.fromkeys(patterns))} if patterns else {}),
        "evidence": evidence(record),
    }


def _pattern(record: Investigation, made: _Making) -> dict[str, Any]:
    best = standing(record)
    statement = next((one.statement for one in best if one.origin != "pattern"), record.incident.symptom)
    match = record.recognized_by
    plain = match.model_dump(mode="json", by_alias=True, exclude_defaults=True) if match else {}
    return {
        **_head("pattern", f"{statement}: {record.incident.symptom}", record, made),
        "match": plain,
        "hypotheses": rivals(record),
        "contributing_causes": [
            {"text": cause.text, "level": str(cause.level)} for cause in record.contributing_causes
        ],
        "evidence": evidence(record),
    }


def _head(kind: str, title: str, record: Investigation, made: _Making) -> dict[str, Any]:
    services = dict.fromkeys(one.service for one in standing(record) if one.service)
    named = [
        f"component:default/{name}" for name in services if set(name) <= _COMPONENT and name[0].isalnum()
    ]
    return {
        "schema": 1,
        "kind": kind,
        "id": new_id(kind, made.random),
        "title": _cut(title),
        "status": "draft",
        "created": made.today.isoformat(),
        "summary": _summary(record),
        **({"owner": made.owner} if made.owner else {}),
        **({"services": named} if named else {}),
        "provenance": {
            "drafted_by": "agent",
            "tool": f"compass {__version__}",
            "investigation": record.id,
        },
    }


def _summary(record: Investigation) -> str:
    best = standing(record)
    found = best[0].statement if best else "No explanation stood up to its experiments"
    return _cut(f"{record.incident.symptom.rstrip('.')}. {found}.", 400)


def _cut(title: str, limit: int = 100) -> str:
    """A title of one line, cut at a word."""
    plain = " ".join(untrusted(title).split())
    return plain if len(plain) <= limit else plain[: limit - 1].rsplit(" ", 1)[0] + "…"


def standing(record: Investigation) -> list[Hypothesis]:
    """The supported hypotheses that are likelier than not, best first."""
    return [one for one in record.hypotheses if one.verdict is Verdict.SUPPORTED and one.confidence >= 0.5]


def evidence(record: Investigation) -> list[dict[str, Any]]:
    """What the experiments saw that decided something, as stored evidence e1, e2, …"""
    return [_evidence(number, one, record) for number, (_, one) in enumerate(_seen(record), 1)]


def _seen(record: Investigation) -> list[tuple[str, Experiment]]:
    found: dict[str, Experiment] = {}
    for hypothesis in standing(record) or record.hypotheses[:1]:
        for one in hypothesis.experiments:
            if _excerpt(one) and one.verdict is not Verdict.INCONCLUSIVE:
                found.setdefault(f"{one.query}{one.window.start}", one)
    return list(found.items())[:_EVIDENCE]


def _excerpt(one: Experiment) -> str:
    """Trailing blanks would not survive a block of YAML, and the digest is of what stands in the file."""
    return "\n".join(line.rstrip() for line in one.observed.splitlines()).strip()


def _evidence(number: int, one: Experiment, record: Investigation) -> dict[str, Any]:
    observed = _excerpt(one)
    return {
        "id": f"e{number}",
        "type": _TYPES[one.datasource],
        "datasource": one.datasource,
        "query": one.query,
        "window": {"from": _time(one.window.start), "to": _time(one.window.end)},
        "observed": observed,
        "captured": _time(record.started),
        "sha256": hashlib.sha256(observed.encode()).hexdigest(),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def rivals(record: Investigation) -> list[dict[str, Any]]:
    """The competing hypotheses with the query that would refute each."""
    found: list[dict[str, Any]] = []
    for hypothesis in record.hypotheses:
        asked: Mapping[str, Experiment] = {
            one.datasource: one for one in reversed(hypothesis.experiments) if "\n" not in one.query
        }
        usable = next((asked[name] for name in ("prometheus", "loki", "tempo") if name in asked), None)
        if usable is not None and len(found) < _RIVALS:
            found.append(
                {
                    "id": f"h{len(found) + 1}",
                    "statement": hypothesis.statement,
                    "predicts": hypothesis.predicts,
                    "refuted_by": {
                        "query": _RANGE.sub("", usable.query),
                        "datasource": usable.datasource,
                        "when": usable.refuted_when,
                    },
                }
            )
    return found


def questions(record: Investigation) -> list[str]:
    """Actions as questions: a person decides what is done."""
    asked = [
        f"What would have made it impossible, or harmless, that {cause.text[0].lower()}{cause.text[1:].rstrip('.')}?"
        for cause in record.contributing_causes
    ]
    asked += [f"What would it take to see this the next time: {lack}?" for lack in record.missing[:2]]
    return asked or ["What would have shown the cause sooner?"]
