"""Default-deny: every token that is not made of public words or a harmless shape must not leave."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from compass.anonymize import hosts, people, secrets, structures
from compass.anonymize.hosts import is_public_host
from compass.anonymize.secrets import is_placeholder
from compass.anonymize.spans import UNKNOWN, Find
from compass.anonymize.vocabulary import vocabulary
from compass.model.ids import ENTRY_ID, INVESTIGATION_ID

_OPEN: Final = r"[^\s\"'’`<>()\[\]{},;|⟨⟩“”‘]+"
_CHUNK: Final = re.compile(rf"{_OPEN}(?:(?<=\w)['’](?=\w){_OPEN})*")
_EDGE: Final = ".:!?*_~#=/\\@$%&^+-…–—•→←↑↓✓✔×§°·<>=≥≤"
_RUN: Final = re.compile(r"[^\W_]+(?:['’](?:s|t|re|ve|ll|d|m|S|T)\b)?")
_UNIT: Final = (
    r"(?:st|nd|rd|th|x|X|ns|us|µs|μs|ms|s|sec|secs|m|min|mins|h|hr|hrs|d|w|y|mo|k|K|M|G|T|P|B|b|bn|Ki|Mi|Gi|Ti|Pi|[KMGTP]i?[Bb]|[kmgt]b|[kmg]bps|[KMG]bps|"
    r"[kMG]?Hz|bps|rps|qps|tps|req|vcpu|cpu|pct|pp|px|em|rem|am|pm|AM|PM|f|L|n|u|e|E|a|c|W|V|A|C|F|U|dB|bit|bits|byte|bytes|core|cores|xx|XX|D|x86|USD|EUR)"
)
_SAFE_RUN: Final = re.compile(
    rf"\d{{1,10}}|\d+{_UNIT}|(?:\d+(?:d|h|m|s|ms))+|[a-zA-Z]{{1,2}}\d{{1,3}}[a-z]?|\d{{1,3}}[a-zA-Z]{{1,2}}|[vV]\d+(?:alpha|beta|rc|a|b)?\d*|"
    r"(?:rc|alpha|beta|pre|dev|build|patch|post|el|fc|deb|ubuntu|jre|jdk|java|openjdk|rfc|go|py|cp|python|php|node|tls|ssl|http|ipv|utf|sha|md|base|int|uint|float|log|"
    r"eth|ens|eno|enp\ds|wlan|sda|sdb|sdc|nvme|dm|tty|cpu|gpu|loop|bond|veth|lo|ppp|tun|tap|br|docker|cni|cali|vlan|gen|rev|win|amd|arm|aarch|x|i|h|mp|oauth|web|log|route|ec|s|k|p|q|sev|prio|tier|t)\d{1,5}|"
    r"0[xX][0-9a-fA-F]{1,16}|[TZ]\d{1,6}Z?|\d{8}T\d{4,6}Z?|[A-Z]\d{1,2}[A-Z]?"
)
_SAFE_CHUNK: Final = re.compile(
    r"[vV]?\d+(?:[.,:]\d+)*(?:[-+~_.](?:\d{1,6}|[a-z]{1,12}\.?\d{0,6}|\d+[a-z]{1,3}\d{0,4})){0,5}%?|"
    r"\d{4}-\d\d-\d\d(?:[T_]\d\d[:-]\d\d(?:[:-]\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?|\d+(?:\.\d+)?[eE][+-]?\d+|"
    r"(?:CVE|CWE|GHSA|RFC|ISO|RHSA|USN|DSA)-[\w-]+|[$€£]?\d[\d.,]*[kKMB]?|"
    r"[a-z]\d?[a-z]{0,3}\d?[a-z]{0,3}\.(?:\d{0,2}x?large|metal|nano|micro|small|medium)|"
    r"(?i:sha1|sha224|sha256|sha384|sha512|md5|blake2b)[:-][A-Za-z0-9+/=]{16,}|"
    r"[\w./-]*@(?:sha256):[0-9a-f]{32,64}|(?i:utf|iso|us|cp|windows|koi8)-?\d[\w-]*|0{3,}|[xX*#.=_-]+|blk_-?\d+"
)
_NOISE: Final = re.compile(
    r"(?<=[A-Za-z0-9])[!#$%^&*?+~@.-]{1,4}(?=[A-Za-z0-9]).{0,40}?(?<=[A-Za-z0-9!#$%^&*?+~@])[!#$%^&*?~](?=[A-Za-z0-9])|(?<=[A-Za-z0-9])[!#$%^&*?~]{1,4}(?=[A-Za-z0-9]).{0,40}?[!#$%^&*?+~@.-](?=[A-Za-z0-9])"
)
_CASED: Final = re.compile(
    r"[A-Z]?[a-z]+|[A-Z]{1,12}s?|[A-Z]{2,6}[a-z]{3,}|[a-z]+(?:[A-Z][a-z]{2,}|[A-Z]{2,5}$)+|(?:[A-Z][a-z]{2,}|[A-Z]{2,5}(?=[A-Z]|$)){2,}"
)
_COLOUR: Final = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}")
_HOST: Final = re.compile(r"\W*(?:https?://|git@)?(?P<host>[A-Za-z0-9.-]+)(?=[/:?#]|\W*$)")
_HEX: Final = re.compile(r"[0-9a-f]{7,64}")
_PUBLIC_ID: Final = re.compile(
    rf"(?i:([0-9a-f])\1{{7}}-(?:\1{{4}}-){{3}}\1{{12}}|123e4567-e89b-12d3-a456-426\d{{9}}|550e8400-e29b-41d4-a716-446655440000)|{ENTRY_ID.pattern}|{INVESTIGATION_ID.pattern}"
)
_SEGMENT: Final = re.compile(r"(?:[A-Za-z]?[a-z]{2,}[-_.]?)+(?:\d{1,2})?")
_GIT: Final = re.compile(
    r"(?i)(?:\b(?:commit|commits|sha|sha1|sha256|sha512|rev|revs?|revision|git|checkout|fix|fixed|fixes|merged?|merge|revert|reverted|reverts|rolled[ -]?back|rollback|roll(?:ed)?[ -]?(?:back|out)|release[ds]?|"
    r"build|version|image|tag|tagged|cherry|branch|head|deploy|deployed|deploys|deployment|patch|pr|pull|bump|bumped|bisect|bad|good|upstream|introduced|changeset|diff|etag|md5|digest|checksum|hash|landed|backport(?:ed)?|canary|hotfix|shipped|rolled|blame|since|regression)\b|@|\.\.|/commit/|/tree/)"
    r"[^\n]{0,40}$"
)
_DIGESTS: Final = frozenset({7, 8, 9, 10, 11, 12, 32, 40, 64})
_VERSION_BEFORE: Final = re.compile(r"(?i)(?:\bv|version|release[d]?|\b[a-z]+/)[ :=]*$")
_CONTEXT: Final = 64
_LIMIT: Final = 60_000


class Piece(NamedTuple):
    """A part of a token: offsets within it; `kind` is word, mixed (letters and digits, odd capitals), hex or number."""

    start: int
    end: int
    kind: str


class Tokens:
    """Examines tokens; what was found in a token is remembered, since texts repeat themselves."""

    def __init__(self, allowed: Collection[str] = (), domains: tuple[str, ...] = ()) -> None:
        self.allowed = frozenset(word.lower() for word in allowed)
        self.domains = domains
        self._memo: dict[str, tuple[Find, ...]] = {}

    def find(self, text: str) -> Iterator[Find]:
        """What the look of single tokens gives away, and every part that default-deny does not let through."""
        memo = self._memo
        for found in _CHUNK.finditer(text):
            chunk = found[0]
            finds = memo.get(chunk)
            if finds is None:
                if len(memo) > _LIMIT:
                    memo.clear()
                finds = memo[chunk] = self.examine(chunk)
            if finds:
                yield from self._place(text, found.start(), finds)

    def examine(self, chunk: str) -> tuple[Find, ...]:
        """Finds within one token, with offsets in it."""
        unknown = (
            Find(piece.start, piece.end, UNKNOWN, f"unknown-{piece.kind}") for piece in self._classify(chunk)
        )
        if chunk.isalpha():
            return tuple(unknown)
        return (
            *secrets.find_in_token(chunk),
            *structures.find_in_token(chunk),
            *hosts.find_in_token(chunk, self.domains),
            *people.find_in_token(chunk),
            *unknown,
        )

    def _place(self, text: str, offset: int, finds: tuple[Find, ...]) -> Iterator[Find]:
        for find in finds:
            start, end = offset + find.start, offset + find.end
            if find.label == UNKNOWN:
                value = text[start:end]
                if find.rule == "unknown-hex" and len(value) in _DIGESTS and _git(text, start, value):
                    continue
                if find.rule in {"unknown-mixed", "unknown-hex"}:
                    start, end = _to_quotes(text, start, end)
                yield Find(start, end, UNKNOWN, find.rule, text[start:end].lower(), "unknown")
            elif find.rule != "ipv4" or not _VERSION_BEFORE.search(text, max(0, start - 12), start):
                yield find._replace(start=start, end=end)

    def _classify(self, chunk: str) -> tuple[Piece, ...]:
        core = chunk.strip(_EDGE)
        if (
            not core
            or (chunk[0] == "#" and _COLOUR.fullmatch(core))
            or _SAFE_CHUNK.fullmatch(core)
            or (core.isalpha() and self._known(core))
        ):
            return ()
        if _NOISE.search(core) and _noisy(core):
            return (Piece(0, len(chunk.rstrip(".,:;")), "mixed"),)
        skip = _public_host(chunk)
        unknown = [piece for run in _RUN.finditer(chunk) if run.start() >= skip and (piece := self._run(run))]
        if not unknown or is_placeholder(core) or _PUBLIC_ID.fullmatch(core):
            return ()
        mixed = [piece for piece in unknown if piece.kind == "mixed"]
        if not mixed:
            wide: list[Piece] = []
            for piece in unknown:
                if not wide or piece.start >= wide[-1].end:
                    wide.append(_compound(chunk, piece))
            return _unite(wide)
        return _unite([_extent(chunk, piece, unknown) for piece in unknown])

    def _known(self, word: str) -> bool:
        return vocabulary().knows(word) or word.lower() in self.allowed

    def _contracted(self, value: str, word: str) -> bool:
        """`isn't`: the word without the n of its not."""
        return value[len(word) + 1 :].lower() == "t" and word[-1:] in "nN" and self._known(word[:-1])

    def _run(self, run: re.Match[str]) -> Piece | None:
        value = run[0]
        word = value.split("'")[0].split("’")[0]
        start, end = run.start(), run.start() + len(word)
        if word.isdigit():
            return None if _plain_number(word) else Piece(start, end, "number")
        if word.isalpha():
            if self._known(word) or self._contracted(value, word):
                return None
            return Piece(start, end, "word" if _wordlike(word) else "mixed")
        if (
            _SAFE_RUN.fullmatch(word)
            or word.lower() in vocabulary().operations
            or word.lower() in self.allowed
        ):
            return None
        if _HEX.fullmatch(word):
            return Piece(start, end, "hex")
        return None if self._numbered(word) else Piece(start, end, "mixed")

    def _numbered(self, word: str) -> bool:
        """Public words with a number or two: `Http2Client`, `node1`, `Base64Encoder`."""
        parts = re.findall(r"\d+|[^\W\d_]+", word)
        letters = [part for part in parts if not part.isdigit()]
        return (
            len(parts) <= 4
            and len(parts) - len(letters) <= 2
            and all(len(part) <= 3 for part in parts if part.isdigit())
            and all(len(part) >= 3 and self._known(part) for part in letters)
            and max(map(len, letters)) >= 3
        )


def _public_host(chunk: str) -> int:
    """How many characters of the token are the scheme and the host of a public site; 0 when they are none."""
    host = _HOST.match(chunk)
    return host.end() if host and "." in host["host"] and is_public_host(host["host"]) else 0


def _noisy(core: str) -> bool:
    """Whether symbols stand between letters and digits as they do in passwords: `k9?f7+k#Gq`."""
    if not 8 <= len(core) <= 64 or "://" in core or "=" in core or "\\" in core or is_placeholder(core):
        return False
    classes = any(c.isdigit() for c in core) + any(c.islower() for c in core) + any(c.isupper() for c in core)
    longest = max(map(len, re.findall(r"[^\W\d_]+", core)), default=0)
    return classes >= 2 and longest <= 8 and len(_NOISE.findall(core)) >= 1


def _wordlike(word: str) -> bool:
    """Letters as a person writes them: `Acme`, `ACME`, `AcmePay`; not `STQKjW`."""
    if len(word) > 24 or (word.isascii() and _CASED.fullmatch(word) is None):
        return False
    return not _unspeakable(word.lower())


def _unspeakable(lower: str) -> bool:
    vowels = sum(char in "aeiouyäöüåøæéèáíóúàâêîôûãõ" for char in lower)
    return lower.isascii() and len(lower) >= 12 and vowels * 6 < len(lower)


def _plain_number(digits: str) -> bool:
    """Numbers that count or measure: up to ten digits, whole kibibytes, times since 1970 in s, ms, µs or ns."""
    if len(digits) <= 10 or (len(digits) in {13, 16, 19} and digits[0] == "1" and digits[1] in "4567"):
        return True
    if len(digits) in {12, 14} and re.fullmatch(
        r"20[0-4]\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:[01]\d|2[0-3])(?:[0-5]\d){1,2}", digits
    ):
        return True
    return (len(digits) <= 16 and int(digits) % 1024 == 0) or set(digits) <= {"0"}


def _git(text: str, start: int, value: str) -> bool:
    line = text.rfind("\n", max(0, start - _CONTEXT), start) + 1
    before = text[max(line, start - _CONTEXT) : start]
    if re.search(
        r"(?i)(?:trace|span|session|request|req|token|key|secret|password|instance|id)[\"'`]?[ =:/_-]*[\"'`]?$",
        before,
    ):
        return False
    if len(value) in {32, 64} and not re.search(
        r"(?i)(?:etag|md5|sha256|digest|checksum|hash)\W{0,12}$", before
    ):
        return False
    return _GIT.search(before) is not None or (
        len(value) <= 12 and re.search(r"\d\.\d[\w.-]*\W{1,3}$", before) is not None
    )


def _to_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole of a quoted or back-ticked value without spaces around a random-looking part."""
    left = start
    while left > 0 and start - left < 200 and text[left - 1] not in " \t\n\"'`⟨⟩=":
        left -= 1
    right = end
    while right < len(text) and right - end < 200 and text[right] not in " \t\n\"'`⟨⟩":
        right += 1
    quote = text[left - 1] if left else ""
    if (
        quote
        and quote in "\"'`"
        and right < len(text)
        and text[right] == quote
        and not _structured(text[left:right])
    ):
        return left, right
    return start, end


