"""How a post-mortem speaks of people: individual and collective blame, hindsight, why-questions, human error, one cause."""

from __future__ import annotations

from collections.abc import Mapping

from compass.model.base import Severity
from compass.rules.postmortem.base import LanguageRule, stems
from compass.rules.postmortem.judgement import STEMS, blamed
from compass.rules.postmortem.phrases import collective, hindsight, human_error, single_cause, why_question
from compass.rules.postmortem.specimen import BODY, draft, specimen


class IndividualBlame(LanguageRule):
    """Who fears to be named tells nobody what happened; and whoever is replaced leaves the trap for the next."""

    id = "PM020"
    sentence = "No sentence judges a person: neither by name, nor by role, nor as he or she."
    good = specimen("The command ran against production, because both consoles look the same.\n\n" + BODY)
    bad = specimen("The on-call engineer forgot to check the console.\n\n" + BODY)
    message = "this judges a person: {said!r}"
    hint = "say what the person saw and what made sense then: `The console showed …, so …`"
    stems = STEMS
    gentle = True
    in_headings = True

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The words that judge somebody."""
        return blamed(sentence, **known)


class CollectiveBlame(LanguageRule):
    """To say that a group failed ends the search one step too early."""

    id = "PM021"
    sentence = "No sentence judges a group: what `we failed to` do, nothing made easy."
    severity = Severity.WARNING
    good = draft("The rollback had never been tried, because staging has no load.")
    bad = draft("We failed to test the rollback.")
    message = "this judges a group: {said!r}"
    hint = "say what was there instead, and what kept it so: `The rollback had not been tried, because …`"
    stems = stems(
        "failed", "fails", "failure", "forgot", "forgets", "overlooked", "neglected", "neglects", "ignored", "ignores", "disregarded", "dropped", "drops", "botched", "messed", "screwed", "bothered", "bother", "misjudged", "mishandled", "underestimated", "careless", "carelessness", "negligent", "negligence", "sloppy", "sloppiness", "complacent", "complacency", "lazy", "asleep", "slow", "blame", "fault", "careful", "paying", "should", "ought", "missed", "misses", "mistake", "mistakes", "error", "errors", "took", "lacked", "lack", "nothing", "oversight",
    )  # fmt: skip

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The words with which a group judges itself."""
        del known
        return collective(sentence)


class ExplanatoryCounterfactual(LanguageRule):
    """What did not happen explains nothing; what did happen made sense to somebody."""

    id = "PM022"
    sentence = "No sentence explains the incident by what should or could have been done; what was at risk may be told."
    severity = Severity.WARNING
    good = draft("Had the second disk failed as well, all orders would have been lost.")
    bad = draft("This should have been caught in review.")
    message = "this explains by what did not happen: {said!r}"
    hint = "say what happened instead and why, and make the wish an action: `The review asked only about …`"
    stems = stems(
        "should", "shouldve", "shoudn", "shouldnt", "ought", "could", "might", "would", "need", "needn", "only", "d", "had", "have",
    )  # fmt: skip

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The counterfactual."""
        del known
        return hindsight(sentence)


class WhyQuestion(LanguageRule):
    """To ask why asks for a justification; what and how ask for the circumstances."""

    id = "PM023"
    sentence = "Questions to people begin with what or how, not with why."
    severity = Severity.INFO
    good = draft("What did the engineer see on the console?")
    bad = draft("Why did the engineer restart the primary?")
    message = "this asks people to justify themselves: {said!r}"
    hint = "ask `What did … see?` or `How did … look from there?`"
    stems = stems("why")

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The question."""
        del known
        return why_question(sentence)


class HumanError(LanguageRule):
    """Human error is where the questions begin."""

    id = "PM024"
    sentence = "Human error is not given as a cause."
    severity = Severity.WARNING
    good = draft("Human error is never a cause; both consoles looked the same.")
    bad = draft("The outage was due to human error.")
    message = "{said!r} is no cause"
    hint = "say what made the error easy to make, and what would have let it be seen: `Both consoles …`"
    stems = stems("error", "errors", "mistake", "slip", "failure", "pebkac", "pebcak", "layer", "id")

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The words that blame a human error."""
        del known
        return human_error(sentence)


class SingleCause(LanguageRule):
    """Several conditions met; whoever names one of them stops looking."""

    id = "PM013"
    sentence = "No sentence names one cause as the cause."
    severity = Severity.WARNING
    good = draft("There is no single root cause: a short timeout, a full disk and a muted alert met.")
    bad = draft("The root cause was a missing index.")
    message = "this names one cause as the cause: {said!r}"
    hint = "name what contributed: `… contributed, together with …`"
    stems = stems(
        "cause",
        "caused",
        "root",
        "sole",
        "only",
        "single",
        "came",
        "comes",
        "boils",
        "boiled",
        "solely",
        "entirely",
        "alone",
        "purely",
        "blame",
    )

    def said(self, sentence: str, known: Mapping[str, frozenset[str]]) -> str | None:
        """The words that single out one cause."""
        del known
        return single_cause(sentence)
