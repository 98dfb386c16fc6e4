"""An experiment set up again from the rule that its record keeps: the same question, the same way to judge the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from compass.investigate import log_trials, metric_trials, trace_trials
from compass.investigate.experiments import Bench, Trial
from compass.investigate.findings import Finding, Signal
from compass.investigate.patterns import for_a_person, match_trial
from compass.model.investigation import Datasource, Rule
from compass.model.recording import Change

_SOURCES: Final[tuple[Datasource, ...]] = ("prometheus", "loki", "tempo")


def trial_of(bench: Bench, rule: Rule) -> Trial:
    """The experiment of this rule; ValueError or KeyError where the rule is not known or lacks something."""
    trial = _TRIALS[rule.name](bench, rule)
    if trial is None:
        raise ValueError(f"the rule {rule.name} has nothing to ask any more")
    return trial


def _finding(rule: Rule) -> Finding:
    given = rule.given
    return Finding(
        given["component"],
        Signal.METRIC,
        0.0,
        "",
        metric=given["metric"],
        query=given["query"],
        source="prometheus",
    )


def _endings(bench: Bench, rule: Rule) -> Trial:
    finding = Finding(rule.given["component"], Signal.LAST_CALL, 0.0, "", other=rule.given["other"])
    return trace_trials.endings(bench, finding)


def _change(bench: Bench, rule: Rule) -> Trial:
    given = rule.given
    return log_trials.change_first(
        bench, Change(float(given["time"]), given["type"], given["service"], "", {})
    )


def _match(bench: Bench, rule: Rule) -> Trial:
    if rule.match is None:
        raise ValueError("the match is missing")
    given = rule.given
    window = (float(given["from"]), float(given["to"]))
    return match_trial(bench, rule.match, window, given["owner"], holds=given["expects"] == "true")


def _person(bench: Bench, rule: Rule) -> Trial:
    given = rule.given
    source = _SOURCES[_SOURCES.index(given["source"])]  # ValueError where it is none of them
    return for_a_person(bench, given["statement"], given["query"], source, given["when"])


_TRIALS: Final[Mapping[str, Callable[[Bench, Rule], Trial | None]]] = {
    "level": lambda bench, rule: metric_trials.level(bench, _finding(rule)),
    "peers": lambda bench, rule: metric_trials.peers(bench, _finding(rule)),
    "any_level": lambda bench, rule: metric_trials.any_level(bench, rule.given["component"]),
    "hurts": lambda bench, rule: metric_trials.hurts(bench, rule.given["component"]),
    "metrics_end": lambda bench, rule: metric_trials.ends(bench, rule.given["component"]),
    "log_ends": lambda bench, rule: log_trials.falls_silent(bench, rule.given["component"]),
    "logged": lambda bench, rule: log_trials.logged(bench, rule.given["service"], rule.given["statement"]),
    "callees_fail": lambda bench, rule: log_trials.callees_fail(bench, rule.given["service"]),
    "all_lines": lambda bench, _rule: log_trials.lines(bench),
    "requests": lambda bench, rule: trace_trials.requests(bench, rule.given["service"]),
    "on_the_way": lambda bench, rule: trace_trials.on_the_way(
        bench, rule.given["caller"], rule.given["service"]
    ),
    "inside": lambda bench, rule: trace_trials.inside(bench, rule.given["service"]),
    "not_inside": lambda bench, rule: trace_trials.not_inside(bench, rule.given["service"]),
    "endings": _endings,
    "change_first": _change,
    "match": _match,
    "person": _person,
}
