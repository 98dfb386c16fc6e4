"""A rule about secrets: an entry is read by more people than any secret in it was given to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Problem
from compass.rules.base import Context, Example, Rule
from compass.rules.hidden import texts
from compass.rules.place import Place

_PUBLIC: Final = ("LS0tLS1CRUdJTiBDRVJU", "LS0tLS1CRUdJTiBQVUJM")
"""How `-----BEGIN CERT…` and `-----BEGIN PUBL…` begin in base64: nothing secret."""

_HINT: Final = "revoke it first, for it may have been read; then write <token> or ${TOKEN} in its place"

_TOKEN: Final = "_".join(
    ("ghp", "A1b2C3d4E5f6G7h8I9j0" * 2)
)  # put together here, so that no scanner takes it for one


class Secret(Rule):
    """What is committed is copied with every clone; removing it later removes it nowhere else."""

    id = "secret"
    sentence = "An entry holds no key, token or password of a published format."
    local = True
    good = Example("runbook", body="Log in with `--token ${TOKEN}`, then read the pool's gauge.")
    bad = Example("runbook", body=f"Log in with `--token {_TOKEN}`, then read the pool's gauge.")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterator[Problem]:
        """Search the whole file; the secret itself is never repeated."""
        from compass.anonymize.secrets import find_secrets  # noqa: PLC0415  # a check that remembers all starts sooner

        del context
        text = loaded.text
        for found in find_secrets(text):
            if found.key.startswith(_PUBLIC) or "<" in found.key:
                continue
            line = text.count("\n", 0, found.start) + 1
            yield Problem(
                rule=self.id,
                severity=self.severity,
                message=_told(found.rule, found.end - found.start),
                path=loaded.path,
                line=line,
                column=found.start - text.rfind("\n", 0, found.start),
                hint=_HINT,
                entry=loaded.id,
            )
        if "\\" not in text[: len(text) - len(loaded.body)]:
            return
        for fields, value in texts(loaded):  # what only an escape hides stands in no line of the file
            for found in find_secrets(value):
                if found.key not in text and not found.key.startswith(_PUBLIC) and "<" not in found.key:
                    yield self.problem(
                        loaded, _told(found.rule, found.end - found.start), Place(fields), _HINT
                    )


def _told(rule: str, length: int) -> str:
    return f"this looks like a secret ({rule}, {length} characters)"
