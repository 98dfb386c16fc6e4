"""The rules that COMPASS brings, in the order of the reference page."""

from __future__ import annotations

from typing import Final

from compass.rules.alerts import AlertMatcher
from compass.rules.base import Rule
from compass.rules.catalog import UnknownOwner, UnknownService
from compass.rules.dates import DateInFuture, DatesOrdered, ReviewOverdue, TimesOrdered
from compass.rules.evidence import (
    EvidenceDigest,
    EvidenceTwice,
    EvidenceUncited,
    EvidenceUndefined,
    EvidenceWithoutExcerpt,
)
from compass.rules.form import CanonicalForm
from compass.rules.hidden import HiddenCharacters, HiddenCharactersInBody
from compass.rules.identity import DuplicateId, FileName, ForeignId, MisplacedFile, SchemaComment, UnreadFile
from compass.rules.links import DanglingLink, LinkToWithdrawn, SelfLink
from compass.rules.recordings import UnknownRecording
from compass.rules.status import (
    CompetingHypotheses,
    DeprecatedNeedsSuccessor,
    MissingFields,
    MissingHeadings,
    MissingMatch,
    StableUnconfirmed,
    WithdrawnNeedsReason,
)
from compass.rules.steps import DestructiveStep

RULES: Final[tuple[type[Rule], ...]] = (
    DuplicateId,
    ForeignId,
    MisplacedFile,
    UnreadFile,
    FileName,
    SchemaComment,
    CanonicalForm,
    DanglingLink,
    LinkToWithdrawn,
    SelfLink,
    UnknownOwner,
    UnknownService,
    MissingFields,
    MissingMatch,
    CompetingHypotheses,
    MissingHeadings,
    StableUnconfirmed,
    DeprecatedNeedsSuccessor,
    WithdrawnNeedsReason,
    EvidenceUndefined,
    EvidenceUncited,
    EvidenceTwice,
    EvidenceWithoutExcerpt,
    EvidenceDigest,
    DatesOrdered,
    TimesOrdered,
    DateInFuture,
    ReviewOverdue,
    AlertMatcher,
    DestructiveStep,
    UnknownRecording,
    HiddenCharacters,
    HiddenCharactersInBody,
)
