"""Pseudonyms: the same entity has the same replacement, and keeps it for as long as the entry lives."""

from __future__ import annotations

import json
from collections.abc import Mapping

from compass.errors import ConfigError


class Pseudonyms:
    """Numbers entities per group in order of appearance: `⟨host-1⟩`, `⟨person-2⟩`.

    Ordinals carry no information, unlike a hash of a name or an address, which can be guessed.
    The map holds originals, so it stays in the source repository (`.compass/maps/<entry id>.json`).
    Secrets are numbered too, but their values are never written down by `dump`.
    """

    def __init__(self, known: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self._numbers: dict[str, dict[str, int]] = {
            group: dict(keys) for group, keys in (known or {}).items()
        }

    def replacement(self, word: str, group: str, key: str) -> str:
        """`⟨word-n⟩`, where n belongs to `key` within `group`."""
        numbers = self._numbers.setdefault(group, {})
        number = numbers.get(key)
        if number is None:
            number = max(numbers.values(), default=0) + 1
            numbers[key] = number
        return f"⟨{word}-{number}⟩"

    def dump(self) -> str:
        """The map as canonical JSON text; values of secrets are left out, only their highest number stays."""
        kept: dict[str, dict[str, int]] = {}
        for group, keys in self._numbers.items():
            kept[group] = {"": max(keys.values())} if group == "secret" and keys else dict(keys)
        return json.dumps({"schema": 1, "numbers": kept}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def load(cls, text: str) -> Pseudonyms:
        """Read what `dump` wrote; ConfigError when it is something else."""
        try:
            data = json.loads(text)
            numbers = data["numbers"]
            if data["schema"] != 1:
                raise ConfigError("the pseudonym map was written by a newer version", "update compass")
            return cls(
                {str(group): {str(key): int(n) for key, n in keys.items()} for group, keys in numbers.items()}
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"the pseudonym map cannot be read: {error}", "restore it from Git history"
            ) from error