def _structured(value: str) -> bool:
    return (
        ("/" in value.strip("/") and value.count("/") >= 2)
        or "://" in value
        or value.count(".") > 3
        or "{" in value
        or "," in value
    )


def _compound(chunk: str, piece: Piece) -> Piece:
    """The identifier around an unknown word: `acme-logs-prod-13` as a whole."""
    start, end = piece.start, piece.end
    while start > 0 and (chunk[start - 1].isalnum() or chunk[start - 1] in "_-"):
        start -= 1
    while end < len(chunk) and (chunk[end].isalnum() or chunk[end] in "_-"):
        end += 1
    whole = chunk[start:end]
    return Piece(end - len(whole.lstrip("_-")), start + len(whole.rstrip("_-")), piece.kind)


def _extent(chunk: str, piece: Piece, unknown: list[Piece]) -> Piece:
    """How much of a token a random-looking part takes with it: its path segment, its value, or everything."""
    left, right = 0, len(chunk)
    equals = chunk.rfind("=", 0, piece.start)
    if equals > 0 and re.fullmatch(r"[\w.:/&?-]*[A-Za-z_][\w-]*", chunk[:equals]):
        left = equals + 1
    amp = chunk.find("&", piece.end)
    right = amp if amp >= 0 and "=" in chunk[amp:] else right
    colon = chunk.rfind(":", left, piece.start)
    if colon > 0 and not any(other.kind == "mixed" and other.end <= colon for other in unknown):
        left = colon + 1
    segments = chunk[left:right].split("/")
    if len(segments) > 1 and _path(segments, left, unknown):
        slash = chunk.rfind("/", left, piece.start)
        left = max(left, slash + 1)
        following = chunk.find("/", piece.end, right)
        right = following if following >= 0 else right
    text = chunk[left:right]
    end = right - (len(text) - len(text.rstrip(".,:;")))
    return Piece(left, max(end, piece.end), piece.kind)


def _path(segments: list[str], left: int, unknown: list[Piece]) -> bool:
    """Whether segments between slashes read like a path: at least one is a public word of three letters."""
    position = left
    for segment in segments:
        clean = not any(piece.start < position + len(segment) and piece.end > position for piece in unknown)
        if clean and _SEGMENT.fullmatch(segment):
            return True
        position += len(segment) + 1
    return False


def _unite(pieces: list[Piece]) -> tuple[Piece, ...]:
    united: list[Piece] = []
    for piece in sorted(pieces):
        if united and piece.start <= united[-1].end:
            last = united[-1]
            kind = "mixed" if "mixed" in {piece.kind, last.kind} else last.kind
            united[-1] = Piece(last.start, max(last.end, piece.end), kind)
        else:
            united.append(piece)
    return tuple(united)
