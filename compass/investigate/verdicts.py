"""The rules that turn what an experiment measured into a verdict: pure, fixed before any answer comes, applied again on replay."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from compass.investigate.confidence import MOST as MOST_LIKELY
from compass.model.investigation import Measured, Origin, Rule, Verdict
from compass.model.match import Truth

# How much one experiment moves the odds of its hypothesis.
SUPPORTS: Final = 2.0
MOST_SUPPORT: Final = 2
REFUTES: Final = 0.1
# The prior of a ranked component is calibrated on the telemetry that the experiments ask again: their support is
# already in it, and what they refute is the mechanism rather than the component.
REFUTES_RANKED: Final = 0.5
RANKED: Final = frozenset({Origin.RANKING, Origin.MODEL})
"""Origins whose prior is the calibrated confidence in a component."""
CLEAR: Final = math.log1p(1.0)  # a mean surprise from which on a metric has left its range
LONGER: Final = 1.5  # a median or a rate that grew by less did not grow
MORE: Final = 1.2  # a rate that grew by less surely did not grow
EVIDENT: Final = 2.0  # a log Bayes factor from which on a share has changed
FEW: Final = 5  # calls from which on a median tells something
TRUTHS: Final[Mapping[Truth, str]] = {True: "true", False: "false", None: "unknown"}
_TRUTH: Final[Mapping[str, Truth]] = {word: truth for truth, word in TRUTHS.items()}
_NOTHING: Final = "not judged"  # no signal of a match has a name with a space


class Decided(NamedTuple):
    """A verdict and its reason."""

    verdict: Verdict
    reason: str


def nothing(reason: str) -> Measured:
    """What is measured where an answer came that cannot be judged."""
    return {_NOTHING: reason}


def decide(rule: Rule, error: str | None) -> Decided:
    """The verdict on what was measured; without data, and for a failed query, it is inconclusive.

    KeyError, TypeError or ValueError when the rule is not known or what was measured does not fit it.
    """
    measured = rule.measured
    if not measured:
        return Decided(Verdict.INCONCLUSIVE, "there is no data" if error is None else "the query failed")
    if _NOTHING in measured:
        return Decided(Verdict.INCONCLUSIVE, str(measured[_NOTHING]))
    return _RULES[rule.name](rule)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """One refutation refutes; without any, one support supports."""
    if Verdict.REFUTED in verdicts:
        return Verdict.REFUTED
    return Verdict.SUPPORTED if Verdict.SUPPORTED in verdicts else Verdict.INCONCLUSIVE


def posterior(
    prior: float, verdicts: Sequence[Verdict], *, ranked: bool = False, refuted_by_person: bool = False
) -> float:
    """Prior odds x 2 for each of at most two experiments that support, x 0.1 for each that refutes; 0.01 to 0.97.

    Experiments ask the same telemetry, so that a third support says nothing that two have not said. With the
    calibrated prior of a `ranked` component, no support counts, and refutations together halve the odds. Whoever
    refutes it in person knows something that no telemetry shows: x 0.1 in any case.
    """
    bounded = min(max(prior, 0.01), MOST_LIKELY if ranked else 0.9)
    odds = math.log(bounded / (1 - bounded)) + refuted_by_person * math.log(REFUTES)
    if ranked:
        odds += math.log(REFUTES_RANKED) if Verdict.REFUTED in verdicts else 0.0
        return round(1 / (1 + math.exp(-odds)), 3)
    odds += min(MOST_SUPPORT, verdicts.count(Verdict.SUPPORTED)) * math.log(SUPPORTS)
    odds += verdicts.count(Verdict.REFUTED) * math.log(REFUTES)
    return round(min(max(1 / (1 + math.exp(-odds)), 0.01), 0.97), 3)


def _level(rule: Rule) -> Decided:
    surprise = _number(rule, "surprise")
    if surprise >= CLEAR:
        return Decided(Verdict.SUPPORTED, _levels(rule.measured))
    return Decided(Verdict.REFUTED if surprise < CLEAR / 3 else Verdict.INCONCLUSIVE, _levels(rule.measured))


def _any_level(rule: Rule) -> Decided:
    left = _number(rule, "surprise") >= CLEAR
    return Decided(Verdict.SUPPORTED if left else Verdict.REFUTED, _levels(rule.measured))


def _levels(measured: Measured) -> str:
    """The levels that were compared, in words; with the metric where it is the furthest of several."""
    words = (("now", "since detection"), ("before", "before"), ("usual", "usually"))
    parts = [
        f"{float(value):.4g} {word}" for name, word in words if (value := measured.get(name)) is not None
    ]
    text = ", ".join(parts)
    return f"the furthest is {measured['metric']}: {text}" if "metric" in measured else text


def _peers(rule: Rule) -> Decided:
    own, alike, others = (_number(rule, name) for name in ("own", "alike", "others"))
    text = f"{alike:.0f} of {others:.0f} others moved as far or further"
    if own <= 0 or alike * 2 >= others:
        return Decided(Verdict.REFUTED, text)
    rare = alike <= max(1, others // 10)
    return Decided(Verdict.SUPPORTED if rare else Verdict.INCONCLUSIVE, text)


def _last(what: str) -> Callable[[Rule], Decided]:
    def rule_of(rule: Rule) -> Decided:
        last, detected = _number(rule, "last"), _number(rule, "detected")
        verdict = Verdict.REFUTED if last >= detected else Verdict.SUPPORTED
        return Decided(verdict, f"the last {what} is of {_clock(last)}")

    return rule_of


def _logged(rule: Rule) -> Decided:
    before, expected, since = (_number(rule, name) for name in ("before", "expected", "since"))
    if abs(since - expected) > swing(expected):
        return Decided(Verdict.SUPPORTED, _lines(rule))
    return Decided(Verdict.REFUTED if before else Verdict.INCONCLUSIVE, _lines(rule))


def _callees_fail(rule: Rule) -> Decided:
    if "loud" in rule.measured:
        loud, below = _number(rule, "loud"), _number(rule, "below")
        return Decided(Verdict.SUPPORTED, f"{loud:.0f} of {below:.0f} callees log, none of them errors")
    expected = _number(rule, "expected")
    more = _number(rule, "since") - expected > swing(expected)
    return Decided(Verdict.REFUTED if more else Verdict.SUPPORTED, _lines(rule))


def _lines(rule: Rule) -> str:
    since, before = _number(rule, "since_rate"), _number(rule, "before_rate")
    return f"{since:.1f} lines a minute since detection, {before:.1f} before"


def swing(expected: float) -> float:
    """Twice the square root of a count is about half the 95 % range of a Poisson number."""
    return 2 * math.sqrt(max(expected, 1.0)) + 1


def _rate(what: str) -> Callable[[Rule], Decided]:
    def rule_of(rule: Rule) -> Decided:
        since, before = _number(rule, "since"), _number(rule, "before")
        text = f"{since * 60:.0f} {what} a minute since detection, {before * 60:.0f} before"
        if not before:
            return Decided(Verdict.INCONCLUSIVE, text)
        more = since / before
        weak = Verdict.REFUTED if more < MORE else Verdict.INCONCLUSIVE
        return Decided(Verdict.SUPPORTED if more >= LONGER else weak, text)

    return rule_of


def _longer(rule: Rule) -> Decided:
    before, since = _number(rule, "calls_before"), _number(rule, "calls_since")
    if before < FEW or not since:
        text = f"{before:.0f} calls before and {since:.0f} since detection are too few"
        return Decided(Verdict.INCONCLUSIVE, text)
    earlier, now = _number(rule, "median_before"), _number(rule, "median_since")
    text = f"median {now * 1000:.3g} ms over {since:.0f}, {earlier * 1000:.3g} ms over {before:.0f} before"
    longer = (now + 0.001) / (earlier + 0.001)
    return Decided(Verdict.SUPPORTED if longer >= LONGER else Verdict.REFUTED, text)


def _not_longer(rule: Rule) -> Decided:
    turned = {Verdict.SUPPORTED: Verdict.REFUTED, Verdict.REFUTED: Verdict.SUPPORTED}
    found = _longer(rule)
    return Decided(turned.get(found.verdict, found.verdict), found.reason)


def _endings(rule: Rule) -> Decided:
    if rule.measured["score"] is None:
        return Decided(Verdict.REFUTED, "requests end as they did before")
    evident = _number(rule, "score") >= EVIDENT
    return Decided(Verdict.SUPPORTED if evident else Verdict.INCONCLUSIVE, str(rule.measured["seen"]))


def _change_first(rule: Rule) -> Decided:
    name = rule.given["service"] or "the system"
    if rule.measured["began"] is None:
        return Decided(Verdict.REFUTED, f"no metric of {name} left its range")
    began, changed = _number(rule, "began"), _number(rule, "changed")
    text = f"{name} left its range at {_clock(began)}, the change was at {_clock(changed)}"
    early = began < changed - _number(rule, "step")
    return Decided(Verdict.REFUTED if early else Verdict.SUPPORTED, text)


def _match(rule: Rule) -> Decided:
    """`expects` is `true` for a match that has to hold now, `false` for one that must not have held before."""
    if rule.match is None:
        raise ValueError("the match is missing")
    known = {name: _TRUTH[str(rule.measured[name])] for name in rule.match.signals}
    truth = False if rule.measured["in order"] is False else rule.match.parsed.evaluate(known)
    told = ", ".join(f"{name}: {TRUTHS[one]}" for name, one in known.items())
    reason = f"{rule.match.condition}: {TRUTHS[truth]} ({told})"
    if truth is None:
        return Decided(Verdict.INCONCLUSIVE, reason)
    return Decided(Verdict.SUPPORTED if truth is _TRUTH[rule.given["expects"]] else Verdict.REFUTED, reason)


def _number(rule: Rule, name: str) -> float:
    value = rule.measured[name]
    if value is None:
        raise ValueError(f"{name} is missing")
    return float(value)


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


_RULES: Final[Mapping[str, Callable[[Rule], Decided]]] = {
    "level": _level,
    "hurts": _level,
    "any_level": _any_level,
    "peers": _peers,
    "metrics_end": _last("sample"),
    "log_ends": _last("line"),
    "logged": _logged,
    "callees_fail": _callees_fail,
    "all_lines": _rate("lines"),
    "requests": _rate("requests"),
    "on_the_way": _longer,
    "inside": _longer,
    "not_inside": _not_longer,
    "endings": _endings,
    "change_first": _change_first,
    "match": _match,
}
