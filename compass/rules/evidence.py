"""Rules about evidence: what is stored is cited, what is cited is stored, and neither has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place
from compass.rules.text import citations

_SEEN = "wait 31 s"
_DIGEST = hashlib.sha256(_SEEN.encode()).hexdigest()
_EVIDENCE = f"evidence: [{{id: e1, type: log, query: '{{service_name=\"checkout\"}}', observed: {_SEEN}, sha256: {_DIGEST}}}]"


class EvidenceUndefined(Rule):
    """A claim that cites nothing is a claim without evidence."""

    id = "evidence-undefined"
    sentence = "Every `[^e1]` in the body names a piece of evidence in the front matter."
    local = True
    good = Example(front=_EVIDENCE, body="Callers waited.[^e1]")
    bad = Example(front=_EVIDENCE, body="Callers waited.[^e1] Nobody was paged.[^e2]")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look up each citation."""
        del context
        known = {evidence.id for evidence in loaded.entry.evidence}
        for name, offset in citations(loaded.body).items():
            if name not in known:
                hint = f"the entry holds {', '.join(sorted(known))}" if known else "add it to `evidence`"
                yield self.problem(
                    loaded, f"[^{name}] names no evidence of this entry", Place(offset=offset), hint
                )


class EvidenceUncited(Rule):
    """Evidence that no sentence uses proves nothing."""

    id = "evidence-uncited"
    sentence = "Every piece of evidence is cited in the body."
    severity = Severity.WARNING
    local = True
    good = Example(front=_EVIDENCE, body="Callers waited.[^e1]")
    bad = Example(front=_EVIDENCE, body="Callers waited.")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Look for a citation of each."""
        del context
        if not loaded.entry.evidence:
            return
        cited = citations(loaded.body)
        for number, evidence in enumerate(loaded.entry.evidence):
            if evidence.id not in cited:
                place = Place(("evidence", number, "id"))
                yield self.problem(
                    loaded,
                    f"no sentence cites the evidence {evidence.id}",
                    place,
                    f"write [^{evidence.id}] after what it shows",
                )


class EvidenceTwice(Rule):
    """A citation must lead to one piece of evidence."""

    id = "evidence-twice"
    sentence = "The ids of an entry's evidence, hypotheses and steps are each given once."
    local = True
    good = Example(front=_EVIDENCE, body="Callers waited.[^e1]")
    bad = Example(
        front="evidence: [{id: e1, type: log, observed: a}, {id: e1, type: log, observed: b}]",
        body="Callers waited.[^e1]",
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compare ids within each list."""
        del context
        for name in ("evidence", "hypotheses", "steps"):
            seen: set[str] = set()
            for number, item in enumerate(getattr(loaded.entry, name, ())):
                if item.id in seen:
                    yield self.problem(
                        loaded,
                        f"{item.id!r} stands twice in {name}",
                        Place((name, number, "id")),
                        "number them",
                    )
                seen.add(item.id)


class EvidenceDigest(Rule):
    """An excerpt that was edited afterwards is not evidence."""

    id = "evidence-digest"
    sentence = "The digest of a piece of evidence is that of its excerpt."
    local = True
    good = Example(front=_EVIDENCE, body="Callers waited.[^e1]")
    bad = Example(front=_EVIDENCE.replace(_SEEN, "wait 3 s"), body="Callers waited.[^e1]")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Compute it again from the UTF-8 bytes."""
        del context
        for number, evidence in enumerate(loaded.entry.evidence):
            if evidence.observed is None or evidence.sha256 is None:
                continue
            found = hashlib.sha256(evidence.observed.encode()).hexdigest()
            if found != evidence.sha256:
                message = (
                    f"the excerpt of {evidence.id} is not what was captured: its digest is {found[:12]}…"
                )
                yield self.problem(
                    loaded,
                    message,
                    Place(("evidence", number, "sha256")),
                    f"restore the excerpt, or capture it again (sha256: {found})",
                )


class EvidenceWithoutExcerpt(Rule):
    """Telemetry expires; the excerpt is what remains."""

    id = "evidence-without-excerpt"
    sentence = "Evidence holds what was observed with its digest, unless it was redacted on the way up."
    severity = Severity.WARNING
    local = True
    good = Example(front=_EVIDENCE, body="Callers waited.[^e1]")
    bad = Example(
        front="evidence: [{id: e1, type: log, query: '{service_name=\"checkout\"}'}]",
        body="Callers waited.[^e1]",
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Ask for both fields."""
        del context
        for number, evidence in enumerate(loaded.entry.evidence):
            missing = [name for name in ("observed", "sha256") if getattr(evidence, name) is None]
            if missing and not evidence.redacted:
                digest = (
                    hashlib.sha256(evidence.observed.encode()).hexdigest()
                    if evidence.observed is not None
                    else None
                )
                hint = f"add `sha256: {digest}`" if digest else "add the excerpt that shows it (4 kB at most)"
                yield self.problem(
                    loaded,
                    f"the evidence {evidence.id} has no {' and no '.join(missing)}",
                    Place(("evidence", number, "id")),
                    hint,
                )
