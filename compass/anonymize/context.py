"""Names that only their surroundings give away: customers, organizations, tenants in labels, amounts of money."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from compass.anonymize.catalog import fold
from compass.anonymize.pairs import Pair
from compass.anonymize.spans import Find
from compass.anonymize.vocabulary import vocabulary, wordlist

_SUFFIX: Final = (
    r"Bank|Group|Inc\.?|Ltd\.?|LLC|LLP|GmbH|AG|SE|Corp\.?|Corporation|PLC|plc|Pty|Oy|AB|ApS|BV|B\.V\.|NV|S\.A\.|SA|SAS|SRL|Srl|S\.p\.A\.|KG|KK|Co\.|Company|Holdings?|Partners|Ventures|Capital|"
    r"Trust|Foods?|Energy|Clinics?|Hospitals?|Insurance|Labs?|Laboratories|Logistics|Mutual|Retail|Pharma(?:ceuticals)?|Health(?:care)?|Dental|Medical|Pediatrics|Surgical|Surgery|"
    r"Outdoors?|Cosmetics|Tools|Toys|Travel|Airlines?|Airways|Motors|Automotive|Industries|Manufacturing|Farms?|Dairy|Bakery|Brewery|Breweries|Brewing|Wines?|Coffee|Kitchens?|Restaurants?|Hotels?|Resorts?|"
    r"Bikes|Cycles|Eyewear|Optics|Apparel|Fashion|Shoes|Footwear|Jewelers|Furniture|Homes?|Realty|Estates|Properties|Construction|Builders|Architects|Consulting|Advisors|Advisory|Associates|Legal|Law|"
    r"University|College|School|Academy|Institute|Foundation|Society|Association|Council|Authority|Ministry|Agency|Media|Press|Publishing|Studios?|Pictures|Entertainment|Games|Gaming|Sports|Fitness|Gym|"
    r"Financial|Finance|Credit Union|Savings|Investments?|Securities|Asset Management|Wealth|Payments|Telecom|Telecommunications|Mobile|Wireless|Utilities|Electric|Power|Water|Gas|Oil|Petroleum|Mining|Steel|Chemicals|Plastics|"
    r"Freight|Shipping|Transport|Trucking|Couriers?|Rail|Marine|Aerospace|Aviation|Robotics|Semiconductors?|Devices|Supplies|Supply|Wholesale|Distributors|Traders|Trading|Imports?|Exports?|Mart|Market|Grocers|Stores?|Outfitters|Interiors|Gardens?|Florists?|Pets?|Veterinary|Pharmacy|Pharmacies|Biotech|Genomics|Diagnostics|Therapeutics|Care"
)
_TITLES: Final = re.compile(
    r"[A-Z][\w'’-]{0,40}+(?:[ ](?:of|and|&|the)(?=[ ][A-Z])|[ ][A-Z][\w'’.&-]{0,40}+|(?<=St)\.){1,6}"
)
_LAST: Final = re.compile(rf".*?\b(?:{_SUFFIX})(?![\w-])", re.DOTALL)
_BARE: Final = re.compile(
    r"[A-Z][^\n,;\"'|{}<>()⟨]{1,60}?(?=[\"',;|)\n]|[ ](?:is|was|has|reported|and|in)\b|\s{2}|$|[ ]\w+=)"
)
_CUE: Final = re.compile(
    r"(?:\b(?:[Cc]ustomers?|[Cc]lients?|[Tt]enants?|[Mm]erchants?|[Pp]artners?|[Aa]ccounts?|[Vv]endors?|[Ss]uppliers?|behalf of|[Rr]efund(?:ed)? (?:to|for)|[Ii]nvoiced? (?:to|for)|[Cc]omplaints? (?:from|by)|"
    r"[Tt]ickets? (?:from|by)|[Rr]eported by|[Cc]ontract with|such as|especially|[Aa]ffect(?:ed|ing)|[Ii]mpacted)[ ](?:named |called |account |was |is |were )?)$"
)
_SPEAKS: Final = re.compile(
    r"(?:['’]s?)?[ ](?:reported|complained|called|escalated|raised|opened a (?:ticket|case)|lost|could not|couldn't|cannot|was (?:affected|impacted|unable|charged|refunded)|were (?:affected|impacted|unable)|"
    r"saw (?:failed|errors)|experienced|churned|threatened|noticed|asked|demanded|their account)\b"
)
_FOR: Final = re.compile(r"\b(?:for|to|from|with|at|of)[ ]$")
_BY: Final = re.compile(r"[ ](?:by|via|on|failed|timed|were|was|account|and their|tenant|customer)\b|['’]s\b")
_MONEY: Final = re.compile(
    r"[$€£¥₹][ ]?(?:\d[\d,.]+|\d(?=[ ]?[kKMmB]))(?:[ ]?(?:k|K|M|m|bn|B|million|billion|thousand))?\b"
)
_CODES: Final = ("USD", "EUR", "GBP", "CHF", "JPY", "INR", "CAD", "AUD", "dollars", "euros", "pounds")
_CURRENCY: Final = re.compile(
    r"(?:USD|EUR|GBP|CHF|JPY|INR|CAD|AUD)[ ]?\d[\d,.]*(?:[ ]?(?:k|K|M|m|bn|B|million|billion|thousand))?\b|\d[\d,.]*[ ]?(?:k|M|million|billion|thousand)?[ ]?(?:USD|EUR|GBP|CHF|JPY|INR|CAD|AUD|dollars|euros|pounds)\b"
)
_VOLUME: Final = re.compile(
    r"\d(?:\d{0,2}(?:,\d{3})+|\d{3,8})[ ](?:affected |failed |lost |paying |unique |active |impacted )?(?:orders|customers|users|payments|transactions|accounts|tenants|merchants|patients|claims|appointments|checkouts|carts|bookings|subscribers|shipments|invoices|refunds|clients|members|policies|sales|purchases|sessions|visitors|people|employees|stores|drivers|riders|deliveries)\b"
)
_HEADING: Final = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ ].*$")
_NEVER: Final = frozenset(("The", "This", "That", "These", "Those", "Our", "All", "Some", "Many", "Most", "A", "An", "No", "We", "It", "If", "When", "While", "After", "Before", "In", "On", "At", "For", "To", "From", "Monitoring", "Alert", "Check", "Customer", "Customers", "Client", "Clients", "Tenant", "Tenants", "Merchant", "Partner", "Vendor", "Supplier", "Account", "Refund", "Invoice"))  # fmt: skip


def find_context(text: str, pairs: Sequence[Pair]) -> Iterator[Find]:
    """Customers and other organizations outside the catalog, and amounts that say whose incident it was."""
    headings = [found.span() for found in _HEADING.finditer(text)]
    for found in _TITLES.finditer(text):
        start = found.start()
        if not (start and (text[start - 1].isalnum() or text[start - 1] in "_.-")) and not _inside(
            start, headings
        ):
            yield from _title(text, *found.span())
    for pair in pairs:
        if pair.kind.owner:
            yield from _field(text, pair)
    yield from _amounts(text)


def _amounts(text: str) -> Iterator[Find]:
    patterns = [(_MONEY, "money"), (_VOLUME, "volume")]
    if any(code in text for code in _CODES):
        patterns.append((_CURRENCY, "money"))
    for pattern, rule in patterns:
        for found in pattern.finditer(text):
            start = found.start()
            if not start or not (text[start - 1].isalnum() or text[start - 1] in "_.,:/$-"):
                yield Find(*found.span(), "AMOUNT", rule, found[0])


def _field(text: str, pair: Pair) -> Iterator[Find]:
    """The value of `"customer": "…"`, `tenant="…"`, `Customer: …`."""
    if pair.quote:
        value = text[pair.start : pair.end]
        if len(value) >= 2 and re.search(r"[{}$<>⟨*|^]|://|\.\+", value) is None and not value.isdigit():
            selector = pair.operator != ":" and pair.quote == '"'
            if selector or (value[0].isupper() and not value.isupper()):
                yield _customer(text, pair.start, pair.end, "customer-field")
        return
    found = _BARE.match(text, pair.start)
    if found and not found[0].isupper() and not re.search(r"[{$*]|://", found[0]):
        yield _customer(text, found.start(), found.start() + len(found[0].rstrip()), "customer-field")


def _customer(text: str, start: int, end: int, rule: str) -> Find:
    return Find(start, end, "CUSTOMER", rule, fold(text[start:end]), "customer")


def _inside(position: int, regions: list[tuple[int, int]]) -> bool:
    return any(left <= position < right for left, right in regions)


def _title(text: str, start: int, end: int) -> Iterator[Find]:
    """A run of capitalized words, if it ends as companies do or is spoken of as customers are."""
    start, end = _without_opening(text, start, end)
    value = text[start:end].rstrip(".,-'’")
    if " " not in value or not _is_name(value):
        return
    last = _LAST.match(value)
    if last and " " in last[0]:
        yield _customer(text, start, start + last.end(), "organization")
    stop = start + len(value)
    before = text[max(0, start - 40) : start]
    if _CUE.search(before) and not _opens(text, start, value.split()):
        yield _customer(text, start, stop, "customer-cue")
    elif _SPEAKS.match(text, stop):
        yield _customer(text, start, stop, "customer-speaks")
    elif _FOR.search(before) and _BY.match(text, stop):
        yield _customer(text, start, stop, "customer-for")


def _opens(text: str, start: int, words: list[str]) -> bool:
    """Whether only the first word is capitalized because it opens a sentence."""
    before = text[max(0, start - 3) : start].rstrip(" ")
    return (not before or before[-1] in ".!?\n:#-*") and sum(word[0].isupper() for word in words) < 2


def _without_opening(text: str, start: int, end: int) -> tuple[int, int]:
    while True:
        word = re.match(r"(\S+)[ ]+", text[start:end])
        if word is None or (word[1] not in _NEVER and word[1] not in {"&", "and", "of"}):
            return start, end
        start += word.end()


def _is_name(value: str) -> bool:
    """Names of public products, and of things of the trade, are no organization's name."""
    words = [word for word in re.findall(r"[^\W\d_]+", value) if len(word) > 1]
    operations = vocabulary().operations
    if not words or any(word.isupper() and len(word) > 2 for word in words[:1]):
        return False
    if words[0].lower() in operations and len(words) <= 2:
        return False
    return sum(word.lower() in operations for word in words) * 2 < len(words) and not all(
        word.lower() in _TRADE for word in words[:1]
    )


_TRADE: Final = wordlist("trade")
