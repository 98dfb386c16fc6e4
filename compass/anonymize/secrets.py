"""Secrets by their own look: formats that services publish, each behind a keyword that is cheap to look for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from compass.anonymize.spans import SECRET, Find
from compass.anonymize.vocabulary import alternation


class Format(NamedTuple):
    """A published format: looked for only where one of `keywords` (lower case) stands; group 1 or all of it is secret.

    Most formats lie within one token; those with `wide` may hold spaces, quotes or brackets.
    """

    rule: str
    keywords: tuple[str, ...]
    pattern: re.Pattern[str]
    wide: bool


_WIDE: Final = frozenset({"pem", "putty", "ssh-opaque", "userinfo", "userinfo-token", "otpauth"})


def _format(rule: str, keywords: str, pattern: str) -> Format:
    return Format(rule, tuple(keywords.split()), re.compile(pattern), rule in _WIDE)


_W: Final = r"[A-Za-z0-9_-]"
FORMATS: Final = (
    _format("pem", "-----begin ----begin", r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}?(?:PRIVATE KEY|SECRET|PGP MESSAGE)[A-Z0-9 ]{0,20}-{4,5}(?:(?!-{4,5} ?BEGIN)[\s\S]){0,20000}?(?:-{4,5} ?END [A-Z0-9 ]{1,60}-{4,5}|\Z|(?=\n```|\n\n(?!\S+: )[A-Z#][a-z# ]))"),
    _format("putty", "putty-user-key-file", r"PuTTY-User-Key-File-\d:[\s\S]{0,8000}?Private-MAC: ?[0-9a-fA-F]+"),
    _format("aws-access-key", "akia asia abia acca aida aroa agpa anpa anva", r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AIDA|AROA|AGPA|ANPA|ANVA)[A-Z0-9]{16}\b"),
    _format("aws-session-token", "fwogzxivyxdz iqojb3jpz2lu", r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=_%-]{40,}"),
    _format("github", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\b(?:gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_\w{22,255})"),
    _format("gitlab", "glpat- glptt- gldt- glrt- glsoat- glcbt- glimt- glagent- glft- gloas- gr1348941", rf"\b(?:gl(?:pat|ptt|dt|rt|soat|cbt|imt|agent|ft|oas)-{_W}{{16,}}|GR1348941{_W}{{20,}})"),
    _format("slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe xapp- xwfp-", r"\b(?:xox[abeoprs](?:\.xox[bp])?|xapp|xwfp)-[A-Za-z0-9-]{10,}"),
    _format("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_+-]{10,})"),
    _format("discord-webhook", "/api/webhooks/", r"/api/webhooks/([0-9]{10,}/[\w-]{20,})"),
    _format("teams-webhook", "webhook.office.com logic.azure.com", r"(?:webhook\.office\.com|logic\.azure\.com(?::\d+)?)/([^\s\"'`<>]{20,})"),
    _format("stripe", "sk_live_ rk_live_ sk_test_ rk_test_ whsec_ pk_live_ sk_prod_", r"\b(?:[srp]k_(?:live|test|prod)|whsec)_[A-Za-z0-9+/=]{10,}"),
    _format("google-api-key", "aiza", r"\bAIza[\w-]{30,}"),
    _format("google-oauth", "gocspx- ya29. 1//0", r"(?:\bGOCSPX-[\w-]{20,}|\bya29\.[\w.-]{20,}|\b1//0[\w-]{30,})"),
    _format("openai", "sk-", r"\bsk-(?:proj-|svcacct-|admin-|ant-|or-|lf-|None-)?[A-Za-z0-9_-]{16,}"),
    _format("npm", "npm_", r"\bnpm_[A-Za-z0-9]{20,}"),
    _format("pypi", "pypi-", r"\bpypi-[\w-]{30,}"),
    _format("rubygems", "rubygems_", r"\brubygems_[0-9a-f]{32,}"),
    _format("docker", "dckr_pat_ dckr_oat_", r"\bdckr_[po]at_[\w-]{16,}"),
    _format("vault-old", "", r"\bs\.[A-Za-z0-9]{24}\b"),
    _format("hashicorp", "hvs. hvb. hvr. atlasv1.", r"(?:\bhv[sbr]\.[\w-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,})"),
    _format("digitalocean", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[0-9a-f]{32,}"),
    _format("shopify", "shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}"),
    _format("sendgrid", "sg.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    _format("mailgun", "key- pubkey-", r"\b(?:pub)?key-[0-9a-f]{32}\b"),
    _format("mailchimp", "-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    _format("twilio", "", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    _format("databricks", "dapi dose", r"\b(?:dapi|dose)[0-9a-f]{32}(?:-\d)?\b"),
    _format("grafana", "glsa_ glc_ eyjrijoi", r"\b(?:glsa_\w{32,}|glc_[A-Za-z0-9+/=]{32,}|eyJrIjoi[A-Za-z0-9+/=]{30,})"),
    _format("sentry", "sntrys_ sntryu_", r"\bsntry[su]_[A-Za-z0-9+/=_]{20,}"),
    _format("newrelic", "nrak- nrii- nriq- nrjs- nraa-", r"\bNR(?:AK|II|IQ|JS|AA|RA|SP)-[A-Za-z0-9_-]{16,}"),
    _format("atlassian", "atatt3 atbb atctt3", r"\b(?:ATATT3|ATCTT3|ATBB)[\w=-]{16,}"),
    _format("linear", "lin_api_ lin_oauth_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    _format("notion", "secret_ ntn_", r"\b(?:secret|ntn)_[A-Za-z0-9]{30,}"),
    _format("figma", "figd_ figu_", r"\bfig[duo]r?_[\w-]{20,}"),
    _format("hugging-face", "hf_ api_org_", r"\b(?:hf|api_org)_[A-Za-z]{20,}"),
    _format("replicate", "r8_", r"\br8_[A-Za-z0-9]{30,}"),
    _format("groq-xai", "gsk_ xai- pplx- fw_ tgp_v1_", r"\b(?:gsk_|xai-|pplx-|fw_|tgp_v1_)[\w-]{20,}"),
    _format("doppler", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}"),
    _format("pulumi", "pul-", r"\bpul-[0-9a-f]{30,}"),
    _format("planetscale", "pscale_", r"\bpscale_(?:tkn|oauth|pw)_[\w.=-]{16,}"),
    _format("postman", "pmak-", r"\bPMAK-[0-9a-f]{20,}-[0-9a-f]{30,}"),
    _format("fly-io", "fo1_ fm1a_ fm1r_ fm2_", r"\b(?:fo1_|fm1[ar]_|fm2_)[\w+/=,-]{20,}"),
    _format("square", "sq0atp- sq0csp- eaaa", r"\b(?:sq0[a-z]{3}-[\w-]{20,}|EAAA[\w-]{50,})"),
    _format("facebook", "eaac", r"\bEAAC[A-Za-z0-9]{30,}"),
    _format("telegram", ":aa", r"\b\d{6,12}:AA[\w-]{30,}"),
    _format("discord-bot", "", r"\b[MNO][A-Za-z\d_-]{23,28}\.[\w-]{6}\.[\w-]{27,}"),
    _format("buildkite", "bkua_ bkaj_ bkct_", r"\bbk(?:ua|aj|ct)_[0-9a-f]{30,}"),
    _format("tailscale", "tskey-", r"\btskey-[a-z]+-[\w-]{16,}"),
    _format("vercel-supabase", "sbp_ sb_secret_ vercel_blob_", r"\b(?:sbp_|sb_secret_|vercel_blob_rw_)\w{20,}"),
    _format("netlify-render", "nfp_ rnd_", r"\b(?:nfp|rnd)_[A-Za-z0-9]{20,}"),
    _format("heroku", "hrku-", r"\bHRKU-[\w-]{30,}"),
    _format("1password", "ops_ey a3-", r"\b(?:ops_eyJ[\w+/=-]{40,}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){3,5}[A-Z0-9]{5})"),
    _format("age", "age-secret-key- age-plugin-", r"\bAGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9]+)-1?[0-9A-Z]{20,}"),
    _format("sonar-snyk", "sqp_ sqa_ squ_ snyk_uat", r"\b(?:sq[pau]_[0-9a-f]{32,}|snyk_(?:uat|sat)\.[\w.-]{20,})"),
    _format("new-prefixed", "_live_ _test_ _prod_ _pat_ _sk_ _key_ _secret_ _token_", r"\b[A-Za-z][A-Za-z0-9]{1,11}_(?:live|test|prod|pat|sk|key|secret|token|v1)_[A-Za-z0-9]*\d[A-Za-z0-9_-]{12,}"),
    _format("jwt", "eyj", r"\beyJ[\w-]{8,}\.(?:eyJ)?[\w-]{4,}\.?[\w./+=-]*"),
    _format("json-in-base64", "eyj ew0k ewog lo0tls ls0tls", r"(?<![A-Za-z0-9+/_-])(?:ey[IJ]|ew0K|ewog|LS0tLS1CRUdJTi)[A-Za-z0-9+/_-]{14,}={0,2}"),
    _format("azure-storage", "accountkey= sharedaccesskey= sig= sharedaccesssignature", r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|sig)=([A-Za-z0-9+/%=_-]{16,})"),
    _format("azure-secret", "8q~ 7q~", r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{30,40}"),
    _format("password-hash", "$1$ $2 $5$ $6$ $7$ $y$ $apr1$ $argon2 $pbkdf2 $scrypt pbkdf2_ scram-sha {ssha", r"(?:\$(?:1|2[abxy]|5|6|7|y|apr1|argon2[a-z]*|pbkdf2[a-z0-9-]*|scrypt)\$[^\s\"'`:]{8,}|\bpbkdf2_sha\d+\$[^\s\"'`:]{8,}|\bSCRAM-SHA-\d+\$[^\s\"'`]{20,}|\{S?SHA\d*\}[A-Za-z0-9+/=]{20,})"),
    _format("otpauth", "otpauth://", r"otpauth://[^\s\"'`<>]+"),
    _format("sentry-dsn", "://", r"https?://([0-9a-f]{32}(?::[0-9a-f]{32})?)@"),
    _format("private-extended-key", "xprv yprv zprv", r"\b[xyz]prv[1-9A-HJ-NP-Za-km-z]{50,}"),
    _format("ssh-opaque", "b3blbnnza", r"\bb3BlbnNzaC1rZXk[A-Za-z0-9+/=\n]{40,}"),
    _format("firebase-fcm", "aaaa", r"\bAAAA[\w-]{7}:[\w-]{100,}"),
    _format("airtable", "", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{60,}"),
    _format("userinfo", "://", r"[a-z][a-z0-9+.-]{1,20}://(?:[^\s:/@\"'`<>]{0,64}):([^\s/\"'`<>]{1,200}?)@(?=[\w.\[⟨-])"),
    _format("userinfo-token", "://", r"https?://([^\s:/@\"'`<>.]{16,200})@(?=[\w.\[⟨-])"),
)  # fmt: skip
_PLACEHOLDERS: Final = re.compile(
    r"(?i)[*x•#.…_-]{3,}|.*(?:example|x{8}|\*{3}|changeme|redacted|placeholder|your[-_ ]?|dummy|\.\.\.).*|"
    r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|<[^>]*>|%[A-Z_]+%|\$[A-Za-z_]\w*|\$\{\{.*|%\(?\w*\)?s|⟨.*",
)


def is_placeholder(value: str) -> bool:
    """Whether `value` stands for a secret without being one: stars, `${TOKEN}`, `<token>`, `…EXAMPLE`."""
    return len(value) < 400 and _PLACEHOLDERS.fullmatch(value) is not None


def find_formats(text: str, lower: str) -> Iterator[Find]:
    """Secrets of formats that may spread over several tokens; `lower` is `text` in lower case."""
    return _search(_WIDE_FORMATS, text, lower)


def find_in_token(token: str) -> Iterator[Find]:
    """Secrets of a known format within one token."""
    if len(token) < 16:
        return
    yield from _search(_SHAPES, token, "")
    lower = token.lower()
    if found := _KEYWORDS.findall(lower):
        yield from _search(_formats(frozenset(found)), token, lower)


_LONG: Final = re.compile(r"\S{16,}")
_DRAWN: Final = re.compile(r"\d|[a-z][A-Z]|[A-Z]{2}[a-z]")
"""What a word drawn at random has nearly always, and a word of prose or the name of a metric has not."""


def find_secrets(text: str) -> Iterator[Find]:
    """Secrets of the published formats anywhere in a text; quick where there is none, as nearly everywhere.

    Most formats are one long word, so that only long words are looked at, and of them those that may be drawn.
    """
    yield from _search(_WIDE_FORMATS if "@" in text else _WIDE_WITHOUT_AT, text, text.lower())
    for word in _LONG.finditer(text):
        if _DRAWN.search(word[0]):
            for found in find_in_token(word[0]):
                yield found._replace(start=found.start + word.start(), end=found.end + word.start())


@lru_cache(maxsize=2_000)
def _formats(words: frozenset[str]) -> tuple[Format, ...]:
    """The formats that any of `words`, or a keyword within one of them, may belong to."""
    return tuple(one for one in _TOKEN_FORMATS if any(key in word for key in one.keywords for word in words))


_WIDE_FORMATS: Final = tuple(one for one in FORMATS if one.wide)
_WIDE_WITHOUT_AT: Final = tuple(one for one in _WIDE_FORMATS if not one.rule.startswith("userinfo"))
_TOKEN_FORMATS: Final = tuple(one for one in FORMATS if not one.wide and one.keywords)
_SHAPES: Final = tuple(one for one in FORMATS if not one.keywords)
_KEYWORDS: Final = re.compile(alternation(*(word for one in _TOKEN_FORMATS for word in one.keywords)))


def _search(formats: tuple[Format, ...], text: str, lower: str) -> Iterator[Find]:
    for rule, keywords, pattern, _ in formats:
        if keywords and not any(keyword in lower for keyword in keywords):
            continue
        for found in pattern.finditer(text):
            group = 1 if pattern.groups and found.group(1) is not None else 0
            value = found.group(group)
            if not is_placeholder(value):
                yield Find(found.start(group), found.end(group), SECRET, rule, value, "secret")
