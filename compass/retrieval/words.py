"""Words that carry little: function words of English, and the words of PromQL, LogQL and log lines themselves."""

from __future__ import annotations

from typing import Final

from compass.retrieval.stem import stem


def _stems(text: str) -> frozenset[str]:
    return frozenset(form for word in text.split() for form in (word, stem(word)))


STOP: Final = _stems("""
    a about after again all almost already also although always am among an and another any anybody anyone anything are
    as at away back be because been before being both but by came can cannot come comes could couldn did didn do does
    doesn doing don done each either else enough even ever every everything few first five for four from gave get gets
    getting give given go goes going gone got had hardly has hasn have having he her here hers him his how however i
    if in into is isn it its itself just keep keeps kept last less let like ll lot made make makes making many may
    maybe me might more most mostly much must my nearly never next no nobody none nor not nothing now of off often on
    once one only or other our ours out over own per perhaps please probably quite rather re really s said same say
    says see seem seems several shall she should since so some somebody someone something sometimes soon still such t
    take taken takes taking tell than that the their theirs them then there these they thing things think this those
    though three through thus to together told too took toward towards tries try trying turn turns two under until up
    upon us use used uses using ve very via want wants was wasn we went were weren what when where whether which while
    who whole whom whose why will with within without won would yet you your yours
""")
"""Left out of a query unless nothing else is in it; documents keep them, so a query of these words still answers."""

QUERY_LANGUAGE: Final = _stems("""
    abs absent_over_time and avg avg_over_time bool bottomk by ceil changes clamp clamp_max clamp_min count count_over_time
    count_values delta deriv exp floor group group_left group_right histogram_quantile holt_winters idelta ignoring
    increase irate json label_join label_replace last_over_time ln log10 log2 logfmt max max_over_time min
    min_over_time offset on or predict_linear present_over_time quantile quantile_over_time rate regexp resets round
    scalar sgn sort sort_desc sqrt stddev stddev_over_time stdvar sum sum_over_time time topk unless unwrap vector
    without le instance inf nan
""")
"""Functions, operators and everywhere-labels of PromQL and LogQL: no evidence of what an expression is about."""

OPERATIONAL_HEADINGS: Final = frozenset({
    "meaning", "impact", "diagnosis", "mitigation", "rollback", "escalation", "symptoms", "mechanism", "remediation",
    "resolution",
})  # fmt: skip
