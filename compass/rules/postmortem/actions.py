"""Rules about what follows: actions that somebody owns, that end, that can be tested and that change the system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from compass.library import LoadedEntry
from compass.model.base import Severity
from compass.model.entry import Action, Postmortem
from compass.rules.base import Example
from compass.rules.place import Place
from compass.rules.postmortem.base import Finding, PostmortemRule
from compass.rules.postmortem.specimen import specimen

_WEAK: Final = re.compile(
    r"(?:please )?(?:re-?)?(?:remind|train|retrain|teach|educate|tell|ask|encourage|emphasi[sz]e|urge|warn|inform|communicate|discuss|consider|think|talk|"
    r"remember|document|be (?:more )?(?:careful|aware|mindful)|pay (?:more )?attention|raise awareness|take (?:more )?care|try to|make sure (?:that )?(?:everyone|everybody|people|we|engineers|developers|operators))\b",
    re.IGNORECASE,
)
_NOT_A_VERB: Final = re.compile(
    r"(?:we|i|they|it|he|she|the|a|an|our|this|that|there|these|someone|somebody|everyone|team|should|need|needs|must|better|more|less|"
    r"maybe|perhaps|possibly|no|not|all|some|who|what|why|how|(?!bring|ping|ring|string)\w+ing)\b",
    re.IGNORECASE,
)
_FINE: Final = "text: Refuse a pool below the number of workers."
_REST: Final = {
    "owner": "owner: group:default/payments",
    "due": "due: 2026-03-01",
    "tracker": "tracker: PAY-1",
    "strength": "strength: strong",
    "done_when": "done_when: A build with a smaller pool fails.",
}


def _one(text: str = _FINE, *, without: str = "", **changes: str) -> Example:
    fields = {name: given for name, given in {**_REST, **changes}.items() if name != without}
    return specimen(actions=f"[{{{', '.join((text, *fields.values()))}}}]")


class _Missing(PostmortemRule):
    """Every action has one field."""

    formal = True
    field: ClassVar[str]
    lack: ClassVar[str]
    hint: ClassVar[str]
    good = _one()

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look at the field of each action."""
        del loaded
        for number, action in enumerate(entry.actions):
            if not getattr(action, self.field):
                yield Finding(
                    f"action {number + 1} {self.lack}", Place(("actions", number, "text")), self.hint
                )


class ActionWithoutOwner(_Missing):
    """What everybody should do nobody does."""

    id = "PM030"
    sentence = "From `verified`, every action has an owner."
    field = "owner"
    lack = "has no owner"
    hint = "name the team that agreed to do it: `owner: group:default/…`"
    bad = _one(without="owner")


class ActionWithoutDay(_Missing):
    """An action without a day is a wish."""

    id = "PM031"
    sentence = "From `verified`, every action has a day by which it is due."
    field = "due"
    lack = "has no day by which it is due"
    hint = "add `due: <date>`, agreed with its owner"
    bad = _one(without="due")


class ActionUntracked(_Missing):
    """Work that is not where the other work is does not get done."""

    id = "PM032"
    sentence = "From `verified`, every action has a ticket where its owner plans work."
    field = "tracker"
    lack = "has no ticket"
    hint = "add `tracker:` with the id or the link of the ticket"
    bad = _one(without="tracker")


class ActionUntestable(_Missing):
    """Whether it was done must not be a matter of opinion."""

    id = "PM033"
    sentence = "From `verified`, every action begins with a verb and says when it is done."
    severity = Severity.WARNING
    field = "done_when"
    lack = "does not say when it is done"
    hint = "add `done_when:` with what somebody else can look at"
    bad = _one(without="done_when")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Look at the first word as well."""
        yield from super().find(loaded, entry)
        for number, action in enumerate(entry.actions):
            found = _NOT_A_VERB.match(action.text)
            if found:
                message = f"action {number + 1} begins with {found[0]!r}, not with what to do"
                yield Finding(
                    message,
                    Place(("actions", number, "text")),
                    "begin with the verb: `Refuse …`, `Move …`, `Add …`",
                )


class WeakActions(PostmortemRule):
    """Reminders and training fade; what the system refuses, automates or shows stays."""

    id = "PM034"
    sentence = "From `verified`, an action changes the system; none that reminds, trains or documents is called strong."
    severity = Severity.WARNING
    formal = True
    good = _one()
    bad = _one("text: Remind everybody of the limit.", strength="strength: weak")

    def find(self, loaded: LoadedEntry, entry: Postmortem) -> Iterator[Finding]:
        """Compare what each action says with its strength, and ask for one that is not weak."""
        del loaded
        for number, action in enumerate(entry.actions):
            words = _WEAK.match(action.text)
            if words and action.strength == "strong":
                message = f"action {number + 1} is called strong, but it begins with {words[0]!r}"
                yield Finding(
                    message, Place(("actions", number, "strength")), "call it weak, or let the system do it"
                )
        if all(_weak(action) for action in entry.actions):
            hint = "add one that automates, removes, refuses or shows something"
            yield Finding("no action changes the system", Place(("actions",), key=True), hint)


def _weak(action: Action) -> bool:
    return action.strength == "weak" or (action.strength is None and bool(_WEAK.match(action.text)))
