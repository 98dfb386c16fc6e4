"""People: names from the gazetteer and from what stands around them, and every further form of a name once it is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from compass.anonymize.catalog import fold, logins
from compass.anonymize.pairs import Pair
from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import by_first_run, names, standing_at, vocabulary, wordlist

_PARTICLE: Final = r"(?:van|von|der|den|de|da|di|del|della|dos|du|la|le|bin|bint|ibn|al|el|ter|ten|zu|af|av|ben|st\.|mac|mc|y|e)"
_CAPITAL: Final = r"(?:[^\W\d_a-z][a-zß-öø-ÿ]{1,20}|O['’][A-Z][a-z]+|M(?:a?c)[A-Z][a-z]+)(?:[-'’](?!s\b)[^\W\d_][a-zß-öø-ÿ]+)*"
_SEQUENCE: Final = re.compile(
    rf"(?:[A-Z]\.[ ]?)?{_CAPITAL}(?:(?:[ ][A-Z]\.)?(?:[ ]{_PARTICLE}){{0,2}}[ ]{_CAPITAL}){{0,3}}(?![\w@/]|\.\w)"
)
_INITIAL: Final = re.compile(rf"[A-Z]\.[ ]?(?:[A-Z]\.[ ]?)?{_CAPITAL}(?![\w@/])")
_CUE: Final = re.compile(
    r"(?i)(?:\b(?:from|author|authors|reviewers?|reviewed[- ]by|assignees?|owner|reporter|reported by|approved[- ]by|approver|signed-off-by|co-authored-by|"
    r"contact|on[- ]call|oncall|commander|ic|scribe|lead|manager|engineer|responder|participants?|attendees|written by|committed by|merged by|"
    r"escalated? to|paged|pinged|called|asked|thanks to|cc|to|by|with|user|full_?name|display_?name|first_?name|last_?name|"
    r"employee|name|sincerely|regards|cheers|mr|mrs|ms|dr|prof|hi|hello|dear|ping|backup|and|shift|handed (?:over )?to|spoke (?:to|with))\b[\"'`]?[ \t]?[:.,=]?[ \t]*[\"'`\[<]{0,2})$"
)
_STRONG_CUE: Final = re.compile(
    r"(?i)\b(?:author|assignee|owner|reviewed-by|signed-off-by|co-authored-by|reported by|commander|on[- ]call|oncall|contact|full_?name|display_?name|first_?name|last_?name|employee|customer_name|mr|mrs|ms|dr|dear|paged|pinged|escalated? to|backup|scribe|approved by|reviewer|cc|written by)\b[\"'`]?[ \t]?[:.=]?[ \t]*[\"'`\[<]{0,2}$"
)
_VERB: Final = re.compile(
    r"(?:['’]s\b|[ ](?:\([^)\n]{1,40}\)[ ])?(?:acknowledge[sd]|ack(?:ed|s)|drain(?:ed|s)|page[sd]|was|is|joined|joins|noticed?s?|notices|restart(?:ed|s)|said|says|report(?:ed|s)|ran|runs|found|finds|rolled|rolls|"
    r"escalate[sd]|open(?:ed|s)|confirm(?:ed|s)|fixe[sd]|start(?:ed|s)|stopped|deploy(?:ed|s)|revert(?:ed|s)|merge[sd]|suggest(?:ed|s)|ask(?:ed|s)|call(?:ed|s)|pings?|pinged|told|tried|tries|identifie[sd]|"
    r"declare[sd]|took|takes|handed|hands|approve[sd]|scale[sd]|disable[sd]|enable[sd]|pasted|posted|wrote|writes|rotated|rotates|revoked|logged|has|had|will|and I|replied|replies|discover(?:ed|s)|investigat(?:ed|es)|"
    r"believed|thought|thinks|agreed|decided|decides|manually|then|also|pushed|pushes|made|bumped|increased|killed|checks|checked|sees|saw|got|gets|went|paste[sd]|deleted|removed|added|who|whose|ssh'ed|triggered|failed over|updated)\b)"
)
_AT: Final = re.compile(r"(?<![\w@./+=⟨-])@(?=[A-Za-z])([A-Za-z0-9](?:[\w.-]{0,38}[A-Za-z0-9])?)(?![\w@/])")
_ANNOTATIONS: Final = wordlist("annotations")
_BEFORE_LOGIN: Final = by_first_run(
    "user", "username", "login", "run by", "author", "reviewer", "reviewers", "assignee", "owner", "handle", "committer", "requested by", "token of", "account of", "key of", "keys of", "home of", "laptop of", "sudo",
    "by", "acting as", "ssh",
)  # fmt: skip
_LOGIN_WORD: Final = re.compile(
    r"(?:user(?:name)?|login|author|reviewers?|assignee|owner|handle|committer|(?:run|requested) by|(?:token|account|keys?|home|laptop) of|sudo|by|acting as|ssh)[ \t]+[\"'`]?(?P<value>[a-z][a-z0-9]{1,30}+(?:[._-][a-z0-9]{1,30}+){0,2})(?![\w(@:/=]|[.-]\w)"
)
_LOGIN_VALUE: Final = re.compile(
    r"\[?[ ]?[\"'@]?(?P<value>[a-z][a-z0-9]{1,30}(?:[._-][a-z0-9]{1,30}){0,2})\b(?![(@:/=.-]\w)"
)
_LISTED: Final = re.compile(r"[\"'@]?(?P<value>[a-z][a-z0-9]{1,30}(?:[._-][a-z0-9]{1,30}){0,2})\b(?![(@:/=])")
_FULL_LOGIN: Final = re.compile(r"(?<![\w./-])([a-z]{2,20})[._]([a-z]{2,24})(?![\w.(/-])")
_SYSTEM_USERS: Final = wordlist("system-users")


def find_people(text: str, lower: str, pairs: Sequence[Pair]) -> Iterator[Find]:
    """Names of people who are not in the catalog, their handles, and the further forms of each."""
    known: dict[str, str] = {}
    for found in _SEQUENCE.finditer(text):
        if _candidate(found[0]) and not _joined(text, found.start()):
            yield from _judge(text, found, known)
    yield from _initials(text)
    yield from _handles(text, lower)
    for pair in pairs:
        if pair.kind.login:
            yield from _login_field(text, pair)
    if known:
        yield from _again(text, known)


def _initials(text: str) -> Iterator[Find]:
    """`J. Doe`."""
    for found in _INITIAL.finditer(text):
        last = found[0].rsplit(".", 1)[-1].strip()
        if not _joined(text, found.start()) and (
            fold(last) in names().family or not vocabulary().knows(last)
        ):
            yield Find(*found.span(), "PERSON", "initial", fold(last), "person")


def _handles(text: str, lower: str) -> Iterator[Find]:
    """`@jdoe`, and logins behind a word such as `user`."""
    if "@" in text:
        for found in _AT.finditer(text):
            if found[1].lower() not in _ANNOTATIONS and not re.fullmatch(r"v?\d[\w.-]*", found[1]):
                yield Find(*found.span(), "HANDLE", "at-handle", fold(found[1]), "login")
    for at in standing_at(lower, _BEFORE_LOGIN):
        word = _LOGIN_WORD.match(lower, at)
        if (
            word
            and text[word.start("value")].islower()
            and _is_login(text[word.start("value") : word.end("value")])
        ):
            yield Find(*word.span("value"), "HANDLE", "login-word", fold(word["value"]), "login")


def _joined(text: str, start: int) -> bool:
    """Whether the word is the tail of a longer token."""
    return start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_@./#$-")


@lru_cache(maxsize=20_000)
def _candidate(words: str) -> bool:
    """Whether a run of capitalized words may hold a name at all."""
    gazetteer = names()
    return any(
        fold(word.rstrip(".")) in gazetteer.given or fold(word) in gazetteer.family for word in words.split()
    )


def _login_field(text: str, pair: Pair) -> Iterator[Find]:
    """`user: jdoe`, `reviewers: ["jdoe", "asmith"]`."""
    start, end = pair.start - bool(pair.quote), pair.end
    if text[pair.start] == "[":
        closing = text.find("]", end, end + 400)
        end = closing if closing >= 0 else end
        found = _LISTED.finditer(text, start, end)
    else:
        found = iter([login] if (login := _LOGIN_VALUE.match(text, start, end)) else [])
    for login in found:
        if _is_login(login["value"]):
            yield Find(*login.span("value"), "HANDLE", "login-field", fold(login["value"]), "login")


def find_in_token(token: str) -> Iterator[Find]:
    """Logins made of a given and a family name: `first.last`, `first_last`."""
    for found in _FULL_LOGIN.finditer(token):
        gazetteer, words = names(), vocabulary()
        first, last = found[1], found[2]
        if (
            first in gazetteer.given
            and last in gazetteer.family
            and not {first, last} & words.operations
            and not (words.knows(first) and words.knows(last))
        ):
            yield Find(*found.span(), "HANDLE", "full-login", found[0], "login")


def _is_login(value: str) -> bool:
    if value in _SYSTEM_USERS or value.startswith(("svc", "system", "app-", "bot", "sa-")):
        return False
    parts = [re.sub(r"\d+$", "", part) for part in re.split(r"[._-]", value)]
    words = vocabulary()
    named = names()
    if len(parts) == 2 and (
        parts[0] in named.given and (parts[1] in named.family or not words.knows(parts[1]))
    ):
        return True
    return any(len(part) > 2 and not words.knows(part) for part in parts)


def _judge(text: str, found: re.Match[str], known: dict[str, str]) -> Iterator[Find]:
    """A run of capitalized words: the part of it that is a name."""
    words, gazetteer = vocabulary(), names()
    tokens = [
        (token.start() + found.start(), token.end() + found.start(), token[0])
        for token in re.finditer(r"[^\s]+", found[0])
    ]
    index = 0
    while index < len(tokens):
        start, end, word = tokens[index]
        bare = fold(word.rstrip("."))
        given = bare in gazetteer.given and bare not in words.operations
        common = words.knows(word)
        run = index + 1
        while run < len(tokens) and _continues(tokens[run][2]):
            run += 1
        if (
            (given and not common)
            or (given and run > index + 1 and _family(tokens[run - 1][2]))
            or (
                run == index + 1
                and given
                and text[end : end + 1] not in "'’"
                and _person_here(text, start, end)
            )
            or (
                run > index + 1
                and _CUE.search(text, max(0, start - 40), start)
                and _looks_named(tokens[index:run])
            )
        ):
            stop = run
        else:
            index += 1
            continue
        last = tokens[stop - 1][1]
        full = text[start:last]
        key = fold(full)
        for part in full.split():
            known.setdefault(part.strip("."), key)
        yield Find(start, last, "PERSON", "name", known.get(tokens[index][2], key), "person")
        index = stop


def _continues(word: str) -> bool:
    """Whether a capitalized word may be the next part of a name."""
    return fold(word.rstrip(".")) not in vocabulary().operations or re.fullmatch(_PARTICLE, word) is not None


def _family(word: str) -> bool:
    bare = fold(word)
    return bare in names().family or not vocabulary().knows(word)


def _looks_named(tokens: list[tuple[int, int, str]]) -> bool:
    first, last = fold(tokens[0][2]), fold(tokens[-1][2])
    gazetteer = names()
    return (first in gazetteer.given and first not in vocabulary().operations) or (
        last in gazetteer.family and first in gazetteer.family
    )


def _person_here(text: str, start: int, end: int) -> bool:
    return (
        _VERB.match(text, end) is not None or _STRONG_CUE.search(text, max(0, start - 40), start) is not None
    )


def _again(text: str, known: dict[str, str]) -> Iterator[Find]:
    """Every later form of a name found above: its parts, possessives and logins."""
    words = vocabulary()
    forms = {part: key for part, key in known.items() if len(part) >= 3}
    for key in set(known.values()):
        forms.update(dict.fromkeys(logins(key), key))
    for found in re.finditer(r"[^\W_]+(?:[._-][^\W_]+)*", text):
        value = found[0]
        key = forms.get(value, "")
        if key and (not words.knows(value) or _person_here(text, found.start(), found.end())):
            yield Find(
                *found.span(), "PERSON" if value[0].isupper() else "HANDLE", "name-again", key, "person"
            )
