"""The rules that COMPASS brings, in the order of the reference page."""

from __future__ import annotations

from typing import Final

from compass.rules.alerts import AlertMatcher
from compass.rules.base import Rule
from compass.rules.catalog import UnknownOwner, UnknownService
from compass.rules.codeowners import CodeownersDrift
from compass.rules.coverage import AlertWithoutRunbook, RunbookWithoutAlert
from compass.rules.dates import DateInFuture, DatesOrdered, ReviewOverdue, Unused, WindowsOrdered
from compass.rules.duplicates import NearDuplicate
from compass.rules.evidence import (
    EvidenceDigest,
    EvidenceTwice,
    EvidenceUncited,
    EvidenceUndefined,
    EvidenceWithoutExcerpt,
)
from compass.rules.form import CanonicalForm
from compass.rules.hidden import HiddenCharacters, HiddenCharactersInBody
from compass.rules.history import ReusedId, StatusTransition, Tombstone
from compass.rules.identity import DuplicateId, FileName, ForeignId, MisplacedFile, SchemaComment, UnreadFile
from compass.rules.links import DanglingLink, LinkToWithdrawn, SelfLink
from compass.rules.postmortem.actions import (
    ActionUntestable,
    ActionUntracked,
    ActionWithoutDay,
    ActionWithoutOwner,
    WeakActions,
)
from compass.rules.postmortem.allowed import WaiverEnded, WaiverWithoutReason
from compass.rules.postmortem.causes import BareAction, CauseWithoutEvidence, FewCauses, OneLevel
from compass.rules.postmortem.language import (
    CollectiveBlame,
    ExplanatoryCounterfactual,
    HumanError,
    IndividualBlame,
    SingleCause,
    WhyQuestion,
)
from compass.rules.postmortem.learning import NoLuck, NoPattern, NoSurprise, NotCompared, NothingWentWell
from compass.rules.postmortem.structure import (
    IncompleteFrame,
    NoFacilitator,
    OnlyResponders,
    StatedDuration,
    TimesOrdered,
)
from compass.rules.postmortem.timeline import TimelineDisorder
from compass.rules.promotion import PromotionDue
from compass.rules.queries import QuerySyntax
from compass.rules.recordings import UnknownRecording
from compass.rules.replayed import ReplayTests, ReplayUnlisted
from compass.rules.secrets import Secret
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
from compass.rules.vocabulary import UnknownTag

RULES: Final[tuple[type[Rule], ...]] = (
    DuplicateId,
    ForeignId,
    ReusedId,
    MisplacedFile,
    UnreadFile,
    CodeownersDrift,
    FileName,
    SchemaComment,
    CanonicalForm,
    NearDuplicate,
    DanglingLink,
    LinkToWithdrawn,
    SelfLink,
    UnknownOwner,
    UnknownService,
    UnknownTag,
    MissingFields,
    MissingMatch,
    CompetingHypotheses,
    MissingHeadings,
    StableUnconfirmed,
    StatusTransition,
    Tombstone,
    DeprecatedNeedsSuccessor,
    WithdrawnNeedsReason,
    EvidenceUndefined,
    EvidenceUncited,
    EvidenceTwice,
    EvidenceWithoutExcerpt,
    EvidenceDigest,
    DatesOrdered,
    WindowsOrdered,
    DateInFuture,
    ReviewOverdue,
    Unused,
    AlertMatcher,
    AlertWithoutRunbook,
    RunbookWithoutAlert,
    DestructiveStep,
    QuerySyntax,
    UnknownRecording,
    ReplayTests,
    ReplayUnlisted,
    Secret,
    PromotionDue,
    HiddenCharacters,
    HiddenCharactersInBody,
    IncompleteFrame,
    TimesOrdered,
    StatedDuration,
    TimelineDisorder,
    NoFacilitator,
    OnlyResponders,
    FewCauses,
    OneLevel,
    BareAction,
    SingleCause,
    CauseWithoutEvidence,
    IndividualBlame,
    CollectiveBlame,
    ExplanatoryCounterfactual,
    WhyQuestion,
    HumanError,
    ActionWithoutOwner,
    ActionWithoutDay,
    ActionUntracked,
    ActionUntestable,
    WeakActions,
    NothingWentWell,
    NoLuck,
    NoSurprise,
    NoPattern,
    NotCompared,
    WaiverWithoutReason,
    WaiverEnded,
)
