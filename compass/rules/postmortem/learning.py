"""Rules about learning: what went well, where luck helped, what surprised, and where the lesson is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from compass.library import LoadedEntry
from compass.model.base import Severity
from compass.model.entry import Postmortem
from compass.rules.postmortem.base import Finding, PostmortemRule
from compass.rules.postmortem.specimen import specimen

_PATTERN: Final = re.compile(
    r"\[\[pat-|\bno (?:\w+ )?pattern\b|\bpattern (?:will|is to) follow\b", re.IGNORECASE
)
_RELATED: Final = re.compile(
    r"\[\[pm-|\b(?:similar|related|earlier|previous|other|past) (?:incident|post-?mortem)s?\b", re.IGNORECASE
)


class _Empty(PostmortemRule):
    """A field that tells something is not empty."""

    formal = True
    field: ClassVar[str]
    hint: ClassVar[str]
    good = specimen()

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look at the field."""
        del loaded
        if not getattr(entry, self.field):
            yield Finding(f"{self.field!r} is empty", hint=self.hint)


class NothingWentWell(_Empty):
    """What held must be kept, and nobody keeps what nobody names."""

    id = "PM040"
    sentence = "From `verified`, a post-mortem says what went well."
    severity = Severity.WARNING
    field = "what_went_well"
    hint = "add what found it, what limited it and who knew what to do"
    bad = specimen(without="what_went_well")


class NoLuck(_Empty):
    """Where luck helped, the next incident is worse."""

    id = "PM041"
    sentence = "From `verified`, a post-mortem says where luck helped."
    severity = Severity.INFO
    field = "where_we_got_lucky"
    hint = "add what would have made it worse: another hour, another day, one more fault"
    bad = specimen(without="where_we_got_lucky")


class NoSurprise(_Empty):
    """A surprise shows where the system differs from what people believe about it."""

    id = "PM042"
    sentence = "From `verified`, a post-mortem says what surprised those who were there."
    severity = Severity.INFO
    field = "what_surprised_us"
    hint = "ask each participant, before the meeting"
    bad = specimen(without="what_surprised_us")


class NoPattern(PostmortemRule):
    """A lesson that stays in one report is learnt again."""

    id = "PM043"
    sentence = "From `verified`, a post-mortem links the pattern that it confirms or began, or says that there is none and why."
    severity = Severity.WARNING
    formal = True
    good = specimen()
    bad = specimen("The pool was full.[^e1] No similar incident was found.")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look for a link, or for the word that there is none."""
        if not entry.patterns and not _PATTERN.search(loaded.body):
            yield Finding(
                "no pattern is linked",
                hint="add it to `patterns`, or say in the body `No pattern, because …`",
            )


class NotCompared(PostmortemRule):
    """The same conditions met before, more often than not."""

    id = "PM044"
    sentence = "From `verified`, a post-mortem says which incidents it was compared with."
    severity = Severity.INFO
    formal = True
    good = specimen()
    bad = specimen("The pool was full.[^e1] No pattern, because it was new.")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look for relations, links and words."""
        if not entry.related and not _RELATED.search(loaded.body):
            hint = "run `compass search`, add what you find to `related`, or say that no similar incident was found"
            yield Finding("it was compared with no other incident", hint=hint)
