"""What a language model is asked and what it answers, and the interface that every kind of model offers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from compass.errors import OutsideError

LONGEST: Final = 1_000_000
"""Characters of an answer that are read at most, whatever the server sends."""

_TEMPLATE: Final = 256  # tokens that a chat template and the schema's grammar add at most


class UnreachableError(OutsideError):
    """No model was reached: there is no connection, no such model, or no permission; nothing was spent."""


@dataclass(frozen=True)
class Call:
    """One question: instructions, the text to answer, and the JSON schema that the answer has to follow.

    `max_tokens` bounds the answer; `context` is the window of prompt and answer in tokens, set explicitly because a
    server's default cuts prompts silently; `seconds` bounds the whole call.
    """

    system: str
    prompt: str
    schema: Mapping[str, Any]
    max_tokens: int
    context: int
    seconds: float
    temperature: float = 0.0
    seed: int = 0

    @property
    def most_tokens_in(self) -> int:
        """No more tokens than this are read: every token stands for a byte at least."""
        schema = len(json.dumps(self.schema, ensure_ascii=False).encode())
        text = len(self.system.encode("utf-8", "replace")) + len(self.prompt.encode("utf-8", "replace"))
        return text + schema + _TEMPLATE

    def digest(self, identity: str) -> str:
        """SHA-256 over the model, the prompt, the schema and the options: calls with one digest are identical.

        How long one is willing to wait changes no answer and is left out.
        """
        parts = {
            "model": identity,
            "system": self.system,
            "prompt": self.prompt,
            "schema": self.schema,
            "options": [self.max_tokens, self.context, self.temperature, self.seed],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """An answer as it came, unexamined, with what it cost; None where the server does not count its tokens.

    `cut` says that the server stopped it at the longest answer that was asked for.
    """

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None
    seconds: float
    cached: bool = False
    cut: bool = False


def counted(value: object) -> int | None:
    """A count of tokens as a server gives it; None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class LLM(Protocol):
    """A language model. Its text is untrusted input, to be validated like a file."""

    @property
    def model(self) -> str:
        """The model's name, as prices and records know it."""
        ...

    @property
    def identity(self) -> str:
        """Kind of server, address and model: what an answer depends on beside the question."""
        ...

    @property
    def free(self) -> bool:
        """Whether no call costs money: it runs on this machine."""
        ...

    def ask(self, call: Call) -> Reply:
        """Answer within `call.seconds`; OutsideError when there is none, UnreachableError if nothing was spent."""
        ...

    def alive(self, seconds: float) -> str:
        """What answers, in words; OutsideError when nothing does, or the model is not there."""
        ...
