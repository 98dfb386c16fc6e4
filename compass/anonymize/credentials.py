"""Secrets by what stands before them: assignments, headers, command-line options, prose and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from compass.anonymize.pairs import Pair, kind_of
from compass.anonymize.secrets import is_placeholder
from compass.anonymize.spans import SECRET, Find
from compass.anonymize.vocabulary import alternation, vocabulary

_QUOTED: Final = r"\"[^\"\n⟨]{1,400}\"|'[^'\n⟨]{1,400}'|`[^`\n⟨]{1,400}`"
_SCHEME: Final = re.compile(r"\b(?:Bearer|Basic|bearer|basic|Token|token|ApiKey|Digest|Negotiate|NTLM)[ \t]+(?P<value>[A-Za-z0-9+/=_.~:-]{8,4000}+)")
_OPTION: Final = re.compile(rf"[ \t]--?([A-Za-z][\w-]{{1,40}}+)(?:[ \t]+|=)(?P<value>{_QUOTED}|[^\s\"'`<>|⟨$-][^\s\"'`<>|⟨]{{2,400}})")
_NEXT_VALUE: Final = re.compile(rf"[\"',]{{0,3}}[ \t]*\r?\n[ \t]*-?[ \t]*\"?(?:value|default|content)\"?[ \t]*[:=][ \t]*(?P<value>{_QUOTED}|[^\s\"'`⟨][^\s\"'`⟨]{{0,4000}})")
_NAMED: Final = re.compile(r"(?i:\b(?:name|key|id|variable|parameter))[\"']?[ \t]*[:=][ \t]*[\"']?([\w.-]{2,80}+)")
_COMMANDS: Final = (
    (("mysql", "mariadb"), re.compile(rf"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n`]{{0,200}}?[ \t]-p(?P<value>{_QUOTED}|[^\s\"'`⟨-][^\s\"'`⟨]*)")),
    (("redis-cli", "sshpass", "sqlcmd", "smbclient", "ldap", "isql", "cqlsh", "mosquitto", " login ", "7z ", "zip ", "ipmitool", "bcp ", "mongo", "nats ", "clickhouse-client", "keytool", "openssl", "rabbitmqadmin", "kcadm"), re.compile(
        rf"\b(?:redis-cli|sqlcmd|sshpass|smbclient|ldap(?:search|modify|add|whoami|passwd)|bcp|isql|cqlsh|mosquitto_(?:pub|sub)|(?:docker|podman|helm registry|az|vault|oc|argocd|crane|skopeo|npm) login|7z|unzip|zip|ipmitool|mongo(?:sh|dump|restore|export|import)?|nats|"
        rf"clickhouse-client|keytool|openssl|rabbitmqadmin|kcadm\S*)\b[^\n`]{{0,200}}?[ \t](?:-[apPwW]|--pass|-storepass|-keypass|-passin|-passout|--pw)(?:[ =]|(?=[^\s-]))(?:pass:)?(?P<value>{_QUOTED}|[^\s\"'`⟨-][^\s\"'`⟨]{{3,}})")),
    (("curl ", "wget ", "http ", "https ", "xh ", "httpie "), re.compile(r"\b(?:curl|wget|https?|xh|httpie)\b[^\n]{0,300}?[ \t](?:-u|--user|-a|--auth|-U|--proxy-user)[ =]?[\"']?[^\s:\"'`/]{1,80}:(?P<value>[^\s\"'`⟨]{1,200})")),
    (("identified by", "password '", "password \"", "auth ", "net user", "chpasswd"), re.compile(rf"(?i:\b(?:IDENTIFIED (?:WITH \w+ )?BY|PASSWORD|AUTH|net user \w+|chpasswd|ENCRYPTED PASSWORD))[ \t]+(?P<value>{_QUOTED})")),
    (("echo ",), re.compile(r"\becho[ \t]+(?:-n[ \t]+)?[\"']?(?:[\w.-]+:)?(?P<value>[^\s\"'|⟨]{4,200})[\"']?[ \t]*\|[ \t]*(?:sudo|chpasswd|passwd|docker login|base64|podman|vault|gpg|su\b)")),
    (("machine ", "default "), re.compile(r"\b(?:machine[ \t]+\S+|default)\s+login\s+\S+\s+password\s+(?P<value>[^\s⟨]+)")),
    (("snmp",), re.compile(r"\b(?:snmp(?:walk|get|bulkwalk|set)\b[^\n]{0,80}?-c|snmp-server community)[ \t]*(?P<value>[^\s⟨]+)")),
    (("5432:", "3306:", "*:", ":543"), re.compile(r"(?m)^[\w.*-]+:(?:\d+|\*):[\w.*-]+:[\w.*-]+:(?P<value>[^\s⟨]+)$")),
    (("requirepass", "masterauth", "\nauth "), re.compile(r"(?m)^\s*(?:requirepass|masterauth|auth|AUTH)[ \t]+(?:[\w-]+[ \t]+)?(?P<value>[^\s\"'`⟨]{4,})[ \t]*$")),
    (("</",), re.compile(r"<(?:[\w.:-]*(?:[Pp]assword|[Pp]asswd|[Ss]ecret|[Tt]oken|[Aa]pi[Kk]ey|[Pp]assphrase))[^>\n]{0,80}>(?P<value>[^<\n⟨]{1,400})</")),
)  # fmt: skip
_LEAD: Final = alternation(
    "password", "passwords", "passwd", "passphrase", "passphrases", "passcode", "pass", "pwd", "pw", "secret", "secrets", "api key", "api-key", "apikey", "access key", "access-key", "token", "credential", "credentials",
    "creds", "cred", "pin", "psk", "one-time code", "backup code", "recovery code", "security code", "shared key", "root pw", "passwort", "kennwort", "contraseña", "mot de passe", "unlock code", "license key",
    "encryption key", "signing key", "private key", "secret key", "session key", "deploy key",
)
_PROSE: Final = re.compile(
    rf"\b{_LEAD}\b(?:[ \t]+(?:for|of|to|on|from|at|in)[ \t]+[^\n.;:=`\"'⟨]{{1,60}}?)?[ \t]*+"
    rf"(?:(?:\b(?:was|is|were|are|being|became|of|set to|reset to|changed(?: back)? to|still|remained|reads?|now|then|temporarily|just|literally|named|called|rotated (?:from|to)|equals?|using|with)\b|[:=(–—-])[ \t]*+){{0,4}}"
    rf"(?P<value>{_QUOTED}|[^\s\"'`,;<>(){{}}⟨][^\s\"'`,;<>⟨]{{2,200}})"
)
_AS: Final = alternation("login", "log in", "logged in", "log-in", "sign in", "signed in", "signin", "credential", "credentials", "creds", "authenticate", "authenticated", "authenticating", "user", "username", "account")
_LOGIN_PAIR: Final = re.compile(
    rf"\b{_AS}\b(?: (?:as|with|was|is|were|are|for|using|name))*[ :=]{{1,3}}(?P<user>[\"'`]?[\w.@+-]{{1,60}}[\"'`]?)"
    r"(?:[ ]?(?:/|:|,)[ ]?|[ ]and[ ](?:the[ ])?(?:password[ ])?|[ ]password[ ]|[ ]with[ ](?:password[ ])?)(?P<value>`[^`\n⟨]{{3,200}}`|\"[^\"\n⟨]{{3,200}}\"|'[^'\n⟨]{{3,200}}'|[^\s`\"'/:,;⟨()]{{4,200}})"
)
_CELL: Final = re.compile(rf"(?i)^\s*[*`\"]*(?:[\w ]{{0,20}}\b)?{_LEAD}[*`\"]*\s*$")
_LEADS: Final = re.compile(rf"\b{_LEAD}\b")
_WORDLIKE: Final = re.compile(r"[^\W\d_][^\W\d_'’-]*(?:[-'’][^\W\d_]+)*")
_STATES: Final = frozenset((
    "true false null nil none yes no on off required optional string str int integer number boolean bool empty missing "
    "invalid incorrect expired wrong failed failure rejected denied valid enabled disabled unset set default unknown basic "
    "bearer digest token tokens hidden masked redacted removed rotated rotation revoked rotate file env secret secrets vault "
    "object array list map bytes text type kubernetes ldap md5 scram-sha-256 trust peer reject opaque manager store policy "
    "prompt generated random never always auto authentication authorization mismatch error errors refresh access password"
).split())  # fmt: skip
_TRAIL: Final = ".,;:!?)]}*_"
_TECHNICAL: Final = re.compile(
    r"[~./]?(?:[A-Za-z]+[._/:-])*[A-Za-z]+/?|[\d.]+[a-z]{0,3}|\$[\w{(].*|\[?%?\w*%?\]?|[\w.]+\(\)|https?://.*|"
    r"[A-Za-z]+(?:[_.-][A-Za-z]+)+|\W*|[A-Za-z]+(?:[-_.][A-Za-z]+)*-?\d{1,4}(?:\.\d{1,3}){0,2}"
)


def find_credentials(text: str, lower: str, pairs: Sequence[Pair]) -> Iterator[Find]:
    """Every value that its surroundings call a secret; `pairs` are those of `text`."""
    for pair in pairs:
        yield from _pair(text, pair)
    if "value" in lower or "default" in lower or "content" in lower:
        yield from _listed(text)
    if any(word in lower for word in ("earer ", "asic ", "token ", "apikey ", "digest ", "ntlm ", "negotiate ")):
        for found in _SCHEME.finditer(text):
            yield from _judge(text, *found.span("value"), "scheme", strong=False)
    if " -" in text:
        for found in _OPTION.finditer(text):
            kind = kind_of(found[1])
            if kind and kind.secret:
                yield from _judge(text, *found.span("value"), "option", strong=kind.strong, exact="-p" in found[0][:3])
    for keywords, pattern in _COMMANDS:
        if any(keyword in lower for keyword in keywords):
            for found in pattern.finditer(text):
                yield from _judge(text, *found.span("value"), "command", strong=True, exact=True)
    for found in _PROSE.finditer(lower):
        yield from _judge(text, *found.span("value"), "prose")
    for found in _LOGIN_PAIR.finditer(lower):
        yield from _judge(text, *found.span("value"), "login-pair", strong=found["value"][0] in "`\"'")
    if _LEADS.search(lower) and ("|" in text or "\t" in text or "," in text):
        yield from _columns(text)


def _pair(text: str, pair: Pair) -> Iterator[Find]:
    kind = pair.kind
    value = text[pair.start : pair.end]
    if kind.secret:
        start, end = pair.start, pair.end
        name = pair.name.lower()
        if "authorization" in name or "cookie" in name:
            line = text.find("\n", start)
            end = min((at for at in (text.find(quote, start) for quote in "\"'`\n⟨") if at >= 0), default=len(text)) if not pair.quote else end
            end = min(end, line) if line >= 0 else end
            scheme = re.match(r"(?i)(?:basic|bearer|token|digest|apikey|negotiate|ntlm|aws4-hmac-sha256)[ \t]+", text[start:end])
            start += scheme.end() if scheme else 0
            if end - start >= 6 and not is_placeholder(text[start:end]):
                yield Find(start, end, SECRET, "header", text[start:end], "secret")
            return
        yield from _judge(text, start, end, "assignment", strong=kind.strong, exact=pair.operator in {"=", ":="} or bool(pair.quote), quoted=bool(pair.quote))


def _listed(text: str) -> Iterator[Find]:
    """The value under `name: DB_PASSWORD` in a list of names and values."""
    for found in _NAMED.finditer(text):
        held = kind_of(found[1])
        after = _NEXT_VALUE.match(text, found.end()) if held and held.secret else None
        if after:
            yield from _judge(text, *after.span("value"), "yaml-value", strong=True, exact=True)


def _judge(
    text: str, start: int, end: int, rule: str, *, strong: bool = False, exact: bool = False, quoted: bool = False
) -> Iterator[Find]:
    value = text[start:end]
    if len(value) > 2 and value[0] in "\"'`" and value[-1] == value[0]:
        start, end, value, quoted = start + 1, end - 1, value[1:-1], True
    elif not quoted:
        value = value.rstrip(_TRAIL) if not exact else value.rstrip(",;)")
        joined = value.find("&")
        if joined > 0 and re.match(r"&[\w.%-]+=", value[joined:]):
            value = value[:joined]
        end = start + len(value)
    if len(value) < 3 or value.lower() in _STATES or is_placeholder(value):
        return
    if _secretive(value, strong=strong, exact=exact, quoted=quoted, alone=_alone(text, end)):
        yield Find(start, end, SECRET, rule, value, "secret")


def _alone(text: str, end: int) -> bool:
    line = text.find("\n", end)
    return not text[end : line if line >= 0 else len(text)].strip("\"'`, ;}])")


def _secretive(value: str, *, strong: bool, exact: bool, quoted: bool, alone: bool) -> bool:
    """Whether the value can be a secret: public words are only where the name before them leaves no other reading."""
    if _WORDLIKE.fullmatch(value):
        known = all(vocabulary().knows(part) for part in re.split(r"['’-]", value))
        if not known:
            return strong or quoted or _odd(value)
        return strong and ((exact and quoted) or alone or value.count("-") >= 3)
    words = value.split()
    if len(words) > 1:
        return strong and quoted and 2 <= len(words) <= 24 and not value.endswith(".") and _odd_phrase(words)
    if re.fullmatch(r"[\d.,:%]+", value):
        return strong and exact and value.isdigit() and len(value) >= 4
    return (not _technical(value)) or (strong and exact and quoted and not value.startswith(("$", "/", "%", "http")))


def _odd(value: str) -> bool:
    return len(value) >= 6 and not (value.islower() or value.istitle() or value.isupper())


def _odd_phrase(words: list[str]) -> bool:
    return any(not _WORDLIKE.fullmatch(word.strip(",.")) for word in words) or all(word.islower() for word in words)


def _technical(value: str) -> bool:
    if len(value) > 200 or _TECHNICAL.fullmatch(value) is None:
        return False
    parts = re.findall(r"[^\W\d_]+|\d+", value)
    return all(part.isdigit() or vocabulary().knows(part) for part in parts) and not any(len(part) > 8 and part.isdigit() for part in parts)


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
            if len(value) >= 4 and not set(value) <= set("-:= ") and not is_placeholder(value) and "⟨" not in value:
                begin = start + cell.index(value)
                yield Find(begin, begin + len(value), SECRET, "column", value, "secret")
        elif 1 < len(cells) <= 40 and all(len(cell) < 60 for cell in cells):
            column = next((index for index, cell in enumerate(cells) if _CELL.match(cell)), None)
            hot = (separator, len(cells), column) if column is not None else None
        else:
            hot = None
        position += len(line)
