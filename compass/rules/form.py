"""The rule about the one canonical form."""

from __future__ import annotations

from collections.abc import Iterator

from compass.adapters.documents import YamlProblem, canonical, is_canonical
from compass.library import LoadedEntry
from compass.model.base import Problem, Severity
from compass.rules.base import Context, Example, Rule

_HEAD = "---\n# yaml-language-server: $schema=../.compass/schema/pattern.json\nschema: 1\nkind: pattern\nid: pat-0000000001\n"


class CanonicalForm(Rule):
    """With one form, a difference between two versions is a difference in meaning."""

    id = "canonical-form"
    sentence = "A file is as `compass fmt` writes it."
    severity = Severity.WARNING
    local = True
    good = Example(raw=f"{_HEAD}title: A title\nstatus: draft\ncreated: 2026-01-01\n---\n\nText.\n")
    bad = Example(raw=f"{_HEAD}status: draft\ntitle: A title\ncreated: 2026-01-01\n---\nText.\n")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Ask the cheap question first."""
        del context
        if is_canonical(loaded.text):
            return
        try:
            wanted = canonical(loaded.text)
        except YamlProblem:
            return
        if wanted != loaded.text:
            found = self.problem(loaded, "this is not the canonical form", hint="run `compass fmt`")
            yield found.model_copy(update={"line": _first(loaded.text, wanted)})


def _first(text: str, wanted: str) -> int:
    """The first line that differs."""
    pairs = zip(text.split("\n"), wanted.split("\n"), strict=False)
    return next(
        (number for number, (one, other) in enumerate(pairs, 1) if one != other), text.count("\n") + 1
    )
