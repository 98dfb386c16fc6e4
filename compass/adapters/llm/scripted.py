"""A model that says what a script says: for tests, for plug-ins, and to see what a bad model can do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from compass.adapters.llm.call import Call, Reply
from compass.errors import ConfigError, OutsideError

Script = Callable[[Call], str]


@dataclass
class Scripted:
    """Answers with what `script` makes of a call; `calls` keeps what was asked.

    Tokens are counted as words. A script may raise OutsideError, as a server that does not answer.
    """

    script: Script
    model: str = "scripted"
    free: bool = True
    calls: list[Call] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Kind and model."""
        return f"scripted {self.model}"

    def ask(self, call: Call) -> Reply:
        """The script's answer, at once."""
        self.calls.append(call)
        text = self.script(call)
        return Reply(
            text, self.model, len(call.system.split()) + len(call.prompt.split()), len(text.split()), 0.0
        )

    def alive(self, seconds: float) -> str:  # noqa: ARG002  # the interface's argument
        """It always is."""
        return f"the script {self.model} answers"


def honest(call: Call) -> str:
    """The shortest answer that the schema allows: whatever has to be chosen is the first choice."""
    return json.dumps(_made(call.schema, "what was seen"))


def lying(call: Call) -> str:
    """An answer in the right form whose every word is invented."""
    return json.dumps(
        _made(
            call.schema,
            "It is certain: the ghost service failed 98765 times, see https://evil.example/proof and"
            " team/x@0123456789abcdef0123456789abcdef01234567:runbooks/x.md#L1-L2",
            last=True,
        )
    )


def garbage(_call: Call) -> str:
    """No JSON, and control characters."""
    return "\x1b[2J\x07 Sure! Here is the answer: {{{"


def slow(call: Call) -> str:
    """No answer within any time."""
    raise OutsideError(f"the language model did not answer within {call.seconds:.3g} seconds")


SCRIPTS: Final[Mapping[str, Script]] = {
    "honest": honest,
    "lying": lying,
    "garbage": garbage,
    "slow": slow,
}


def scripted(name: str) -> Scripted:
    """A script by its name, or a file with one answer on each line, given in turn; the last one is repeated.

    ConfigError for what is neither.
    """
    if name in SCRIPTS:
        return Scripted(SCRIPTS[name], name)
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"{name!r} is no script", f"one of {', '.join(SCRIPTS)}, or a file with one answer on each line"
        )
    answers = path.read_text("utf-8").splitlines() or [""]
    left = iter(answers)
    return Scripted(lambda _: next(left, answers[-1]), path.name)


def _made(schema: Mapping[str, Any], words: str, *, last: bool = False) -> Any:
    """The smallest value that follows a schema of objects, lists, strings and choices."""
    if choices := schema.get("enum"):
        return choices[-1 if last else 0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _made(part, words, last=last) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_made(schema.get("items", {}), words, last=last)]
    return words
