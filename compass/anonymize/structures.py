"""Identifiers by their structure: addresses, numbers with a checksum, resource names and ids."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

from compass.anonymize.spans import Find

_EMAIL: Final = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,23}(?![\w@])")
_EXAMPLE_MAIL: Final = re.compile(r"(?i).*@(?:[\w-]+\.)*(?:example(?:\.(?:com|org|net|edu))?|localhost|test|invalid|users\.noreply\.github\.com)")
_GIT_USER: Final = re.compile(r"git@(?:github\.com|gitlab\.com|bitbucket\.org)")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w]|\.\d)")
_IPV6: Final = re.compile(r"(?i)(?<![\w:.])(?:[0-9a-f]{0,4}:){2,8}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?:%\w+)?(?:/\d{1,3})?(?![\w:])")
_MAC: Final = re.compile(r"(?i)(?<![\w:-])(?:(?:[0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})(?![\w:-])")
_VERSION_BEFORE: Final = re.compile(r"(?i)(?:\bv|version|release[d]?|\b[a-z]+/)[ :=]*$")
_PUBLIC_ADDRESSES: Final = frozenset((
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220",
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "255.255.255.255", "169.254.20.10",
    "2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe", "fd00:ec2::254",
))  # fmt: skip
_DOCUMENTATION: Final = tuple(
    ipaddress.ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8", "0.0.0.0/8", "::1/128", "224.0.0.0/4")
)
_GENERIC_NETS: Final = frozenset((
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "fc00::/7",
    "0.0.0.0/0", "::/0", "10.96.0.0/12", "10.244.0.0/16", "255.255.255.0", "255.255.0.0", "255.0.0.0",
    "255.255.240.0", "255.255.252.0", "255.255.254.0", "255.255.255.128", "255.255.255.240", "255.255.255.248",
))  # fmt: skip
_UUID: Final = re.compile(r"(?i)(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])")
_EXAMPLE_UUID: Final = re.compile(r"(?i)(?:([0-9a-f])\1{7}-(?:\1{4}-){3}\1{12}|123e4567-e89b-12d3-a456-426\d{9}|550e8400-e29b-41d4-a716-446655440000|00000000-0000-0000-0000-\d{12})")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD: Final = re.compile(r"(?<![\w.-])(?:\d{4}[ -]){3}\d{1,7}(?![\w-])|(?<![\w.-])3[47]\d{2}[ -]\d{6}[ -]\d{5}(?![\w-])|(?<![\w.])(?:[3-6]\d{12,18})(?![\w]|\.\d)")
_PHONE: Final = re.compile(r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?(?:\d{1,5}[ .-]?){1,5}\d{2,5}|\(\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]?\d{2,5}){1,3}|(?:\d{3}[.-]){2}\d{4}|0\d{2,4}[ /-]\d{3,8}(?:[ -]\d{2,5}){0,2})(?![\w]|[.-]\d)")
_SSN: Final = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_ARN: Final = re.compile(r"\barn:aws[\w-]*:[^\s\"'`<>,;()|⟨]{6,400}")
_RESOURCE: Final = re.compile(r"(?i)(?<![\w/])/?(?:subscriptions/[0-9a-f-]{30,40}(?:/[\w.()-]+)*|projects/[\w-]{4,40}/(?:[\w.-]+/)*[\w.-]+)|\bprojects/[a-z][\w-]{4,30}\b")
_BUCKET: Final = re.compile(r"\b(?:s3[an]?|gs|wasbs?|abfss?|adl|oss|r2|b2|swift|cos|minio)://([^\s\"'`<>()\[\],;|⟨/][^\s\"'`<>()\[\],;|⟨]{2,300})")
_BUCKET_HOST: Final = re.compile(r"(?i)\b[\w.-]{3,63}\.(?:s3[\w.-]{0,30}\.amazonaws\.com|storage\.googleapis\.com|blob\.core\.windows\.net|(?:queue|table|file|dfs)\.core\.windows\.net|digitaloceanspaces\.com)(?:/[^\s\"'`<>()\],;|⟨]*)?|(?<=s3\.amazonaws\.com/)[\w.-]{3,63}|(?<=storage\.googleapis\.com/)[\w.-]{3,63}")
_CLOUD_ID: Final = re.compile(r"\b(?:i|vol|snap|ami|eni|subnet|vpc|sg|rtb|igw|nat|eipalloc|eipassoc|acl|lt|tgw|vpce|fs|pcx|vgw|eigw|dopt|rtbassoc|r|asg|lb|tgw-attach)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_SLACK_ID: Final = re.compile(r"(?<=[@#<(/ :\"'=])[UWCDGTBE][0-9A-Z]{8,12}(?=[>|)\"'\s,./:]|$)")
_TICKET: Final = re.compile(r"(?<![\w/.=-])([A-Z][A-Z0-9]{1,9})-(\d{1,7})(?![\w]|-\d|\.\d)")
_TICKET_WORD: Final = re.compile(r"(?i)\b(?:ticket|issue|incident|case|request|change|problem|jira|bug|task|story|servicenow)s?(?: (?:id|number|no\.?|nr))?[ :#=]{1,3}#?([A-Z]{0,6}[-_]?\d{4,12})\b")
_SERVICENOW: Final = re.compile(r"\b(?:INC|CHG|PRB|RITM|REQ|TASK|CASE|SCTASK|CS|WO|CRQ|PBI)\d{5,12}\b")
_PUBLIC_PREFIX: Final = frozenset((
    "CVE CWE CAPEC RFC ISO IEC UTF UCS SHA MD AES RSA KEP PEP JEP JSR GH HTTP TLS SSL IEEE NIST FIPS PCI SOC EN DIN BSD GPL LGPL AGPL MIT "
    "IPV HTTPS RAID CAT LTS UTC GMT EST PST CET US EU AP SA CA ME AF GO PYSEC OSV MSRC RHSA RHBA USN DSA DLA ALAS SUSE GHSA RUSTSEC VU "
    "KB SP ANSI ECMA ES X Y Z P Q S T V H N M K A B C D E F G L R W SEV PRIO STEP PHASE PART PAGE CHAPTER SECTION FIG TABLE APPENDIX "
    "LEVEL TIER LAYER TYPE CLASS GEN MK COVID SARS A4 EC HA AR MTA LC COM USB PCIE DDR HDMI CORE CPU GPU NODE POD ZONE REGION AZ RACK "
    "Q1 Q2 Q3 Q4 H1 H2 T1 T2 DC ERR ERROR ORA SQL PG KAFKA HDFS HBASE SPARK CASSANDRA ZOOKEEPER FLINK HADOOP YARN AIRFLOW LUCENE SOLR AMQ "
    "JDK JENKINS MDEV SPR GRAFANA TEST CIS OWASP BCP STD DO APACHE BASE CRC IP IPV4 IPV6 EIP ERC BIP DNS AS"
).split())  # fmt: skip
_ACCOUNT: Final = re.compile(r"(?i)\b(?:acct|account|cust|customer|tenant|org|usr|user|client|member|merchant|order|ord|inv|invoice|pay|payment|txn|trx|tx|sub|subscription|cus|ch|pi|pm|in|req|evt|sess|session|party|patient|policy|claim|contract|case|shop|store|seller|buyer|acc|card|ba|wallet|device|msg|batch|job|ws|workspace|proj|project|team|grp|group|uid|cid|tid|oid|booking|res|ticket|shipment|shp|tracking|lead|contact|vendor|partner|site|loc|emp|employee|staff)[_:#-](?=[a-z0-9]*\d)[a-z0-9]{4,40}\b")
_ACCOUNT_WORD: Final = re.compile(r"(?i)\b(?:account|acct|customer|client|tenant|member|merchant|user|patient|policy|contract|order|invoice|subscription|subscriber|cust|shop|store|employee|passport|licen[cs]e|tax|vat|ssn|project|organi[sz]ation|org|workspace|booking|mrn|iban|sort code|routing|folder|billing|wallet|cart|payment|transaction|reservation|serial|imei|imsi|iccid|badge|meter)(?:[ _-]?(?:id|ids|no\.?|nr\.?|number|num|key|code|ref|reference|uuid|guid))?[\"'`]?[ \t]*(?:[:=#]|\bis\b|\bwas\b|[ \t])[ \t]*[\"'`#]?(?P<value>(?=[\w-]*\d)[A-Za-z0-9][\w-]{3,40})")
_SESSION_WORD: Final = re.compile(r"(?i)(?:trace|span|parent|session|request|req|correlation|transaction|message|instance|event|invocation|operation|activity|tenant|client|conversation|thread|process|device|job|task|run|build|execution|batch|upload|cart|visit(?:or)?|user)[_ -]?(?:id|guid|uuid)?[\"'`]?[ \t]*[:=#][ \t]*[\"'`]?(?P<value>(?=[\w-]*\d)[A-Za-z0-9][\w-]{7,80})|\b(?:req|request|trace|session|sess|span|corr|msg|txn|instance|run|op|conn|cid|rid|sid|xid)-(?P<second>(?=[0-9a-z-]*\d)[0-9a-f][0-9a-f-]{6,80})")
_TRACEPARENT: Final = re.compile(r"\b00-([0-9a-f]{32}-[0-9a-f]{16})-0[0-9a-f]\b")
_ULID: Final = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b|\b[a-z]{2,6}_[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}\b")


def find_structures(text: str, lower: str) -> Iterator[Find]:
    """Everything that its own structure gives away, without a catalog."""
    if "@" in text:
        yield from _emails(text)
    yield from _addresses(text)
    if "arn:aws" in lower:
        yield from _plain(text, _ARN, "ARN", "arn", strip=".:")
    if "subscriptions/" in lower or "projects/" in lower:
        yield from _plain(text, _RESOURCE, "ARN", "resource-path")
    if "://" in text:
        yield from (Find(m.start(1), m.start(1) + len(m[1].rstrip(".:")), "BUCKET", "bucket-url", m[1].lower()) for m in _BUCKET.finditer(text))
    if "amazonaws.com" in lower or "windows.net" in lower or "googleapis.com" in lower or "digitaloceanspaces" in lower:
        yield from _plain(text, _BUCKET_HOST, "BUCKET", "bucket-host", strip=".:")
    yield from _plain(text, _CLOUD_ID, "ACCOUNT_ID", "cloud-resource-id")
    yield from _plain(text, _UUID, "SESSION_ID", "uuid", lambda value: not _EXAMPLE_UUID.fullmatch(value))
    yield from _plain(text, _ULID, "SESSION_ID", "ulid", lambda value: any(c.isdigit() for c in value[1:]))
    yield from (Find(*m.span(1), "SESSION_ID", "traceparent", m[1]) for m in _TRACEPARENT.finditer(text))
    yield from _plain(text, _SLACK_ID, "SLACK_ID", "slack-id", lambda value: sum(c.isdigit() for c in value) >= 2 or value[:2] in {"U0", "C0", "T0", "W0", "D0", "G0", "B0"})
    yield from _numbers(text)
    yield from _tickets(text)
    yield from _ids(text)


def _plain(
    text: str, pattern: re.Pattern[str], label: str, rule: str, wanted: Callable[[str], bool] = lambda _: True, strip: str = ""
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
        if not _VERSION_BEFORE.search(text, max(0, found.start() - 12), found.start()) and _identifies(found[0]):
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
    for found in _IBAN.finditer(text):
        compact = found[0].replace(" ", "")
        if 15 <= len(compact) <= 34 and sum(c.isdigit() for c in compact) >= 10:
            yield Find(*found.span(), "IBAN", "iban", compact)
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if 13 <= len(digits) <= 19 and (luhn(digits) or " " in found[0] or "-" in found[0] or len(digits) in {15, 16}):
            yield Find(*found.span(), "CARD", "card", digits)
    for found in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if 7 <= len(digits) <= 15 and (found[0][0] in "+(0" or "-" in found[0] or "." in found[0]):
            yield Find(*found.span(), "PHONE", "phone", digits)
    yield from _plain(text, _SSN, "ACCOUNT_ID", "national-id")


def _tickets(text: str) -> Iterator[Find]:
    for found in _TICKET.finditer(text):
        if found[1] not in _PUBLIC_PREFIX:
            yield Find(*found.span(), "TICKET", "ticket", found[0])
    for found in _TICKET_WORD.finditer(text):
        yield Find(*found.span(1), "TICKET", "ticket-word", found[1])
    yield from _plain(text, _SERVICENOW, "TICKET", "ticket-number")


def _ids(text: str) -> Iterator[Find]:
    yield from _plain(text, _ACCOUNT, "ACCOUNT_ID", "prefixed-id", lambda value: sum(c.isdigit() for c in value) >= 2)
    for found in _ACCOUNT_WORD.finditer(text):
        value = found["value"]
        if sum(c.isdigit() for c in value) >= 3 and not _harmless(value):
            yield Find(*found.span("value"), "ACCOUNT_ID", "account-word", value.lower())
    for found in _SESSION_WORD.finditer(text):
        group = "value" if found["value"] else "second"
        value = found[group]
        if sum(c.isdigit() for c in value) >= 2 and not _EXAMPLE_UUID.fullmatch(value) and not _harmless(value):
            yield Find(*found.span(group), "SESSION_ID", "session-word", value.lower())


_HARMLESS: Final = re.compile(r"(?i)\d{1,4}|\d{4}-\d\d(?:-\d\d)?\w*|\d+(?:ms|s|m|h|d|k|mb|gb|kb|b|x|th|st|nd|rd|rps|qps)|[45]\d\d|v?\d+(?:_\d+)*|[a-z]+-?\d{1,2}")


def _harmless(value: str) -> bool:
    return (_HARMLESS.fullmatch(value) is not None) and not (value.isdigit() and len(value) >= 5)
