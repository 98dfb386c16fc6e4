"""Secrets by what stands before them: assignments, headers, command-line options, prose and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from compass.anonymize.judging import Certainty, judge
from compass.anonymize.pairs import Pair, kind_of
from compass.anonymize.secrets import is_placeholder
from compass.anonymize.spans import SECRET, Find
from compass.anonymize.vocabulary import by_first_run, runs, standing_at

_QUOTED: Final = r"\"[^\"\n⟨]{1,400}\"|'[^'\n⟨]{1,400}'|`[^`\n⟨]{1,400}`"
_SCHEME: Final = re.compile(
    r"\b(?:Bearer|Basic|bearer|basic|Token|token|ApiKey|Digest|Negotiate|NTLM)[ \t]+(?P<value>[A-Za-z0-9+/=_.~:-]{8,4000}+)"
)
_OPTION: Final = re.compile(
    rf"[ \t]--?([A-Za-z][\w-]{{1,40}}+)(?:[ \t]+|=)(?P<value>{_QUOTED}|[^\s\"'`<>|⟨$-][^\s\"'`<>|⟨]{{2,400}})"
)
_NEXT_VALUE: Final = re.compile(
    rf"[\"',]{{0,3}}[ \t]*\r?\n[ \t]*-?[ \t]*\"?(?:value|default|content)\"?[ \t]*[:=][ \t]*(?P<value>{_QUOTED}|[^\s\"'`⟨][^\s\"'`⟨]{{0,4000}})"
)
_NAMED: Final = re.compile(
    r"(?i:\b(?:name|key|id|variable|parameter))[\"']?[ \t]*[:=][ \t]*[\"']?([\w.-]{2,80}+)"
)
_COMMANDS: Final = (
    ("mysql mysqldump mysqladmin mariadb", re.compile(rf"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n`]{{0,200}}?[ \t]-p(?P<value>{_QUOTED}|[^\s\"'`⟨-][^\s\"'`⟨]*)")),
    ("redis sshpass sqlcmd smbclient ldapsearch ldapmodify ldapadd ldapwhoami ldappasswd isql cqlsh mosquitto login 7z zip unzip ipmitool bcp mongo mongosh mongodump mongorestore mongoexport mongoimport nats clickhouse keytool openssl rabbitmqadmin kcadm", re.compile(
        rf"\b(?:redis-cli|sqlcmd|sshpass|smbclient|ldap(?:search|modify|add|whoami|passwd)|bcp|isql|cqlsh|mosquitto_(?:pub|sub)|(?:docker|podman|helm registry|az|vault|oc|argocd|crane|skopeo|npm) login|7z|unzip|zip|ipmitool|mongo(?:sh|dump|restore|export|import)?|nats|"
        rf"clickhouse-client|keytool|openssl|rabbitmqadmin|kcadm\S*)\b[^\n`]{{0,200}}?[ \t](?:-[apPwW]|--pass|-storepass|-keypass|-passin|-passout|--pw)[ =](?:pass:)?(?P<value>{_QUOTED}|[^\s\"'`⟨-][^\s\"'`⟨]{{3,}})")),
    ("sshpass 7z sqlcmd bcp", re.compile(r"\b(?:sshpass|7z|sqlcmd|bcp)\b[^\n`]{0,200}?[ \t]-[pP](?P<value>[^\s\"'`⟨-][^\s\"'`⟨]{3,})")),
    ("curl wget http https xh httpie", re.compile(r"\b(?:curl|wget|https?|xh|httpie)\b[^\n]{0,300}?[ \t](?:-u|--user|-a|--auth|-U|--proxy-user)[ =]?[\"']?[^\s:\"'`/]{1,80}:(?P<value>[^\s\"'`⟨]{1,200})")),
    ("identified password auth net chpasswd", re.compile(rf"(?i:\b(?:IDENTIFIED (?:WITH \w+ )?BY|PASSWORD|AUTH|net user \w+|chpasswd|ENCRYPTED PASSWORD))[ \t]+(?P<value>{_QUOTED})")),
    ("echo", re.compile(r"\becho[ \t]+(?:-n[ \t]+)?[\"']?(?:[\w.-]+:)?(?P<value>[^\s\"'|⟨]{4,200})[\"']?[ \t]*\|[ \t]*(?:sudo|chpasswd|passwd|docker login|base64|podman|vault|gpg|su\b)")),
    ("machine default", re.compile(r"\b(?:machine[ \t]+\S+|default)\s+login\s+\S+\s+password\s+(?P<value>[^\s⟨]+)")),
    ("snmp snmpwalk snmpget snmpset snmpbulkwalk", re.compile(r"\b(?:snmp(?:walk|get|bulkwalk|set)\b[^\n]{0,80}?-c|snmp-server community)[ \t]*(?P<value>[^\s⟨]+)")),
    ("", re.compile(r"(?m)^[\w.*-]+:(?:\d+|\*):[\w.*-]+:[\w.*-]+:(?P<value>[^\s⟨]+)$")),
    ("requirepass masterauth auth", re.compile(r"(?m)^\s*(?:requirepass|masterauth|auth|AUTH)[ \t]+(?:[\w-]+[ \t]+)?(?P<value>[^\s\"'`⟨]{4,})[ \t]*$")),
    ("password passwd secret token apikey passphrase", re.compile(r"<(?:[\w.:-]*(?:[Pp]assword|[Pp]asswd|[Ss]ecret|[Tt]oken|[Aa]pi[Kk]ey|[Pp]assphrase))[^>\n]{0,80}>(?P<value>[^<\n⟨]{1,400})</")),
)  # fmt: skip
_LEADS: Final = by_first_run(
    "password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "passcodes", "passwort", "pass", "pwd", "pw", "secret", "secrets", "api key", "api-key", "apikey", "access key", "access-key", "token",
    "tokens", "cred", "creds", "credential", "credentials", "pin", "psk", "one-time code", "backup code", "recovery code", "security code", "shared key", "root pw", "kennwort", "contrasena", "mot de passe", "unlock code",
    "license key", "encryption key", "signing key", "private key", "session key", "deploy key",
)  # fmt: skip
_LEAD: Final = (
    r"(?:pass(?:word|wd|phrase|code|wort)?s?|pwd|pw|secrets?(?: key)?|api[ -]?key|access[ -]key|tokens?|cred(?:ential)?s?|pin|psk|(?:one-time|backup|recovery|security|unlock) code|root pw|"
    r"(?:shared|license|encryption|signing|private|session|deploy) key|kennwort|contrasena|mot de passe)"
)
_LINK: Final = r"(?:\b(?:was|is|were|are|being|became|of|set to|reset to|changed(?: back)? to|still|remained|reads?|now|then|temporarily|just|literally|named|called|rotated (?:from|to)|equals?|using|with)\b|[:=(–—-])[ \t]*+"
_PROSE: Final = re.compile(
    rf"{_LEAD}\b(?:[ \t]+(?:for|of|to|on|from|at|in)[ \t]+[^\n.;:=`\"'⟨]{{1,60}}?[ \t](?={_LINK}))?[ \t]*+(?P<link>(?:{_LINK}){{0,4}})"
    rf"(?P<value>{_QUOTED}|[^\s\"'`,;<>(){{}}\]⟨][^\s\"'`,;<>⟨]{{2,200}})"
)
_LOGINS: Final = by_first_run(
    "login", "log in", "logged in", "log-in", "logged-in", "sign in", "signed in", "signin", "cred", "creds", "credential", "credentials", "authenticate", "authenticated", "authenticating", "user", "username", "account",
)  # fmt: skip
_AS: Final = r"(?:log(?:ged)?[ -]?in|sign(?:ed)?[ -]?in|cred(?:ential)?s?|authenticat(?:e|ed|ing)|user(?:name)?|account)"
_LOGIN_PAIR: Final = re.compile(
    rf"{_AS}\b(?: (?:as|with|was|is|were|are|for|using|name))*[ :=]{{1,3}}(?P<user>[\"'`]?[\w.@+-]{{1,60}}[\"'`]?)"
    r"(?:[ ]?(?:/|:|,)[ ]?|[ ]and[ ](?:the[ ])?(?:password[ ])?|[ ]password[ ]|[ ]with[ ](?:password[ ])?)(?P<value>`[^`\n⟨]{3,200}`|\"[^\"\n⟨]{3,200}\"|'[^'\n⟨]{3,200}'|[^\s`\"'/:,;⟨()]{4,200})"
)
_CELL: Final = re.compile(rf"(?i)^\s*[*`\"]*(?:[\w ]{{0,20}}\b)?{_LEAD}[*`\"]*\s*$")
_SCHEMES: Final = ("earer ", "asic ", "token ", "apikey ", "digest ", "ntlm ", "negotiate ")
_HEADER_SCHEME: Final = re.compile(
    r"(?i)(?:basic|bearer|token|digest|apikey|negotiate|ntlm|aws4-hmac-sha256)[ \t]+"
)
_CLOSING: Final = re.compile(r"[\"'`\n⟨]")
_PASSWORDS: Final = (
    "pass",
    "pwd",
    "pw",
    "pin",
    "cred",
    "psk",
    "root pw",
    "kennwort",
    "contrasena",
    "mot de passe",
    "recovery",
    "backup",
    "unlock",
    "one-time",
    "secret",
    "api",
)


def find_credentials(text: str, lower: str, pairs: Sequence[Pair]) -> Iterator[Find]:
    """Every value that its surroundings call a secret; `pairs` are those of `text`."""
    for pair in pairs:
        if pair.kind.secret:
            yield from _header(text, pair) if _is_header(pair.name.lower()) else _assigned(text, pair)
    if "value" in lower or "default" in lower or "content" in lower:
        yield from _listed(text)
    if any(word in lower for word in _SCHEMES):
        for found in _SCHEME.finditer(text):
            yield from judge(text, *found.span("value"), "scheme", Certainty.HINT)
    yield from _commands(text, lower)
    yield from _spoken(text, lower)


def _is_header(name: str) -> bool:
    return "authorization" in name or "cookie" in name


def _header(text: str, pair: Pair) -> Iterator[Find]:
    """All of a header's value but its scheme: to the closing quote or the end of the line."""
    start, end = pair.start, pair.end
    if not pair.quote:
        closing = _CLOSING.search(text, start)
        end = closing.start() if closing else len(text)
    scheme = _HEADER_SCHEME.match(text, start, end)
    start = scheme.end() if scheme else start
    if end - start >= 6 and not is_placeholder(text[start:end]):
        yield Find(start, end, SECRET, "header", text[start:end], "secret")


