"""Find, replace, generalize: nothing passes a border unexamined.

`anonymize_text` is the engine: a text, the organization's `Catalog`, and `Pseudonyms` give a text with every find
replaced and exact spans; what is not made of public words or harmless shapes is replaced as `UNKNOWN`.
`anonymize_entry` carries an entry's fields and body across a `Boundary`; while its `unsure` is not empty, promotion stops.
`relative_times` makes times relative to the start of an incident.
"""

from compass.anonymize.catalog import Catalog
from compass.anonymize.engine import Boundary, Redacted, anonymize_text, find
from compass.anonymize.entry import (
    ALLOW_PATH,
    AllowedWord,
    AllowList,
    Anonymized,
    Count,
    Unsure,
    anonymize_entry,
    load_allow,
)
from compass.anonymize.pseudonyms import Pseudonyms
from compass.anonymize.spans import Find, Span
from compass.anonymize.times import relative_times

__all__ = [
    "ALLOW_PATH", "AllowList", "AllowedWord", "Anonymized", "Boundary", "Catalog", "Count", "Find", "Pseudonyms",
    "Redacted", "Span", "Unsure", "anonymize_entry", "anonymize_text", "find", "load_allow", "relative_times",
]  # fmt: skip
