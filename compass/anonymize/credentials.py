"""Secrets by what stands before them: assignments, headers, command-line options, prose and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.anonymize.secrets import is_placeholder
from compass.anonymize.spans import SECRET, Find
from compass.anonymize.vocabulary import vocabulary

_NAME: Final = (
    r"pass(?:word|wd|phrase|code|wort)?s?|pwd|passwd|pw|secrets?|token|api[_-]?keys?|apikey|access[_-]?keys?(?:[_-]?id)?|"
    r"(?:private|client|shared|signing|encryption|master|account|storage|license|licence|service|admin|auth|secret|webhook|"
    r"deploy|crypt|cipher|hmac|integration|routing|ingest|app|application|session|subscription|function|host|write)[_-]?key|"
    r"credentials?|creds?|auth(?:entication|orization)?(?:[_-]?(?:token|string|data|code))?|_?authToken|bearer|psk|"
    r"community|cookie|session(?:[_-]?(?:id|token|secret))?|sessid|jsessionid|phpsessid|csrf\w*|xsrf\w*|nonce|otp|totp|pin|"
    r"sig|signature|salt|seed|mnemonic|dsn|connection[_-]?string|conn[_-]?str|requirepass|masterauth|kennwort|contraseña|"
    r"mot de passe|sas|webhook|recovery[_-]?codes?|unlock[_-]?code"
)
_KEYWORDS: Final = re.compile(rf"(?i)(?:{_NAME})")
_STRONG: Final = re.compile(r"(?i)pass|pwd|pw\b|secret|psk|kennwort|contras|mot de|creds?|requirepass|masterauth|recovery|unlock")
_QUOTED: Final = r"\"(?:[^\"\\\n]|\\.){1,4000}\"|'[^'\n]{1,4000}'|`[^`\n]{1,4000}`"
_ASSIGNED: Final = re.compile(
    rf"(?i)(?P<name>[\w.$-]{{0,60}}?(?:{_NAME})[\w.-]{{0,40}})(?:\\?[\"'`\]])?[ \t]{{0,8}}(?P<op>:=|=>|->|[:=])[ \t]{{0,8}}"
    rf"(?P<value>\\\"[^\\\"\n]{{1,4000}}|{_QUOTED}|[^\s\"'`,;<>(){{}}\[\]⟨][^\s\"'`<>⟨]{{0,4000}})"
)
_YAML_PAIR: Final = re.compile(
    rf"(?im)^(?P<name>[ \t]*-?[ \t]*\"?(?:name|key|Name|Key)\"?[ \t]*[:=][ \t]*[\"']?[\w.-]{{0,60}}(?:{_NAME})[\w.-]{{0,40}})[\"']?,?[ \t]*\r?\n"
    rf"[ \t]*\"?value\"?[ \t]*[:=][ \t]*(?P<value>{_QUOTED}|[^\s\"'`⟨][^\s\"'`]{{0,4000}})"
)
_HEADER: Final = re.compile(
    r"(?i)\b(?:authorization|proxy-authorization|x-[\w-]{0,40}(?:key|token|secret|auth)|cookie|set-cookie|x-api-key)[\"'`]?[ \t]*[:=][ \t]*[\"'`]?"
    r"(?:(?:basic|bearer|token|digest|apikey|key|negotiate|aws4-hmac-sha256)[ \t]+)?(?P<value>[^\s\"'`⟨][^\n\"'`⟨]{2,4000})"
)
_SCHEME: Final = re.compile(r"\b(?:Bearer|Basic|bearer|basic|Token|ApiKey)[ \t]+(?P<value>[A-Za-z0-9+/=_.~-]{8,})")
_OPTION: Final = re.compile(
    rf"(?i)(?<![\w-])--?(?:{_NAME})(?:[ \t]+|=)(?P<value>{_QUOTED}|[^\s\"'`<>|⟨$-][^\s\"'`<>|⟨]{{2,400}})"
)
_COMMANDS: Final = (
    re.compile(rf"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n`]{{0,200}}?[ \t]-p(?P<value>{_QUOTED}|[^\s\"'`-][^\s\"'`]*)"),
    re.compile(rf"\b(?:redis-cli|sqlcmd|sshpass|smbclient|mongo|mongosh|mongodump|mongorestore|ldapsearch|ldapmodify|ldapadd|ldapwhoami|bcp|isql|cqlsh|kinit|mosquitto_\w{{3}}|docker login|podman login|helm registry login|az login|7z|unzip|zip|ipmitool|snmp\w{{2,8}}|net use|expect|impala-shell|vault login|rabbitmqadmin|nats|clickhouse-client|kcadm\S*|keytool|amtool|openssl)\b[^\n`]{{0,200}}?[ \t](?:-[apPwWUc]|--pass|-storepass|-keypass|-passin|-passout|login)[ =]?(?:pass:)?(?P<value>{_QUOTED}|[^\s\"'`-][^\s\"'`]{{3,}})"),
    re.compile(rf"\b(?:curl|wget|http|https|xh|httpie)\b[^\n]{{0,300}}?[ \t](?:-u|--user|-a|--auth|-U|--proxy-user)[ =]?[\"']?[^\s:\"'`]{{1,80}}:(?P<value>[^\s\"'`]{{1,200}})"),
    re.compile(rf"\b(?:net user|chpasswd|passwd|useradd|IDENTIFIED BY|identified by|PASSWORD|AUTH|auth)[ \t]+(?:\w+[ \t]+)?(?P<value>{_QUOTED})"),
    re.compile(r"\b(?:machine|default)[ \t]+\S+[ \t]+login[ \t]+\S+[ \t]+password[ \t]+(?P<value>\S+)"),
    re.compile(r"\b(?:snmpwalk|snmpget|snmpbulkwalk)\b[^\n]{0,80}?-c[ \t]*(?P<value>\S+)"),
    re.compile(r"(?m)^[\w.*-]+:(?:\d+|\*):[\w.*-]+:[\w.*-]+:(?P<value>\S+)$"),
    re.compile(r"(?m)^\s*(?:requirepass|masterauth|auth|AUTH)[ \t]+(?:[\w-]+[ \t]+)?(?P<value>[^\s\"'`⟨]{4,})[ \t]*$"),
    re.compile(r"<(?:[\w.:-]*(?:[Pp]assword|[Pp]asswd|[Ss]ecret|[Tt]oken|[Aa]pi[Kk]ey|[Pp]assphrase))[^>\n]{0,80}>(?P<value>[^<\n]{1,400})</"),
)  # fmt: skip
_LEAD: Final = (
    r"pass(?:word|wd|phrase|code)s?|pwd|pw|secret|api[ -]?key|access[ -]key|token|credentials?|creds?|login|PIN|pin|psk|"
    r"one-time code|backup code|recovery code|security code|shared key|root pw|passwort|kennwort|contraseña"
)
_PROSE: Final = re.compile(
    rf"(?i)\b(?:{_LEAD})\b(?:[ \t]+(?:for|of|to|on|from|at|in)[ \t]+[^\n.;:=`\"']{{1,60}}?)?[ \t]*"
    rf"(?:(?:\b(?:was|is|were|are|being|became|of|set to|reset to|changed(?: back)? to|still|remained|reads?|now|then|temporarily|just|literally|named|called|rotated (?:from|to)|equals?)\b|[:=(–—-]|[ \t])[ \t]*){{0,4}}"
    rf"(?P<value>{_QUOTED}|[^\s\"'`,;<>(){{}}⟨][^\s\"'`,;<>⟨]{{2,200}})"
)
_USER_PAIR: Final = re.compile(
    r"(?i)\b(?:log(?:ged)?[ -]?in|sign(?:ed)?[ -]?in|credentials?|creds|authenticat\w+|user(?:name)?|account|as|with)\b[^\n]{0,40}?"
    r"[\"'`]?[\w.@+-]{1,60}[\"'`]?[ \t]?(?:/|:|\band password\b|\bpassword\b|\bwith\b)[ \t]?(?P<value>`[^`\n]{4,200}`|\"[^\"\n]{4,200}\"|'[^'\n]{4,200}'|[^\s`\"'/:,;]*[\d!@#$%^&*?~+=][^\s`\"',;]{3,200})"
)
_CELL: Final = re.compile(rf"(?i)^\s*[*`]*(?:[\w ]{{0,20}}\b)?(?:{_LEAD}|secret|api[ _]?key)[*`]*\s*$")
_WORDLIKE: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_STATES: Final = frozenset((
    "true false null nil none yes no on off required optional string str int integer number boolean bool empty missing "
    "invalid incorrect expired wrong failed failure rejected denied valid enabled disabled unset set default unknown basic "
    "bearer digest token tokens hidden masked redacted removed rotated rotation revoked rotate file env secret secrets vault "
    "object array list map bytes text type kubernetes ldap md5 scram-sha-256 trust peer reject opaque manager store policy "
    "prompt generated random never always auto authentication authorization mismatch error errors refresh access"
).split())  # fmt: skip
_TRAIL: Final = ".,;:!?)]}*_"


def find_credentials(text: str, lower: str) -> Iterator[Find]:
    """Every value that its surroundings call a secret."""
    if _KEYWORDS.search(lower) is None and "authoriz" not in lower and "-p" not in lower and "-u" not in lower:
        return
    for pattern, rule in ((_ASSIGNED, "assignment"), (_YAML_PAIR, "yaml-value")):
        for found in pattern.finditer(text):
            name, operator = found["name"], found.groupdict().get("op", ":")
            yield from _judge(text, found, rule, strong=bool(_STRONG.search(name)), exact=operator == "=")
    for pattern, rule in ((_HEADER, "header"), (_SCHEME, "scheme"), (_OPTION, "option")):
        for found in pattern.finditer(text):
            yield from _judge(text, found, rule, strong=True, exact=rule == "header")
    for pattern in _COMMANDS:
        for found in pattern.finditer(text):
            yield from _judge(text, found, "command", strong=True, exact=True)
    for pattern, rule in ((_PROSE, "prose"), (_USER_PAIR, "login-pair")):
        for found in pattern.finditer(text):
            yield from _judge(text, found, rule, strong=False, exact=False)
    if "|" in text or "\t" in text:
        yield from _columns(text)


def _judge(text: str, found: re.Match[str], rule: str, *, strong: bool, exact: bool) -> Iterator[Find]:
    start, end = found.span("value")
    value = found["value"]
    quoted = value[0] in "\"'`\\"
    if value[:2] == '\\"':
        start, value = start + 2, value[2:]
    elif quoted:
        start, end, value = start + 1, end - 1, value[1:-1]
    else:
        kept = value.rstrip(_TRAIL) if not exact else value.rstrip(",;)")
        end, value = start + len(kept), kept
        if "&" in value and "=" in text[max(0, start - 1) : start]:
            value = value.split("&", 1)[0]
            end = start + len(value)
    if len(value) < 3 or is_placeholder(value) or value.lower() in _STATES or "⟨" in value:
        return
    if not _secretive(value, strong=strong, exact=exact, quoted=quoted, alone=_alone(text, end)):
        return
    yield Find(start, end, SECRET, rule, value, "secret")


def _alone(text: str, end: int) -> bool:
    line = text.find("\n", end)
    return not text[end : line if line >= 0 else len(text)].strip("\"'`, ;}])")


def _secretive(value: str, *, strong: bool, exact: bool, quoted: bool, alone: bool) -> bool:
    """Whether the value can be a secret: words are only where the name before them leaves no other reading."""
    words = value.split()
    if _WORDLIKE.fullmatch(value):
        known = all(vocabulary().knows(part) for part in re.split(r"['’-]", value))
        if not known:
            return strong or quoted or _odd(value)
        return strong and (exact or (alone and "-" not in value) or value.count("-") >= 3)
    if len(words) > 1:
        return strong and quoted and (exact or 4 <= len(words) <= 24) and not value.endswith(".") and _odd_phrase(words)
    if re.fullmatch(r"[\d.,:%]+", value):
        return strong and exact and value.isdigit() and len(value) >= 4
    return (not _technical(value)) or (strong and exact and quoted)


def _odd(value: str) -> bool:
    return len(value) >= 6 and not (value.islower() or value.istitle() or value.isupper())


def _odd_phrase(words: list[str]) -> bool:
    return any(not _WORDLIKE.fullmatch(word.strip(",.")) for word in words) or all(word.islower() for word in words)


_TECHNICAL: Final = re.compile(
    r"/?(?:[A-Za-z]+[._/:-])*[A-Za-z]+/?|[\d.]+[a-z]{0,3}|\$[\w{(].*|\[?%?\w*%?\]?|.*\(\)|https?://.*|[a-z]+(?:_[a-z]+)+|"
    r"[A-Za-z]+\.[A-Za-z.]+|[A-Z]+(?:_[A-Z]+)+|\W*",
)


def _technical(value: str) -> bool:
    if len(value) > 200 or _TECHNICAL.fullmatch(value) is None:
        return False
    parts = re.findall(r"[A-Za-z]+|\d+", value)
    return all(part.isdigit() or vocabulary().knows(part) for part in parts) and not any(
        len(part) > 8 and part.isdigit() for part in parts
    )


def _columns(text: str) -> Iterator[Find]:
    """Cells under a table heading that names a secret."""
    position = 0
    hot: tuple[str, int, int] | None = None
    for line in text.splitlines(keepends=True):
        separator = "|" if "|" in line else "\t" if "\t" in line else ""
        cells = line.rstrip("\n").split(separator) if separator else []
        if hot and len(cells) == hot[1] and separator == hot[0]:
            start = position + sum(len(cell) + 1 for cell in cells[: hot[2]])
            cell = cells[hot[2]]
            value = cell.strip(" `*\"'")
            if len(value) >= 4 and not set(value) <= set("-:= ") and not is_placeholder(value) and "⟨" not in value:
                begin = start + cell.index(value)
                yield Find(begin, begin + len(value), SECRET, "column", value, "secret")
        elif len(cells) > 1:
            column = next((index for index, cell in enumerate(cells) if _CELL.match(cell)), None)
            hot = (separator, len(cells), column) if column is not None else None
        else:
            hot = None
        position += len(line)
