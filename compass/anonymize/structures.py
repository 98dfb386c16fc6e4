"""Identifiers by their structure: addresses, numbers with a checksum, resource names and ids."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from compass.anonymize.pairs import Pair
from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import by_first_run, standing_at, wordlist
from compass.model.ids import ENTRY_ID

_EMAIL: Final = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,23}(?![\w@])")
_EXAMPLE_MAIL: Final = re.compile(
    r"(?i).*@(?:[\w-]+\.)*(?:example(?:\.(?:com|org|net|edu))?|localhost|test|invalid|users\.noreply\.github\.com)"
)
_GIT_USER: Final = re.compile(r"git@(?:github\.com|gitlab\.com|bitbucket\.org)")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w]|\.\d)")
_IPV6: Final = re.compile(
    r"(?i)(?<![\w:.])(?:[0-9a-f]{0,4}:){2,8}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?:%\w+)?(?:/\d{1,3})?(?![\w:])"
)
_MAC: Final = re.compile(
    r"(?i)(?<![\w:-])(?:(?:[0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})(?![\w:-])"
)
_PUBLIC_ADDRESSES: Final = frozenset((
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220",
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "255.255.255.255", "169.254.20.10",
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe", "fd00:ec2::254",
))  # fmt: skip
_DOCUMENTATION: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "127.0.0.0/8",
        "0.0.0.0/8",
        "::1/128",
        "224.0.0.0/4",
    )
)
_GENERIC_NETS: Final = frozenset((
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "fc00::/7",
    "0.0.0.0/0", "::/0", "10.96.0.0/12", "10.244.0.0/16", "255.255.255.0", "255.255.0.0", "255.0.0.0",
    "255.255.240.0", "255.255.252.0", "255.255.254.0", "255.255.255.128", "255.255.255.240", "255.255.255.248",
))  # fmt: skip
_UUID: Final = re.compile(r"(?i)(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])")
_EXAMPLE_UUID: Final = re.compile(
    r"(?i)(?:([0-9a-f])\1{7}-(?:\1{4}-){3}\1{12}|123e4567-e89b-12d3-a456-426\d{9}|550e8400-e29b-41d4-a716-446655440000|00000000-0000-0000-0000-\d{12})"
)
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD: Final = re.compile(
    r"(?<![\w.-])(?:\d{4}[ -]){3}\d{1,7}(?![\w-])|(?<![\w.-])3[47]\d{2}[ -]\d{6}[ -]\d{5}(?![\w-])|(?<![\w.])(?:[3-6]\d{12,18})(?![\w]|\.\d)"
)
_PHONE: Final = re.compile(
    r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?(?:\d{1,5}[ .-]?){1,5}\d{2,5}|\(\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]?\d{2,5}){1,3}|(?:\d{3}[.-]){2}\d{4}|0\d{2,4}[ /-]\d{3,8}(?:[ -]\d{2,5}){0,2})(?![\w]|[.-]\d)"
)
_GROUPED: Final = re.compile(r"[+(]?\d[\d ()./-]{5,30}\d")
_DIGIT: Final = re.compile(r"\d")
_DASHED: Final = re.compile(r"-\d{4}-\d{4}-\d{4}-|\d{8}-\d{4}-")
_SSN: Final = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_ARN: Final = re.compile(r"\barn:aws[\w-]*:[^\s\"'`<>,;()|⟨]{6,400}")
_RESOURCE: Final = re.compile(
    r"(?i)(?<![\w/])/?(?:subscriptions/[0-9a-f-]{30,40}(?:/[\w.()-]+)*|projects/[\w-]{4,40}/(?:[\w.-]+/)*[\w.-]+)|\bprojects/[a-z][\w-]{4,30}\b"
)
_BUCKET: Final = re.compile(
    r"\b(?:s3[an]?|gs|wasbs?|abfss?|adl|oss|r2|b2|swift|cos|minio)://[^\s\"'`<>()\[\],;|⟨/][^\s\"'`<>()\[\],;|⟨]{2,300}"
)
_BUCKET_HOST: Final = re.compile(
    r"(?i)\b[\w.-]{3,63}\.(?:s3[\w.-]{0,30}\.amazonaws\.com|storage\.googleapis\.com|blob\.core\.windows\.net|(?:queue|table|file|dfs)\.core\.windows\.net|digitaloceanspaces\.com)(?:/[^\s\"'`<>()\],;|⟨]*)?|(?<=s3\.amazonaws\.com/)[\w.-]{3,63}|(?<=storage\.googleapis\.com/)[\w.-]{3,63}"
)
_CLOUD_ID: Final = re.compile(
    r"\b(?:i|vol|snap|ami|eni|subnet|vpc|sg|rtb|igw|nat|eipalloc|eipassoc|acl|lt|tgw|vpce|fs|pcx|vgw|eigw|dopt|rtbassoc|r|asg|lb|tgw-attach)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b"
)
_SLACK_ID: Final = re.compile(r"(?<![\w-])[UWCDGTBE][0-9A-Z]{8,12}(?![\w-])")
_TICKET: Final = re.compile(r"(?<![\w/.=-])([A-Z][A-Z0-9]{1,9})-(\d{1,7})(?![\w]|-\d|\.\d)")
_TICKETS: Final = by_first_run(
    *(
        word + plural
        for word in ("ticket", "issue", "incident", "jira", "bug", "servicenow", "zendesk", "case", "story")
        for plural in ("", "s")
    )
)
_TICKET_WORD: Final = re.compile(
    r"[a-z]+?s?(?: (?:id|number|no\.?|nr))?(?:[ :]{0,2}#|[ ](?=[a-z]{1,6}[-_]?\d)|:[ ]?)([a-z]{0,6}[-_]?\d{4,12})\b"
)
_SERVICENOW: Final = re.compile(r"\b(?:INC|CHG|PRB|RITM|REQ|TASK|CASE|SCTASK|CS|WO|CRQ|PBI)\d{5,12}\b")
_PUBLIC_PREFIX: Final = wordlist("public-prefix")
_PREFIXED: Final = re.compile(r"(?<![a-z0-9])([a-z]{2,12})[_:#-]([a-z0-9][a-z0-9-]{3,80}+)(?![\w])")
_ACCOUNT_PREFIX: Final = wordlist("account-prefix")
_SESSION_PREFIX: Final = wordlist("session-prefix")
_OWNERS: Final = by_first_run(*wordlist("owners"))
_NUMBER_WORD: Final = re.compile(
    r"[a-z]+(?:[ ](?:id|ids|no\.?|nr\.?|number|num|code|ref|reference))?(?:[ ](?:is|was|of|with))?[ ][\"'`#(]?(?P<value>(?=[\w-]{0,40}\d)[a-z0-9][\w-]{3,40}+)"
)
_TRACEPARENT: Final = re.compile(r"\b00-([0-9a-f]{32}-[0-9a-f]{16})-0[0-9a-f]\b")
_ULID: Final = re.compile(
    r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b|\b[a-z]{2,6}_[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}\b"
)


def find_in_token(token: str) -> Iterator[Find]:
    """Everything that the structure of one token (no spaces, quotes or brackets in it) gives away, without a catalog."""
    if "@" in token:
        yield from _emails(token)
    if not _DIGIT.search(token):
        if token.count(":") >= 2:
            yield from _addresses(token)
        if "://" in token:
            yield from _plain(token, _BUCKET, "BUCKET", "bucket-url", strip=".:")
        return
    lower = token.lower()
    if "." in token or token.count(":") >= 2 or "-" in token:
        yield from _addresses(token)
    if ":" in token:
        yield from _plain(token, _ARN, "ARN", "arn", strip=".:")
        yield from _plain(token, _BUCKET, "BUCKET", "bucket-url", strip=".:")
    if "/" in token:
        yield from _plain(token, _RESOURCE, "ARN", "resource-path")
    if "-" in token:
        yield from _plain(token, _CLOUD_ID, "ACCOUNT_ID", "cloud-resource-id")
        yield from _plain(
            token, _UUID, "SESSION_ID", "uuid", lambda value: not _EXAMPLE_UUID.fullmatch(value)
        )
        yield from (Find(*m.span(1), "SESSION_ID", "traceparent", m[1]) for m in _TRACEPARENT.finditer(token))
        yield from (
            Find(*m.span(), "TICKET", "ticket", m[0])
            for m in _TICKET.finditer(token)
            if m[1] not in _PUBLIC_PREFIX
        )
    if len(token) >= 7:
        yield from _plain(token, _SERVICENOW, "TICKET", "ticket-number")
        yield from _plain(
            token, _ULID, "SESSION_ID", "ulid", lambda value: any(c.isdigit() for c in value[1:])
        )
        yield from _prefixed(lower)
        yield from _plain(
            token,
            _SLACK_ID,
            "SLACK_ID",
            "slack-id",
            lambda value: sum(c.isdigit() for c in value) >= 2 or value[1] == "0",
        )


def find_structures(text: str, lower: str, pairs: Sequence[Pair]) -> Iterator[Find]:
    """What spreads over several tokens or shows only from what stands around it."""
    if (
        ".amazonaws.com" in lower
        or ".windows.net" in lower
        or "storage.googleapis" in lower
        or "digitaloceanspaces" in lower
    ):
        yield from _plain(text, _BUCKET_HOST, "BUCKET", "bucket-host", strip=".:")
    yield from _numbers(text)
    for at in standing_at(lower, _TICKETS):
        if ticket := _TICKET_WORD.match(lower, at):
            yield Find(*ticket.span(1), "TICKET", "ticket-word", ticket[1])
    yield from _ids(lower)
    for pair in pairs:
        if pair.kind.session or pair.kind.account:
            yield from _paired(text, pair)


def _plain(
    text: str,
    pattern: re.Pattern[str],
    label: str,
    rule: str,
    wanted: Callable[[str], bool] = lambda _: True,
    strip: str = "",
) -> Iterator[Find]:
    for found in pattern.finditer(text):
        value = found[0].rstrip(strip) if strip else found[0]
        if wanted(value):
            yield Find(found.start(), found.start() + len(value), label, rule, value.lower())


def _emails(text: str) -> Iterator[Find]:
    for found in _EMAIL.finditer(text):
        value = found[0].rstrip(".-_")
        if not _EXAMPLE_MAIL.fullmatch(value) and not _GIT_USER.match(value):
            yield Find(found.start(), found.start() + len(value), "EMAIL", "email", value.lower())


def _addresses(text: str) -> Iterator[Find]:
    for found in _IPV4.finditer(text):
        if _identifies(found[0]):
            yield Find(*found.span(), "IP", "ipv4", found[0])
    if ":" in text:
        for found in _IPV6.finditer(text):
            value = found[0]
            groups = value.count(":")
            hexed = sum(c in "0123456789abcdefABCDEF" for c in value)
            if (groups >= 5 or "::" in value) and hexed >= 4 and _identifies(value):
                yield Find(*found.span(), "IP", "ipv6", value.lower())
        yield from _plain(text, _MAC, "MAC", "mac", lambda value: len(set(value.lower()) - set(":-.")) > 1)
    elif "-" in text or "." in text:
        yield from _plain(text, _MAC, "MAC", "mac", lambda value: len(set(value.lower()) - set(":-.")) > 1)


def _identifies(value: str) -> bool:
    """Whether an address may belong to somebody; not so loopback, documentation, public resolvers, whole private ranges."""
    if value in _PUBLIC_ADDRESSES or value.lower() in _GENERIC_NETS:
        return False
    try:
        address = ipaddress.ip_interface(value.partition("%")[0]).ip
    except ValueError:
        return "::" in value or (":" in value and sum(c.isalpha() for c in value) > 3)
    return not any(address in net for net in _DOCUMENTATION if net.version == address.version)


def luhn(digits: str) -> bool:
    """The checksum of payment cards (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _numbers(text: str) -> Iterator[Find]:
    """Groups of digits: cards, phone numbers, national ids, account numbers with a checksum."""
    for found in _GROUPED.finditer(text):
        start, end = found.span()
        digits = sum(c.isdigit() for c in found[0])
        if digits < 7 or _DASHED.search(found[0]):
            continue
        card = _CARD.search(text, start, end)
        if (
            card
            and (compact := re.sub(r"\D", "", card[0]))
            and 13 <= len(compact) <= 19
            and (luhn(compact) or len(compact) != len(card[0]) or len(compact) in {15, 16})
        ):
            yield Find(*card.span(), "CARD", "card", compact)
        for phone in _PHONE.finditer(text, max(0, start - 1), end):
            compact = re.sub(r"\D", "", phone[0])
            if 7 <= len(compact) <= 15 and (phone[0][0] in "+(0" or "-" in phone[0] or "." in phone[0]):
                yield Find(*phone.span(), "PHONE", "phone", compact)
        yield from (
            Find(*m.span(), "ACCOUNT_ID", "national-id", m[0]) for m in _SSN.finditer(text, start, end)
        )
    for found in _IBAN.finditer(text):
        compact = found[0].replace(" ", "")
        if (
            not text[found.start() - 1 : found.start()].isalnum()
            and 15 <= len(compact) <= 34
            and sum(c.isdigit() for c in compact) >= 10
        ):
            yield Find(*found.span(), "IBAN", "iban", compact)


def _prefixed(lower: str) -> Iterator[Find]:
    for found in _PREFIXED.finditer(lower):
        prefix, value = found[1], found[2]
        if ENTRY_ID.fullmatch(found[0]):
            continue
        digits = sum(c.isdigit() for c in value)
        if prefix in _ACCOUNT_PREFIX and digits >= 2 and "-" not in value and not _harmless(value):
            yield Find(*found.span(), "ACCOUNT_ID", "prefixed-id", found[0])
        elif (
            prefix in _SESSION_PREFIX
            and digits >= 2
            and len(value) >= 7
            and re.fullmatch(r"[0-9a-f-]+", value)
        ):
            yield Find(*found.span(2), "SESSION_ID", "prefixed-id", value)


def _ids(lower: str) -> Iterator[Find]:
    for at in standing_at(lower, _OWNERS):
        found = _NUMBER_WORD.match(lower, at)
        if found is None:
            continue
        value = found["value"]
        if (
            sum(c.isdigit() for c in value) >= 3
            and not _harmless(value)
            and not _EXAMPLE_UUID.fullmatch(value)
        ):
            yield Find(*found.span("value"), "ACCOUNT_ID", "account-word", value)


def _paired(text: str, pair: Pair) -> Iterator[Find]:
    """The value of `trace_id=`, `"account_id": "…"` and their like."""
    found = _ID_VALUE.match(text, pair.start, pair.end)
    if (
        found is None
        or ENTRY_ID.fullmatch(found[0])
        or sum(c.isdigit() for c in found[0]) < 2
        or _EXAMPLE_UUID.fullmatch(found[0])
    ):
        return
    value = found[0]
    if not pair.kind.account and re.fullmatch(r"[a-z]+-?\d{1,4}", value):
        return
    short = value.isdigit() and len(value) < (5 if pair.kind.account else 9)
    if not short and not _harmless(value) and len(value) >= 4:
        yield Find(
            *found.span(), "ACCOUNT_ID" if pair.kind.account else "SESSION_ID", "id-field", value.lower()
        )


_ID_VALUE: Final = re.compile(r"#?[A-Za-z0-9](?:[\w+-]|:(?!\d{1,5}(?!\w))){2,80}+")
_HARMLESS: Final = re.compile(
    r"(?i)\d{1,4}|\d{4}-\d\d(?:-\d\d)?\w*|\d+(?:ms|s|m|h|d|k|mb|gb|kb|b|x|th|st|nd|rd|rps|qps)|[45]\d\d|v?\d+(?:_\d+)*|[a-z]+-?\d{1,2}|0x[0-9a-f]+"
)


def _harmless(value: str) -> bool:
    return (_HARMLESS.fullmatch(value) is not None) and not (value.isdigit() and len(value) >= 5)
