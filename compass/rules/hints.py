"""What to do next about a file that cannot be read, where the reader itself could not say."""

from __future__ import annotations

import re
from typing import Final

from compass.model.base import Problem

_HINTS: Final = tuple(
    (rule, re.compile(pattern), hint)
    for rule, pattern, hint in (
        ("yaml", r"stands here twice", "keep one of the two"),
        (
            "yaml",
            r"does not start with front matter",
            "begin with `---`, fields and `---`; `compass new` writes such a file",
        ),
        ("yaml", r"is not closed", "close the front matter with a line of three hyphens"),
        ("yaml", r"larger than", "keep fields short, and move long text into the body"),
        ("yaml", r"control character", "delete the character, or save the file as plain UTF-8 text"),
        (
            "yaml",
            r"tab|cannot start any token",
            "indent with spaces, and quote values that begin with a special character",
        ),
        ("yaml", r"mapping values", "quote a value that holds a colon and a space"),
        ("yaml", r"flow (?:sequence|mapping)", "close the bracket that was opened before"),
        ("yaml", r"anchors|tags|nested", "write the value out plainly"),
        ("yaml", r"", "look at the indentation and quotes here and on the line before"),
        ("schema", r"^the field '([^']+)' is missing", r"add `\1: …`; `compass schema <kind>` describes it"),
        (
            "schema",
            r"^(?:\w+\.)*id: .*pattern",
            "an id is pat-, run- or pm- and ten characters; `compass new` draws one",
        ),
        ("schema", r"owner: .*pattern", "write it as group:default/<team>"),
        ("schema", r"services\.\d+: .*pattern", "write it as component:default/<name>"),
        ("schema", r"tags\.\d+: .*pattern", "write it as category:value, in lower case"),
        ("schema", r"timezone", "end the time with its zone, such as Z or +02:00"),
        (
            "schema",
            r"\bdate(?:time)?\b|\bday\b|\bmonth\b",
            "write a real day as 2026-03-14, or a time as 2026-03-14T09:26:53Z",
        ),
        (
            "schema",
            r"signal '[^']+', which is not defined",
            "define the signal under match.signals, or correct the name",
        ),
        ("schema", r"at most (\d+) character", r"shorten it to \1 characters"),
        ("schema", r"at least", "fill it in, or remove the field"),
        ("schema", r"should be a valid (\w+)", r"write a \1 here"),
        ("schema", r"", "`compass schema <kind>` describes what may stand here"),
        ("json", r"twice", "keep one of the two"),
        ("json", r"", "look at the commas and quotes here and on the line before; JSON has no comments"),
        (
            "catalog",
            r"",
            "https://backstage.io/docs/features/software-catalog/descriptor-format describes this file",
        ),
    )
)


def with_hint(problem: Problem) -> Problem:
    """The problem with something to do next."""
    if problem.hint:
        return problem
    for rule, pattern, hint in _HINTS:
        found = pattern.search(problem.message) if rule == problem.rule else None
        if found:
            return problem.model_copy(update={"hint": found.expand(hint)})
    return problem
