"""Machines and places on the network: hosts, internal URLs, pods, nodes; public ones stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.anonymize.catalog import fold
from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import vocabulary, wordlist

_URL: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://(?:\[[0-9a-fA-F:.]+\])?[^\s\"'`<>|⟨⟩{}\[\]]+")
_AUTHORITY: Final = re.compile(
    r"(?P<scheme>[a-zA-Z][\w+.-]*)://(?:(?P<user>[^/\s]*)@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^/:?#\s,]*)(?P<port>:\d+)?(?P<rest>.*)",
    re.DOTALL,
)
_DOTTED: Final = re.compile(
    r"(?<![\w@/.%$-])(?:[A-Za-z0-9_](?:[\w-]{0,62}[A-Za-z0-9])?\.){1,10}[A-Za-z][A-Za-z0-9-]{1,24}(?![\w-]|\.\w|\()"
)
_DIGIT: Final = re.compile(r"\d")
_POD: Final = re.compile(
    r"(?<![\w.-])[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?-(?P<hash>[a-z0-9]{8,10})-(?P<tail>[a-z0-9]{5})(?![\w-])"
)
_DAEMON: Final = re.compile(
    r"(?<![\w./-])(?P<name>[a-z](?:[a-z0-9-]{1,60}[a-z0-9]))-(?P<tail>[bcdfghjklmnpqrstvwxz2456789]{5})(?![\w-])"
)
_REPLICASET: Final = re.compile(
    r"(?<![\w./-])[a-z][a-z0-9-]{1,60}[a-z0-9]-(?P<hash>[bcdfghjklmnpqrstvwxz2456789]{8,10})(?![\w-])"
)
_NODE: Final = re.compile(
    r"(?<![\w.-])(?:ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*[a-z])?|gke-[\w-]{4,80}|aks-[\w-]+-vmss\w+|(?:i|ec2)-\d+-\d+-\d+-\d+[\w.-]*)(?![\w-])"
)
_NUMBERED: Final = re.compile(
    r"(?<![\w./-])[A-Za-z](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){2,60}?[-_]?\d{1,5}[a-z]?(?![\w-])"
)
_THREAD: Final = re.compile(
    r"(?i)(?:^|-)(?:exec|thread|threads|pool|nio|executor|dispatcher|epoll|eventloop|forkjoin|scheduler|scheduling|async|main|timer|step|phase|version|level|part|option|release|chapter|section|figure|table|appendix|example|item|day|week|page|v|rc|beta|alpha|build|top|sha|utf|iso|log4j|http|tls|ssl|ipv|cve|rfc|layer|tier|type|sev|covid|gpt|claude|llama|sonnet|opus)-?\d{1,4}(?:-|$)"
)
_MACHINES: Final = wordlist("machines")
_REGION: Final = re.compile(
    r"(?i)(?:us|eu|ap|sa|ca|me|af|il|cn|mx)-(?:gov-)?(?:north|south|east|west|central|northeast|southeast|northwest|southwest)-?\d[a-f]?|(?:us|europe|asia|australia|northamerica|southamerica|me|africa)-[a-z]+\d(?:-[a-f])?|(?:east|west|north|south|central)(?:us|europe|india|asia)\d?"
)
_FILES: Final = wordlist("files")
_PUBLIC_TLD: Final = wordlist("public-tld")
_PRIVATE_TLD: Final = wordlist("private-tld")
_PUBLIC_HOSTS: Final = wordlist("public-hosts")
_AMBIGUOUS_TLD: Final = wordlist("ambiguous-tld")
_ONLY_PRIVATE: Final = frozenset(
    {"local", "internal", "corp", "lan", "intranet", "localdomain", "intra", "priv", "arpa"}
)
_LIBRARIES: Final = wordlist("libraries")
_LABEL_KEYS: Final = frozenset(
    [
        "app",
        "kubernetes",
        "k8s",
        "node-role",
        "topology",
        "beta",
        "service",
        "networking",
        "rbac",
        "storage",
        "policy",
        "apps",
        "batch",
        "autoscaling",
    ]
)
_WORKLOAD_SHORT: Final = 24


def find_in_token(token: str, domains: tuple[str, ...]) -> Iterator[Find]:
    """Hosts, pods and nodes within one token; `domains` are the organization's own, in lower case."""
    if "." in token:
        for found in _DOTTED.finditer(token):
            if is_private_host(found[0], domains):
                yield Find(*found.span(), "HOST", "host", host_key(found[0], domains), "host")
        lower = token.lower()
        for domain in domains:
            if domain in lower:
                yield from _own_domain(token, domain, domains)
    if _DIGIT.search(token):
        if "-" in token:
            for found in _NODE.finditer(token):
                yield Find(*found.span(), "NODE", "node", found[0].partition(".")[0].lower(), "host")
            yield from _pods(token)
        yield from _numbered(token)


def find_hosts(text: str, domains: tuple[str, ...]) -> Iterator[Find]:
    """URLs of machines that are not public."""
    if "://" in text:
        for found in _URL.finditer(text):
            yield from _url(found, domains)


def host_key(host: str, domains: tuple[str, ...]) -> str:
    """One machine, however written: the first label where the rest is the organization's domain."""
    lowered = fold(host).rstrip(".")
    for domain in domains:
        if lowered.endswith("." + domain) and lowered.count(".") > domain.count("."):
            return lowered[: -len(domain) - 1]
    return lowered


