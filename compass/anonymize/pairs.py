"""Pairs of a name and a value, in every notation: `key: value`, `KEY=value`, `"key": "value"`, `key => value`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

_PAIR: Final = re.compile(
    r"(?<![\w.$-])([\w.$-]{1,80}+)(?:\\?[\"'`\]])?[ \t]{0,4}+(:=|=>|->|=~|!=|!~|==|[:=])[ \t]{0,8}+(?=[^\s⟨])"
)
_VALUE: Final = re.compile(
    r"\\\"([^\\\"\n⟨]{1,4000})|\"((?:[^\"\\\n⟨]|\\.){1,4000})\"|'([^'\n⟨]{1,4000})'|`([^`\n⟨]{1,4000})`|([^\s\"'`<>⟨]{1,4000})"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET: Final = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code|wort)?s?|pwd|pw|passwd|psk|pin|sig|otp|totp|salt|seed|nonce|dsn|sas|creds?|sessid|jsessionid|phpsessid|requirepass|masterauth|kennwort|mnemonic|community|"
    r"cookies?|bearer|auth|authorization|authentication|signature|webhook|license|licence|hmac)(?:_|\d|$)|"
    r"password|passwd|passphrase|secret|token|apikey|api_?key|credential|connection_?string|conn_?str|"
    r"(?:access|private|client|shared|signing|encryption|master|account|storage|license|licence|service|admin|auth|secret|webhook|deploy|crypt|cipher|hmac|integration|"
    r"routing|ingest|app|application|session|subscription|function|host|write|ssh|rsa|recovery|backup|unlock|root|user|device|push|server|data|ingestion|instrumentation|stripe|maps|project|public|test|live|prod)_?(?:keys?|codes?)(?:_?id)?(?:_|\d|$)|"
    r"(?:^|_)(?:key|x_.{0,30}_key)$"
)
_STRONG: Final = re.compile(
    r"pass(?:word|wd|phrase|code|wort)?s?(?:_|\d|$)|password|pwd|(?:^|_)pw(?:_|$)|secret|psk|kennwort|creds?(?:_|$)|credential|requirepass|masterauth|recovery|unlock|api_?key|auth_?token|access_?token|private_?key|mnemonic|(?:^|_)(?:pin|otp|totp)(?:_|$)"
)
_HARMLESS_NAME: Final = re.compile(
    r"(?:policy|length|len|count|size|ttl|expiry|expires?|expiration|age|type|name|path|file|dir|url|uri|endpoint|method|mode|status|state|enabled|required|hash_?alg\w*|algorithm|"
    r"rotation|version|format|ref|hint|field|limit|limits|per_second|rate|max|min|issuer|scope|scopes|class|provider|error|errors|failure|failures|attempts|total|seconds|bucket|manager|store|mount|changed|at|kind|retries|timeout)$"
)
_SESSION: Final = re.compile(
    r"(?:^|_)(?:trace|span|parent|session|sess|request|req|correlation|transaction|txn|message|msg|instance|event|invocation|operation|activity|conversation|thread|process|device|job|task|execution|"
    r"batch|upload|visit|visitor|rid|cid|xid|tid|sid|uuid|guid|ulid|machine|boot|container|run|build)(?:_?(?:ids?|guid|uuid|no|number))?$|(?:^|_)(?:uu|gu|ul)?id$|_id$|[a-z]id$"
)
_ACCOUNT: Final = re.compile(
    r"(?:^|_)(?:account|acct|customer|cust|client|tenant|member|merchant|user|patient|policy|contract|order|invoice|subscription|subscriber|shop|store|employee|passport|licen[cs]e|tax|vat|ssn|project|"
    r"organi[sz]ation|org|workspace|booking|mrn|routing|folder|billing|wallet|cart|payment|reservation|serial|imei|imsi|iccid|badge|meter|phone|mobile|msisdn|tel|card|pan|iban|bic|swift|dob|birth\w*|plate|vin)(?:_?(?:id|ids|no|nr|number|num|code|ref|reference|uuid|guid))?$"
)
_OWNER: Final = re.compile(
    r"(?:^|_)(?:customer|client|tenant|merchant|company|organi[sz]ation|org|account|partner|vendor|supplier|buyer|seller|subscriber|licensee|reseller|payer|payee|employer|institution|hospital|clinic|shop|store|bank)(?:_?(?:name|title|label|slug|display))?$"
)
_LOGIN: Final = re.compile(
    r"(?:^|_)(?:user|username|login|logname|ruser|author|reviewers?|assignee|owner|handle|committer|actor|principal|operator|requested_by|created_by|updated_by|executed_by|approved_by|run_by|sudo|uid|maintainers?|oncall|contact)(?:_?name)?$"
)
_MACHINE: Final = re.compile(
    r"(?:^|_)(?:host|hostname|node|nodename|instance|server|machine|vm|upstream|peer|fqdn|rhost|kubernetes_node|exported_instance|computer|device_name|pod|pod_name|bucket)(?:_?name)?$"
)


class Kind(NamedTuple):
    """What a name says of its value."""

    secret: bool
    strong: bool
    session: bool
    account: bool
    owner: bool
    login: bool
    machine: bool


class Pair(NamedTuple):
    """A name, its operator and where its value lies (without quotes); `quote` is empty for a bare value."""

    name: str
    operator: str
    start: int
    end: int
    quote: str
    kind: Kind


@lru_cache(maxsize=20_000)
def kind_of(name: str) -> Kind | None:
    """What `name` (any spelling) promises; None when nothing."""
    plain = _CAMEL.sub("_", name).lower().strip("._-$").replace("-", "_").replace(".", "_")
    secret = _SECRET.search(plain) is not None and _HARMLESS_NAME.search(plain) is None
    kind = Kind(
        secret,
        secret and _STRONG.search(plain) is not None,
        _SESSION.search(plain) is not None,
        _ACCOUNT.search(plain) is not None,
        _OWNER.search(plain) is not None,
        _LOGIN.search(plain) is not None,
        _MACHINE.search(plain) is not None,
    )
    return kind if any(kind) else None


def find_pairs(text: str) -> Iterator[Pair]:
    """Every pair whose name says something about its value."""
    for found in _PAIR.finditer(text):
        kind = kind_of(found[1])
        if kind is None:
            continue
        value = _VALUE.match(text, found.end())
        if value is None:
            continue
        group = value.lastindex or 5
        start, end = value.span(group)
        yield Pair(found[1], found[2], start, end, "" if group == 5 else text[start - 1], kind)