def _assigned(text: str, pair: Pair) -> Iterator[Find]:
    attached = text[pair.start - 1 - bool(pair.quote)] == "=" or pair.operator == ":="
    certainty = Certainty.HINT if not pair.kind.strong else Certainty.CERTAIN if attached else Certainty.NAMED
    yield from judge(text, pair.start, pair.end, "assignment", certainty, quoted=bool(pair.quote))


def _listed(text: str) -> Iterator[Find]:
    """The value under `name: DB_PASSWORD` in a list of names and values."""
    for found in _NAMED.finditer(text):
        held = kind_of(found[1])
        after = _NEXT_VALUE.match(text, found.end()) if held and held.secret else None
        if after:
            yield from judge(text, *after.span("value"), "yaml-value", Certainty.CERTAIN)


def _commands(text: str, lower: str) -> Iterator[Find]:
    if " -" in text:
        for found in _OPTION.finditer(text):
            kind = kind_of(found[1])
            if kind and kind.secret:
                certainty = Certainty.CERTAIN if kind.strong else Certainty.HINT
                yield from judge(text, *found.span("value"), "option", certainty)
    present = runs(lower)
    for names, pattern in _COMMANDS:
        if not names or not present.isdisjoint(names.split()):
            for found in pattern.finditer(text):
                inside = text[found.start("value") - 1] == ">"
                yield from judge(text, *found.span("value"), "command", Certainty.CERTAIN, quoted=inside)


