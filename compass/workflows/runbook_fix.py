"""What an investigation adds to the runbook that it cites: a unified diff, printed and kept as a patch that Git applies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Final

from compass.adapters.documents import write_atomically
from compass.library import Library, LoadedEntry
from compass.library.source import plain_path
from compass.model.entry import Runbook
from compass.model.investigation import Experiment, Hypothesis, Investigation, Verdict
from compass.workflows.drafted_text import escaped

_SECTION: Final = "## diagnosis"
_RANGE: Final = re.compile(r"\[\d+ms\]$")
_DECIDING: Final = 4
_RIVALS: Final = 3
_CITED: Final = re.compile(r"(?P<repo>[^@\s]+)@[0-9a-f]+:(?P<path>runbooks/[^\n#]+)#")


@dataclass(frozen=True)
class Fix:
    """A change of one runbook: the repository and file it applies to, the patch file below the record's repository."""

    runbook: str
    repository: str
    path: str
    patch: str
    diff: str
    written: bool


def runbook_fix(
    root: Path, record: Investigation, standing: Sequence[Hypothesis], library: Library
) -> Fix | None:
    """The fix of the first runbook that a standing hypothesis cites; None when none does, or there is nothing to add."""
    for hypothesis in standing:
        for citation in hypothesis.citations:
            found = _CITED.match(citation.ref)
            loaded = found and _entry(library, found["repo"], found["path"])
            if loaded:
                same = [one for one in standing if one.service == hypothesis.service]
                diff = _diff(loaded, _added(record, same))
                return _kept(root, record, loaded, diff) if diff else None
    return None


def _entry(library: Library, repo: str, path: str) -> LoadedEntry | None:
    return next(
        (
            one
            for one in library.entries
            if one.mount.id == repo and one.path == path and isinstance(one.entry, Runbook)
        ),
        None,
    )


def _kept(root: Path, record: Investigation, loaded: LoadedEntry, diff: str) -> Fix:
    place = f"investigations/{record.started.year}/{record.id}-{loaded.id}.patch"
    path = plain_path(root, place)
    written = not path.exists()
    if written:
        write_atomically(path, diff.encode())
    else:
        diff = path.read_text("utf-8")
    return Fix(loaded.id, loaded.mount.id, loaded.path, place, diff, written)


def _diff(loaded: LoadedEntry, added: list[str]) -> str:
    """The new lines at the end of the section Diagnosis, or of the file where there is none."""
    lines = loaded.text.splitlines()
    if not added or added[0] in lines:
        return ""
    heads = [at for at, line in enumerate(lines) if at >= loaded.body_line - 1 and line.startswith("## ")]
    own = next((at for at in heads if lines[at].strip().lower() == _SECTION), None)
    end = next((at for at in heads if own is not None and at > own), len(lines))
    while end > 0 and not lines[end - 1].strip():
        end -= 1
    new = [*lines[:end], "", *added, *lines[end:]]
    changed = unified_diff(lines, new, f"a/{loaded.path}", f"b/{loaded.path}", n=3, lineterm="")
    return "".join(f"{line}\n" for line in changed)


def _added(record: Investigation, standing: Sequence[Hypothesis]) -> list[str]:
    """What told the hypotheses that stand from their rivals, with the queries to ask it again."""
    supported = [one for each in standing for one in each.experiments if one.verdict is Verdict.SUPPORTED]
    single = {one.question: one for one in supported if "\n" not in one.query}
    deciding = [*single.values(), *(one for one in supported if "\n" in one.query)][:_DECIDING]
    others = [one for one in record.hypotheses if one.verdict is Verdict.REFUTED][:_RIVALS]
    rows = [
        *(row for one in deciding for row in _question(one)),
        *(row for one in others for row in _rival(one)),
    ]
    if not rows:
        return []
    when = f"{record.incident.detected:%Y-%m-%d}"
    return [f"What told it from its rivals on {when} ({record.id}):", "", *rows]


def _question(one: Experiment) -> Iterator[str]:
    yield f"- {escaped(one.question)} {escaped(one.reason)}."
    if "\n" not in one.query:
        yield f"  Asked of {one.datasource}: {_code(_RANGE.sub('', one.query))}."


def _rival(hypothesis: Hypothesis) -> Iterator[str]:
    reason = hypothesis.refuted_by_person or next(
        (one.reason for one in hypothesis.experiments if one.verdict is Verdict.REFUTED),
        "its experiments refuted it",
    )
    yield f"- It was not: {escaped(hypothesis.statement)} ({escaped(reason)})."


def _code(query: str) -> str:
    marks = "``" if "`" in query else "`"
    inner = f" {query} " if "`" in query else query
    return f"{marks}{inner}{marks}"
