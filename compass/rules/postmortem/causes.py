"""Rules about contributing causes: several, at several levels of the system, with conditions and evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.model.base import Severity
from compass.model.entry import Postmortem, SystemLevel
from compass.rules.place import Place
from compass.rules.postmortem.base import Finding, PostmortemRule
from compass.rules.postmortem.people import mentions_people
from compass.rules.postmortem.specimen import specimen

_CAUSES: Final = Place(("contributing_causes",), key=True)
_CONDITION: Final = re.compile(
    r"\b(?:because|since|as|which|where|so that|so|when|while|whose|although|had no|could not|cannot|no way|nothing|neither|"
    r"without|only|same|unclear|practised|expected|in order to)\b"
)
_SOURCE: Final = re.compile(r"\[\^e[0-9]{1,3}\]|\binv-[0-9a-z]{10}\b")


class FewCauses(PostmortemRule):
    """An incident takes several conditions that meet; one cause is where somebody stopped looking."""

    id = "PM010"
    sentence = "From `verified`, a post-mortem has at least two contributing causes."
    formal = True
    good = specimen()
    bad = specimen(
        contributing_causes="[{text: 'The pool was too small.[^e1]', level: equipment_technology}]"
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Count them."""
        del loaded
        found = len(entry.contributing_causes)
        if found < 2:
            message = f"a {entry.status} post-mortem has {found} of the two contributing causes that it needs"
            yield Finding(
                message,
                _CAUSES,
                "ask what had to be true as well: who could see it, what made it likely, what let it last",
            )


class OneLevel(PostmortemRule):
    """Causes of equipment alone leave the next team to the same trap with other equipment."""

    id = "PM011"
    sentence = "From `verified`, the causes lie at two levels of the system or more."
    severity = Severity.WARNING
    formal = True
    good = specimen()
    bad = specimen(
        contributing_causes="[{text: 'The pool was small.[^e1]', level: equipment_technology}, {text: 'The timeout was long.[^e1]', level: equipment_technology}]"
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compare their levels."""
        del loaded
        levels = {cause.level for cause in entry.contributing_causes}
        if len(levels) == 1 and len(entry.contributing_causes) > 1:
            others = ", ".join(level.value for level in SystemLevel if level not in levels)
            yield Finding(
                f"every cause is of the level {levels.pop().value}",
                _CAUSES,
                f"look at the other levels: {others}",
            )


class BareAction(PostmortemRule):
    """An action is a cause only together with what made it sensible at the time."""

    id = "PM012"
    sentence = "A cause that names what somebody did says what made it sensible at the time."
    severity = Severity.WARNING
    good = specimen(
        contributing_causes='[{text: "An engineer raised the limit, because the runbook names no other step.[^e1]", level: work_environment}, {text: "No review asks for the size of a pool.[^e1]", level: technical_management}]'
    )
    bad = specimen(
        contributing_causes='[{text: "An engineer raised the limit by hand.[^e1]", level: work_environment}, {text: "No review asks for the size of a pool.[^e1]", level: technical_management}]'
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look for a condition beside a person."""
        del loaded
        for number, cause in enumerate(entry.contributing_causes):
            if not _CONDITION.search(cause.text) and mentions_people(cause.text[:60]):
                place = Place(("contributing_causes", number, "text"))
                yield Finding(
                    "this cause is what somebody did, without its conditions",
                    place,
                    "add `…, because …`: what was seen, known and asked for then",
                )


class CauseWithoutEvidence(PostmortemRule):
    """A cause that nothing shows is a hypothesis."""

    id = "PM014"
    sentence = "From `verified`, each contributing cause cites evidence or an investigation."
    severity = Severity.INFO
    formal = True
    good = specimen()
    bad = specimen(
        contributing_causes="[{text: The pool was small., level: equipment_technology}, {text: 'No review asks.[^e1]', level: organizational}]"
    )

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look for `[^e1]` or the id of an investigation; one finding names all causes that have neither."""
        del loaded
        bare = [
            number for number, cause in enumerate(entry.contributing_causes) if not _SOURCE.search(cause.text)
        ]
        if bare:
            which = ", ".join(str(number + 1) for number in bare)
            message = f"nothing is cited that shows the contributing causes {which}"
            yield Finding(message, hint="end each with `[^e1]`, or name the investigation (`inv-…`)")