def _spoken(text: str, lower: str) -> Iterator[Find]:
    """What people write: `the password was …`, `log in as root / …`, a table with a column of passwords."""
    found_lead = False
    for at in standing_at(lower, _LEADS):
        found_lead = True
        if spoken := _PROSE.match(lower, at):
            certainty = (
                Certainty.NAMED if spoken["link"] and lower.startswith(_PASSWORDS, at) else Certainty.HINT
            )
            yield from judge(text, *spoken.span("value"), "prose", certainty, flowing=True)
    for at in standing_at(lower, _LOGINS):
        if login := _LOGIN_PAIR.match(lower, at):
            quoted = login["value"][0] in "`\"'"
            entering = lower[at] in "lsc" and text[login.start("value") - 1] in ":/"
            certainty = Certainty.CERTAIN if quoted or entering else Certainty.HINT
            yield from judge(text, *login.span("value"), "login-pair", certainty)
    if found_lead and ("|" in text or "\t" in text or "," in text):
        yield from _columns(text)


def _columns(text: str) -> Iterator[Find]:
    """Cells under a table heading that names a secret."""
    position = 0
    hot: tuple[str, int, int] | None = None
    for line in text.splitlines(keepends=True):
        separator = "|" if "|" in line else "\t" if "\t" in line else "," if line.count(",") >= 1 else ""
        cells = line.rstrip("\n").split(separator) if separator else []
        if hot and len(cells) == hot[1] and separator == hot[0]:
            start = position + sum(len(cell) + 1 for cell in cells[: hot[2]])
            cell = cells[hot[2]]
            value = cell.strip(" `*\"'")
            if (
                len(value) >= 4
                and not set(value) <= set("-:= ")
                and not is_placeholder(value)
                and "⟨" not in value
            ):
                begin = start + cell.index(value)
                yield Find(begin, begin + len(value), SECRET, "column", value, "secret")
        elif 1 < len(cells) <= 40 and all(len(cell) < 60 for cell in cells):
            column = next((index for index, cell in enumerate(cells) if _CELL.match(cell)), None)
            hot = (separator, len(cells), column) if column is not None else None
        else:
            hot = None
        position += len(line)
