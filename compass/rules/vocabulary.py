"""Rules about the words that a repository agreed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

from pydantic import Field, ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.library import Mount
from compass.model.base import Model, Problem, SchemaVersion, Severity
from compass.model.entry import Tag
from compass.rules.base import Context, Example, Rule, nearest, raw_file
from compass.rules.place import Place

TAGS: Final = "vocabulary/tags.yaml"
_LISTED: Final = (Example(path=TAGS, raw="schema: 1\ntags: ['layer:memory', 'symptom:latency']\n"),)


class Tags(Model):
    """vocabulary/tags.yaml: the tags that entries here and below may carry."""

    schema_version: Annotated[SchemaVersion, Field(alias="schema")]
    tags: tuple[Tag, ...]


class UnknownTag(Rule):
    """Two spellings of one tag are two places to look, and a search for either finds half."""

    id = "unknown-tag"
    sentence = (
        "Where `vocabulary/tags.yaml` stands in the repository or above it, a tag is one of those it lists."
    )
    severity = Severity.WARNING
    gradual = True
    good = Example(front="tags: ['symptom:latency']", beside=_LISTED)
    bad = Example(front="tags: ['symptom:latancy']", beside=_LISTED)

    def finish(self, context: Context) -> Iterable[Problem]:
        """Look up every tag; nothing is unknown where a list could not be read."""
        read = [_read(mount) for mount in context.library.mounts]
        yield from self._unreadable(read[0])
        lists = [one for one in read if isinstance(one, Tags)]
        if not lists or context.blind_parent or any(isinstance(one, str) for one in read):
            return
        known = sorted({tag for one in lists for tag in one.tags})
        allowed = frozenset(known)
        for loaded in context.own:
            for number, tag in enumerate(context.facts(loaded).tags):
                if tag not in allowed:
                    near = nearest(tag, known)
                    hint = (
                        f"did you mean {near!r}?" if near else f"use a listed tag, or propose it for {TAGS}"
                    )
                    message = f"the tag {tag!r} is not in {TAGS}"
                    yield self.problem(loaded, message, Place(("tags", number)), hint)

    def _unreadable(self, own: Tags | str | None) -> Iterator[Problem]:
        if isinstance(own, str):
            hint = "write `schema: 1` and `tags: [category:value, …]`"
            message = f"the list of tags cannot be read: {own}"
            yield Problem(
                rule=self.id, severity=self.severity, message=message, path=TAGS, line=1, column=1, hint=hint
            )


def _read(mount: Mount) -> Tags | str | None:
    """The list of a repository, why it cannot be read, or None when there is none."""
    text = raw_file(mount, TAGS).decode("utf-8", "replace")
    if not text:
        return None
    try:
        return Tags.model_validate(parse_yaml(text))
    except YamlProblem as problem:
        return f"line {problem.line}: {problem.message}"
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