def is_public_host(host: str) -> bool:
    """Whether a host belongs to a public project or vendor, or to the reserved examples."""
    lowered = host.lower().strip(".")
    if lowered in {"localhost", "kubernetes", "registry-1.docker.io"} or lowered.endswith(
        (".example", ".test", ".invalid", ".localhost")
    ):
        return True
    parts = lowered.split(".")
    if (
        parts[0] in {"docs", "doc", "www", "developer", "developers"}
        and len(parts) == 3
        and parts[1] in vocabulary().trade
    ):
        return True
    return any(".".join(parts[index:]) in _PUBLIC_HOSTS for index in range(len(parts)))


def is_private_host(name: str, domains: tuple[str, ...]) -> bool:
    """Whether a dotted name is a host that is not public; file names, versions, classes and fields are none."""
    lowered = name.lower()
    if any(lowered == domain or lowered.endswith("." + domain) for domain in domains):
        return True
    if name not in {lowered, name.upper()}:
        return False
    parts = lowered.split(".")
    last = parts[-1]
    if is_public_host(lowered):
        return last in {"local", "internal"} and not _all_known(parts[:-2])
    if last in _PRIVATE_TLD:
        return last in _ONLY_PRIVATE or (len(parts) >= 3 and not _all_known(parts))
    package = parts[0] in _LIBRARIES and last not in {"com", "org", "net", "io"}
    package = package or (
        last in _AMBIGUOUS_TLD and parts[0] in vocabulary().operations and _all_known(parts)
    )
    return last in _PUBLIC_TLD and not package and (last not in _FILES or len(parts) > 2)


def _all_known(parts: list[str]) -> bool:
    words = vocabulary()
    return all(
        all(words.knows(word) or word.isdigit() for word in re.split(r"[-_]", part) if word) for part in parts
    )


def _url(found: re.Match[str], domains: tuple[str, ...]) -> Iterator[Find]:
    whole = found[0].rstrip(".,;:!?)]*_~\\")
    if whole.count("(") > whole.count(")"):
        whole = whole + ")" if found[0].startswith(whole + ")") else whole
    parsed = _AUTHORITY.fullmatch(whole)
    if parsed is None or not parsed["host"]:
        return
    host = parsed["host"]
    start = found.start()
    end = start + len(whole)
    if parsed["scheme"].lower() in {"s3", "gs", "file"}:
        return
    private = is_private_host(host, domains) or _private_name(host)
    if not private:
        return
    web = parsed["scheme"].lower() in {"http", "https"} and not parsed["user"]
    if web and len(parsed["rest"]) > 1:
        yield Find(start, end, "INTERNAL_URL", "internal-url", whole.lower())
    else:
        at = start + parsed.start("host")
        yield Find(at, at + len(host), "HOST", "url-host", host_key(host, domains), "host")


def _private_name(host: str) -> bool:
    """Single-label hosts and addresses are judged by the other rules; other names only by their dots."""
    if "." not in host or host[0].isdigit() or host[0] == "[":
        return False
    last = host.rsplit(".", 1)[1].lower()
    return not is_public_host(host) and (last in _PUBLIC_TLD or last in _PRIVATE_TLD or last.isalpha())


def _own_domain(text: str, domain: str, domains: tuple[str, ...]) -> Iterator[Find]:
    pattern = re.compile(rf"(?<![\w.-])(?:[\w-]+\.)*{re.escape(domain)}(?![\w-]|\.\w)", re.IGNORECASE)
    for found in pattern.finditer(text):
        yield Find(*found.span(), "HOST", "catalog-domain", host_key(found[0], domains), "host")


def _pods(text: str) -> Iterator[Find]:
    for found in _POD.finditer(text):
        digits = sum(c.isdigit() for c in found["hash"] + found["tail"])
        if digits and not (vocabulary().knows(found["hash"]) and vocabulary().knows(found["tail"])):
            yield Find(*found.span(), "POD", "pod", found[0])
    for found in _REPLICASET.finditer(text):
        if sum(c.isdigit() for c in found["hash"]) >= 2:
            yield Find(*found.span(), "POD", "replicaset", found[0])
    for found in _DAEMON.finditer(text):
        if any(c.isdigit() for c in found["tail"]) and not found["tail"].isdigit():
            yield Find(*found.span(), "POD", "daemonset-pod", found[0])


def _numbered(text: str) -> Iterator[Find]:
    """Names of machines by numbering: `web03`, `db-prod-17`, `orb-use1-worker-34`."""
    for found in _NUMBERED.finditer(text):
        value = found[0]
        parts = re.split(r"[-_]", value)
        if _THREAD.search(value) or _REGION.fullmatch(value) or "_" in value:
            continue
        last = parts[-1]
        digits = re.search(r"\d+", last)
        if len(parts) >= 3 and digits and (last.isdigit() or len(last) <= 5) and not last.isalpha():
            plain = all(vocabulary().knows(part) and part not in _MACHINES for part in parts[:-1])
            if len(value) <= 60 and not re.fullmatch(r"\d{4}", last) and not (plain and len(last) == 1):
                yield Find(*found.span(), "NODE", "numbered-name", value.lower(), "host")
        elif len(parts) == 2 and last.isdigit() and value.islower() and (last[0] == "0" or len(last) >= 2):
            if parts[0] in _MACHINES or not vocabulary().knows(parts[0]):
                yield Find(*found.span(), "NODE", "numbered-name", value.lower(), "host")
        elif (
            len(parts) == 1
            and re.fullmatch(r"[a-z]{2,14}0\d{1,3}[a-z]?", value)
            and value.rstrip("0123456789abcdef") != "log"
        ):
            yield Find(*found.span(), "NODE", "zero-padded-name", value.lower(), "host")
