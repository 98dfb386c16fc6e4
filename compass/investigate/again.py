"""A finished record evaluated again: against its telemetry where that is there, and in any case against its own rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compass.investigate.experiments import Bench
from compass.investigate.retrial import trial_of
from compass.investigate.verdicts import RANKED, decide, overall, posterior
from compass.model.base import Model
from compass.model.investigation import Experiment, Hypothesis, Investigation, Verdict


class Difference(Model):
    """Something that is not as the record says; places count from 1, 0 stands for the record as a whole."""

    hypothesis: int
    experiment: int
    what: str
    recorded: str
    now: str


class Replayed(Model):
    """What came of it: `experiments` in the record, those asked again, those without a rule, and what differs."""

    experiments: int
    asked: int
    without_rule: int
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether every experiment could be evaluated, and reaches the verdict that the record says."""
        return not self.differences and not self.without_rule


def replay(record: Investigation, bench: Bench | None) -> Replayed:
    """Evaluate every stored experiment; without `bench` from what the record keeps of the answers alone."""
    every = [one for hypothesis in record.hypotheses for one in hypothesis.experiments]
    return Replayed(
        experiments=len(every),
        asked=sum(one.rule is not None for one in every) if bench is not None else 0,
        without_rule=sum(one.rule is None for one in every),
        differences=tuple(_differences(record, bench)),
    )


def _differences(record: Investigation, bench: Bench | None) -> Iterator[Difference]:
    if record.seal is not None and record.seal != record.digest:
        yield Difference(
            hypothesis=0, experiment=0, what="the record was changed after it was written",
            recorded=record.seal, now=record.digest,
        )  # fmt: skip
    for hypothesis in record.hypotheses:
        for number, one in enumerate(hypothesis.experiments, 1):
            pairs = [*_judged_again(one), *(_asked_again(one, bench) if bench is not None else ())]
            for what, recorded, now in pairs:
                yield Difference(
                    hypothesis=hypothesis.rank, experiment=number, what=what, recorded=recorded, now=now
                )
        for what, recorded, now in _weighed_again(hypothesis):
            yield Difference(hypothesis=hypothesis.rank, experiment=0, what=what, recorded=recorded, now=now)


_Pair = tuple[str, str, str]


def _judged_again(one: Experiment) -> Iterator[_Pair]:
    """The rule applied to what it read of the answer."""
    if one.rule is None:
        return
    try:
        found = decide(one.rule, one.error)
    except (KeyError, TypeError, ValueError) as problem:
        yield ("the rule cannot be applied", one.rule.name, f"{type(problem).__name__}: {problem}")
        return
    if (found.verdict, found.reason) != (one.verdict, one.reason):
        yield (
            "the rule says otherwise of what was measured",
            f"{one.verdict}: {one.reason}",
            f"{found.verdict}: {found.reason}",
        )


def _asked_again(one: Experiment, bench: Bench) -> Iterator[_Pair]:
    """The same question to the telemetry, and the answer beside the one that was kept."""
    if one.rule is None:
        return
    try:
        now = trial_of(bench, one.rule).run()
    except (KeyError, ValueError) as problem:
        yield ("it cannot be asked again", one.rule.name, f"{type(problem).__name__}: {problem}")
        return
    if now.error is not None and one.error is None:
        yield ("the query fails now", one.query, now.error)
        return
    compared: Sequence[_Pair] = (
        ("query", one.query, now.query),
        ("digest of the answer", one.sha256, now.sha256),
        ("verdict", one.verdict, now.verdict),
        ("reason", one.reason, now.reason),
        ("excerpt", one.observed, now.observed),
    )
    yield from ((what, recorded, found) for what, recorded, found in compared if recorded != found)


def _weighed_again(hypothesis: Hypothesis) -> Iterator[_Pair]:
    """The verdict and the confidence of the hypothesis from those of its experiments."""
    verdicts = [one.verdict for one in hypothesis.experiments]
    by_person = hypothesis.refuted_by_person is not None
    verdict = Verdict.REFUTED if by_person else overall(verdicts)
    if verdict is not hypothesis.verdict:
        yield ("verdict of the hypothesis", hypothesis.verdict, verdict)
    if hypothesis.prior is not None:
        confidence = posterior(
            hypothesis.prior,
            verdicts,
            ranked=hypothesis.origin in RANKED,
            refuted_by_person=by_person,
        )
        if confidence != hypothesis.confidence:
            yield ("confidence", f"{hypothesis.confidence}", f"{confidence}")
