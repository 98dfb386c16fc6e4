"""Words of PromQL, LogQL and TraceQL, and what their parsers have in common."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from compass.replay.matchers import CannotEvaluateError, Matcher

MAX_QUERY: Final = 20_000
MAX_DEPTH: Final = 60
UNITS_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<duration>(?:[0-9]+(?:\.[0-9]+)?(?:ms|ns|us|µs|[smhdwy]))+(?![A-Za-z0-9_]))
    |(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<op>=~|!~|!=|==|>=|<=|\|=|\|~|&&|\|\||[-+*/%^=<>(){}\[\],|.@!~])""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Token(NamedTuple):
    """A word: `kind` is duration, number, string, name, op or end."""

    kind: str
    text: str
    position: int


class Tokens:
    """The words of one query, read from left to right; every complaint is a CannotEvaluateError."""

    def __init__(self, query: str) -> None:
        if len(query) > MAX_QUERY:
            raise CannotEvaluateError(f"a query has {MAX_QUERY} characters at most")
        self.query = query
        self.tokens: list[Token] = []
        self.index = 0
        position = 0
        while position < len(query):
            found = _TOKEN.match(query, position)
            if not found:
                raise CannotEvaluateError(
                    f"{query[position]!r} at character {position + 1} is not understood"
                )
            if found.lastgroup and found.lastgroup != "space":
                self.tokens.append(Token(found.lastgroup, found.group(), position))
            position = found.end()
        self.tokens.append(Token("end", "the end of the query", len(query)))

    @property
    def now(self) -> Token:
        """The next word, not yet taken."""
        return self.tokens[self.index]

    def peek(self, ahead: int = 1) -> Token:
        """A word further on."""
        return self.tokens[min(self.index + ahead, len(self.tokens) - 1)]

    def next(self) -> Token:
        """Take the next word."""
        token = self.now
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def take(self, *texts: str) -> bool:
        """Take the next word if it is one of these operators or names."""
        if self.now.kind in {"op", "name"} and self.now.text in texts:
            self.next()
            return True
        return False

    def expect(self, text: str) -> None:
        """Take exactly this word."""
        if not self.take(text):
            raise self.wrong(f"{text!r} was expected")

    def kind(self, kind: str, what: str) -> str:
        """Take a word of this kind and give its text."""
        if self.now.kind != kind:
            raise self.wrong(f"{what} was expected")
        return self.next().text

    def wrong(self, what: str) -> CannotEvaluateError:
        """The complaint about the next word."""
        return CannotEvaluateError(f"{what} at character {self.now.position + 1}, not {self.now.text[:40]!r}")

    def string(self) -> str:
        """Take a quoted string and give what it stands for."""
        return unquoted(self.kind("string", "a quoted string"))

    def duration(self) -> int:
        """Take a duration and give its milliseconds."""
        return milliseconds(self.kind("duration", "a duration such as 5m"))

    def matchers(self) -> tuple[Matcher, ...]:
        """Take `{label="value", …}`, the braces included."""
        self.expect("{")
        found: list[Matcher] = []
        while not self.take("}"):
            label = self.kind("name", "a label's name")
            if self.now.text not in {"=", "!=", "=~", "!~"}:
                raise self.wrong("one of = != =~ !~ was expected")
            op = self.next().text
            found.append(Matcher(label, op, self.string()))
            if not self.take(","):
                self.expect("}")
                break
        return tuple(found)

    def labels(self) -> tuple[str, ...]:
        """Take `(label, …)`, the parentheses included."""
        self.expect("(")
        found: list[str] = []
        while not self.take(")"):
            found.append(self.kind("name", "a label's name"))
            if not self.take(","):
                self.expect(")")
                break
        return tuple(found)

    def end(self) -> None:
        """Nothing may follow."""
        if self.now.kind != "end":
            raise self.wrong("the end of the query was expected")


def milliseconds(text: str) -> int:
    """`1h30m` in milliseconds; CannotEvaluateError for fractions and finer units, which only TraceQL has."""
    if not re.fullmatch(r"(?:[0-9]{1,12}(?:ms|[smhdwy]))+", text):
        raise CannotEvaluateError(f"{text[:40]!r} is no duration such as 5m or 1h30m")
    return sum(int(count) * UNITS_MS[unit] for count, unit in re.findall(r"([0-9]+)(ms|[smhdwy])", text))


def unquoted(token: str) -> str:
    """What a quoted string stands for, with Go's escapes."""
    if token.startswith("`"):
        return token[1:-1]
    return _ESCAPE.sub(_unescaped, token[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        number = int(code, 16)
        if number > 0x10FFFF or 0xD800 <= number < 0xE000:
            raise CannotEvaluateError(f"{found[0]!r} is no character")
        return chr(number)
    letter = found[4]
    if letter in _SIMPLE:
        return _SIMPLE[letter]
    if letter in "\\\"'":
        return letter
    raise CannotEvaluateError(f"{found[0]!r} is no escape of a quoted string")
