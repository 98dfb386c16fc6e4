"""Every text of an entry through the anonymizer: prose is rewritten, what a machine reads is kept whole or dropped."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from compass.anonymize import ALLOW_PATH, Redacted
from compass.anonymize.spans import SECRET, UNKNOWN
from compass.errors import NegativeAnswerError
from compass.federation.partial import without
from compass.library import LoadedEntry
from compass.model.ids import LINK
from compass.model.proposal import Replaced

Path_ = tuple[str | int, ...]
_TYPED: Final = frozenset({
    "schema", "kind", "id", "status", "created", "severity", "review_by", "last_verified", "confirmed",
    "superseded_by", "withdrawn", "owner", "services", "related", "mitigations", "patterns", "times", "type", "risk",
    "level", "strength", "due", "window", "captured", "redacted", "drafted_by", "op", "for", "within", "count",
})  # fmt: skip
"""Fields whose values are ids, dates, numbers or words of a fixed list: the schema leaves no room for a name."""
_WHOLE: Final = frozenset({"tags", "aliases", "references", "alerts"})
"""Lists whose items mean something to a machine: one that holds a private word is dropped, not rewritten."""

_SPDX: Final = re.compile(r"(?:Apache|MIT|BSD|CC|A?GPL|LGPL|MPL|EPL|ISC|0BSD|Unlicense)[0-9A-Za-z.+-]{0,30}")
_HIDDEN: Final = "⟨compass-link-"
"""In the shape of what the anonymizer itself writes, which it leaves alone."""


@dataclass
class Scrubber:
    """Runs `clean` over the parts of one entry and remembers what it did and what it was not sure of."""

    loaded: LoadedEntry
    clean: Callable[[str], Redacted]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsure: list[tuple[int, str]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def front(self, front: dict[str, Any]) -> dict[str, Any]:
        """The front matter with every free text rewritten."""
        found: dict[str, Any] = {}
        for key, value in front.items():
            if key == "match":
                match = self._match(value)
                found |= {"match": match} if match else {}
            elif key == "evidence":
                found[key] = [self._evidence(item, (key, number)) for number, item in enumerate(value)]
            elif key in _WHOLE:
                kept = self._kept(value, (key,))
                found |= {key: kept} if kept else {}
            else:
                found[key] = self._value(value, (key,))
        return found

    def body(self, body: str) -> str:
        """The Markdown body, rewritten; links stay, because what they may name was decided before."""
        links: list[str] = []

        def hide(found: re.Match[str]) -> str:
            links.append(found[0])
            return f"⟨compass-link-{len(links) - 1}⟩"

        hidden = LINK.sub(hide, body.replace(_HIDDEN, ""))
        clean = self._text(hidden, self.loaded.body_line)
        return re.sub(rf"{_HIDDEN}(\d+)⟩", lambda found: links[int(found[1])], clean)

    def refuse_unsure(self) -> None:
        """NegativeAnswerError with the place of every word that may or may not be private."""
        if not self.unsure:
            return
        lines = [f"{self.loaded.path}:{line}: {word!r}" for line, word in dict.fromkeys(sorted(self.unsure))]
        raise NegativeAnswerError(
            "\n  ".join(["the anonymizer is not sure of these words, so nothing leaves:", *lines]),
            f"reword each; or name it in catalog/private.yaml; or, if it is public, let it through in {ALLOW_PATH}: "
            "`words: [{word: …, reason: …}]`",
        )

    def notes(self) -> tuple[str, ...]:
        """What was dropped, and what to do about secrets."""
        secrets = sum(count for (klass, _), count in self.counts.items() if klass == SECRET)
        warning = f"{secrets} secrets stood in {self.loaded.path}: rotate them and remove them there"
        return (*self.dropped, *([warning] if secrets else []))

    def replaced(self) -> tuple[Replaced, ...]:
        """How often each rule replaced something."""
        return tuple(
            Replaced(klass=klass, rule=rule, count=count)
            for (klass, rule), count in sorted(self.counts.items())
        )

    def _value(self, value: Any, path: Path_) -> Any:
        if path[-1] in _TYPED or (path == ("license",) and _SPDX.fullmatch(str(value))):
            return value
        if isinstance(value, str):
            return self._text(value, self.loaded.line_of(path))
        if isinstance(value, list):
            return [self._value(item, (*path, number)) for number, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._value(item, (*path, key)) for key, item in value.items()}
        return value

    def _is_private(self, value: Any, path: Path_) -> bool:
        return bool(self._value(value, path) != value)

    def _kept(self, items: list[Any], path: Path_) -> list[Any]:
        kept = []
        for number, item in enumerate(items):
            if not self._is_private(item, (*path, number)):
                kept.append(item)
            else:
                self.dropped.append(
                    f"dropped: {'.'.join(map(str, path))}[{number}], which held a private word"
                )
        return kept

    def _evidence(self, item: dict[str, Any], path: Path_) -> dict[str, Any]:
        found = {
            key: value if key == "sha256" else self._value(value, (*path, key)) for key, value in item.items()
        }
        if found == item:
            return item
        digest = (
            {"sha256": hashlib.sha256(found["observed"].encode()).hexdigest()} if "observed" in found else {}
        )
        return found | digest | {"redacted": True}

    def _match(self, match: dict[str, Any]) -> dict[str, Any] | None:
        """The match without the signals that name something private; None when nothing is left to decide by."""
        signals = match["signals"]
        gone = {
            name
            for name in signals
            if self._is_private([name, signals[name]], ("match", "signals", name, "signal"))
        }
        self.dropped += [f"dropped: the signal {name}, which held a private word" for name in sorted(gone)]
        condition = without(match["condition"], gone)
        if condition is None:
            return None
        found = dict(match) | {
            "signals": {name: signal for name, signal in signals.items() if name not in gone}
        }
        for key in ("group_by", "exclude"):
            if key in match:
                found[key] = self._kept(match[key], ("match", key))
        if "order" in match:
            found["order"] = [name for name in match["order"] if name not in gone]
        if "weights" in match:
            found["weights"] = {name: weight for name, weight in match["weights"].items() if name not in gone}
        return found | {"condition": condition} | ({"partial": True} if gone else {})

    def _text(self, text: str, line: int) -> str:
        result = self.clean(text)
        for span in result.spans:
            self.counts[span.label, span.rule] += 1
            if span.label == UNKNOWN:
                self.unsure.append((line + text.count("\n", 0, span.start), text[span.start : span.end]))
        return result.text
