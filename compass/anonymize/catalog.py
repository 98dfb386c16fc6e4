"""What an organization knows of itself, made ready to be looked for: one pattern over all its names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import runs, vocabulary, wordlist
from compass.model.catalog import PrivateNames, PrivatePerson

_COMMON_LABELS: Final = wordlist("common-labels")


@dataclass(frozen=True, slots=True)
class Term:
    """One written form of an entity."""

    label: str
    key: str
    group: str
    rule: str
    cased: bool = False
    """Only with this capitalization: the form is also a common word."""


@dataclass(frozen=True)
class Catalog:
    """The names of one organization and the category of each service (`checkout` → `payments`)."""

    names: PrivateNames = field(default_factory=PrivateNames)
    categories: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """Names of services."""
        return self.names.services

    @cached_property
    def terms(self) -> Terms:
        """Every written form of the names, ready to be looked for."""
        return Terms(self.names)


class _Folding(dict[int, int | str]):
    """Folds of characters, each worked out once; one character stays one character, so that offsets hold."""

    def __missing__(self, code: int) -> int | str:
        char = chr(code)
        plain = unicodedata.normalize("NFKD", char)[:1].lower()
        self[code] = plain if len(plain) == 1 else code
        return self[code]


_FOLDING: Final = _Folding()


def fold(text: str) -> str:
    """Lower case without diacritics, as long as the text."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


class Terms:
    """Every written form, by its folded text."""

    def __init__(self, names: PrivateNames) -> None:
        self.by_form: dict[str, Term] = {}
        self._by_first: dict[str, list[str]] = {}
        domains = {fold(domain).strip(".") for domain in _domains(names)} - {""}
        self.domains: tuple[str, ...] = tuple(sorted(domains, key=lambda domain: (-len(domain), domain)))
        groups = (
            ("CUSTOMER", names.customers), ("CLUSTER", names.clusters), ("SERVICE", names.services), ("TEAM", names.teams),
        )  # fmt: skip
        for label, values in groups:
            for value in values:
                for form in _variants(value):
                    self._add(
                        form, Term(label, fold(value), label.lower(), "catalog", cased=_common(form, label))
                    )
        for account in names.cloud_accounts:
            self._add(account, Term("CLOUD_ACCOUNT", account, "cloud_account", "catalog"))
        for person in names.people:
            self._person(person)
        for domain in self.domains:
            for owned in _own_labels(domain):
                self._add(owned, Term("HOST", owned, "organization", "catalog-domain"))
        self.tickets = _ticket_pattern(names.ticket_prefixes)
        for forms in self._by_first.values():
            forms.sort(key=lambda form: (-len(form), form))

    def _add(self, form: str, term: Term) -> None:
        folded = fold(form).strip()
        first = _RUN.match(folded)
        if len(folded) < 2 or first is None or folded in self.by_form:
            return
        self.by_form[folded] = term
        self._by_first.setdefault(first[0], []).append(folded)

    def _person(self, person: PrivatePerson) -> None:
        key = fold(person.email or person.name or person.handle)
        for form in person_forms(person.name):
            self._add(form, Term("PERSON", key, "person", "catalog-person"))
        for part in re.findall(r"[^\W\d_]{3,}(?:-[^\W\d_]{2,})*", person.name):
            known = vocabulary().knows(fold(part))
            self._add(part, Term("PERSON", key, "person", "catalog-person-part", cased=known))
        if person.handle:
            self._add(person.handle, Term("HANDLE", key, "person", "catalog-handle", cased=False))
        for login in logins(person.name):
            self._add(login, Term("HANDLE", key, "person", "login-shape"))
        if person.email:
            self._add(person.email, Term("EMAIL", key, "person", "catalog-email"))
            local = person.email.partition("@")[0]
            if len(local) >= 3 and not vocabulary().knows(local):
                self._add(local, Term("HANDLE", key, "person", "email-local"))

    def find(self, text: str, folded: str) -> Iterator[Find]:
        """Every form of the catalog as whole words (`_` is a boundary); linear in the text, whatever the catalog's size."""
        for first in self._by_first.keys() & runs(folded):
            start = folded.find(first)
            while start >= 0:
                if not (start and folded[start - 1].isalnum()):
                    yield from self._at(text, folded, start, first)
                start = folded.find(first, start + 1)
        if self.tickets:
            yield from (
                Find(*m.span(), "TICKET", "catalog-ticket", m[0].upper()) for m in self.tickets.finditer(text)
            )

    def _at(self, text: str, folded: str, start: int, first: str) -> Iterator[Find]:
        for form in self._by_first[first]:
            end = start + len(form)
            if folded.startswith(form, start) and not (end < len(folded) and folded[end].isalnum()):
                term = self.by_form[form]
                if not term.cased or _proper(text, start, end, term):
                    yield _extended(text, start, end, term)
                    return


_RUN: Final = re.compile(r"[^\W_]+")


def _ticket_pattern(prefixes: Iterable[str]) -> re.Pattern[str] | None:
    known = "|".join(sorted(re.escape(prefix) for prefix in prefixes if prefix))
    return re.compile(rf"(?i)(?<![A-Za-z0-9])(?:{known})[-_ #]?\d{{2,8}}(?!\d)") if known else None


_TAIL: Final = re.compile(r"(?:[-_][A-Za-z0-9]+)+")
_HEAD: Final = re.compile(r"(?:[A-Za-z0-9]+[-_])+$")


def _extended(text: str, start: int, end: int, term: Term) -> Find:
    """The whole identifier around a name: `checkout-db-01` is a host of the service checkout."""
    if term.label == "HANDLE" and start and text[start - 1] == "@":
        start -= 1
    if term.label not in {"SERVICE", "CLUSTER", "HOST", "CUSTOMER", "TEAM"}:
        return Find(start, end, term.label, term.rule, term.key, term.group)
    tail = _TAIL.match(text, end)
    head = _HEAD.search(text, max(0, start - 60), start) if start and text[start - 1] in "-_" else None
    if tail is None and head is None:
        return Find(start, end, term.label, term.rule, term.key, term.group)
    first, last = head.start() if head else start, tail.end() if tail else end
    whole = text[first:last].lower()
    machine = (
        any(c.isdigit() for c in (tail[0] if tail else ""))
        or set(re.split(r"[-_]", tail[0] if tail else "")) & _MACHINE_WORDS
    )
    label = "HOST" if machine or term.label in {"HOST", "CLUSTER"} else term.label
    return Find(first, last, label, "catalog-compound", whole, "host" if label == "HOST" else term.group)


_MACHINE_WORDS: Final = wordlist("machine-words")


def _proper(text: str, start: int, end: int, term: Term) -> bool:
    """Whether a common word stands here as a name: capitalized, or quoted like an identifier, or a value."""
    before, after = text[max(0, start - 12) : start], text[end : end + 12]
    if term.label == "SERVICE":
        spoken = re.search(r"(?i)\b(?:git|at|during|every|each) $", before)
        return not spoken or re.match(r"[-`\"']|\.[a-z]", after) is not None
    if not text[start].isupper():
        return False
    if term.label == "PERSON":
        opening = start == 0 or text[start - 1] == "\n" or before.rstrip(" ")[-1:] in ".!?:"
        return not (opening and re.match(r" (?:the|a|an|this|that|all|any|it|be|not)\b", after))
    return True


def _variants(name: str) -> set[str]:
    """The forms in which a name of several words is written: spaces, hyphens, underscores, run together."""
    words = re.findall(r"[^\W_]+", name)
    forms = {name}
    if len(words) > 1:
        forms |= {joint.join(words) for joint in (" ", "-", "_", "", ".")}
        if "&" in name:
            forms |= {name.replace("&", "and"), name.replace(" & ", "&")}
    return forms


def _common(name: str, label: str) -> bool:
    words = re.findall(r"[^\W_]+", name)
    return label in {"SERVICE", "TEAM", "CUSTOMER"} and len(words) == 1 and vocabulary().knows(fold(name))


def person_forms(name: str) -> set[str]:
    """Ways in which a full name is written: turned round, with initials."""
    parts = name.split()
    if len(parts) < 2:
        return {name} if len(name) >= 3 else set()
    first, last = parts[0], parts[-1]
    return {
        name, f"{first} {last}", f"{last}, {first}", f"{last} {first}", f"{first[0]}. {last}", f"{first[0]} {last}",
        f"{first} {last[0]}.", f"{first[0]}.{last}", f"{first}{last}",
    }  # fmt: skip


def logins(name: str) -> set[str]:
    """Login names that are commonly made of a full name."""
    parts = [re.sub(r"[^a-z]", "", fold(part)) for part in name.split()]
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return set()
    first, last = parts[0], parts[-1]
    shapes = {
        first + last, f"{first}.{last}", f"{first}_{last}", f"{first}-{last}", first[0] + last, f"{first[0]}.{last}",
        first + last[0], f"{first}.{last[0]}", last + first[0], last + first, f"{last}.{first}", f"{last}_{first}", first[:3] + last[:3],
        f"{first[0]}_{last}", f"{first[0]}-{last}",
    }  # fmt: skip
    return {shape for shape in shapes if len(shape) >= 4 and not vocabulary().knows(shape)}


def _domains(names: PrivateNames) -> Iterator[str]:
    yield from names.internal_domains
    yield from (person.email.partition("@")[2] for person in names.people if "@" in person.email)


def _own_labels(domain: str) -> Iterator[str]:
    for label in domain.split("."):
        if (
            len(label) >= 4
            and label not in _COMMON_LABELS
            and not (vocabulary().knows(label) and "-" not in label)
        ):
            yield label
            head = label.split("-")[0]
            if "-" in label and len(head) >= 5 and not vocabulary().knows(head):
                yield head
    labels = [label for label in domain.split(".") if label not in _COMMON_LABELS]
    if labels:
        head = labels[-1].split("-")[0]
        if len(head) >= 6 and head not in vocabulary().operations:
            yield head
