"""What a language model adds to an investigation, within its budget: further ideas and a summary, never a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeVar

from pydantic import ValidationError

from compass.adapters.llm.answers import Answers
from compass.adapters.llm.call import LLM, Call, Reply, UnreachableError
from compass.errors import OutsideError
from compass.investigate import ideas, summary
from compass.investigate.budget import Ledger, Reserved
from compass.investigate.candidates import Candidate
from compass.investigate.experiments import Bench
from compass.investigate.prompting import Prompt, delimited, fitting, prompt
from compass.investigate.ranking import Ranking
from compass.model.base import Model
from compass.model.investigation import Cost, Incident, ModelCall, ModelUse, Said

ModelT = TypeVar("ModelT", bound=Model)
Purpose = Literal["hypotheses", "summary"]
IDEAS: Final = "hypotheses-1"
SUMMARY: Final = "summary-2"
_TRIES: Final = 2
_SLACK: Final = 512  # bytes of a prompt beside its data: the marks, and what a second try adds


@dataclass(frozen=True)
class Limits:
    """The window of prompt and answer in tokens, the longest answer, and the seconds to wait for one."""

    context: int = 16_384
    max_tokens: int = 800
    seconds: float = 120.0


@dataclass
class Words:
    """A model with its budget for one investigation; every call stands in `calls`, also the failed ones."""

    llm: LLM
    ledger: Ledger
    limits: Limits = Limits()
    answers: Answers | None = None
    clock: Callable[[], float] = field(default=lambda: 0.0, repr=False)
    calls: list[ModelCall] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    @property
    def estimate(self) -> Cost:
        """The most that both tasks can cost, second tries included."""
        read = self.limits.context - self.limits.max_tokens
        return self.ledger.estimate(read, self.limits.max_tokens, 2 * _TRIES, self.limits.seconds)

    @property
    def bound(self) -> str:
        """The estimate in words."""
        cost = self.estimate
        usd = "unknown price" if cost.usd is None else f"{cost.usd:.4g} USD"
        return f"at most {cost.tokens} tokens, {usd}, {cost.seconds:g} s"

    def ideas(
        self, incident: Incident, bench: Bench, ranking: Ranking, considered: Sequence[Candidate]
    ) -> tuple[Candidate, ...]:
        """Further candidates, each with its share of what they cost."""
        services = ideas.services_of(ranking)
        if not services:
            return ()
        first = len(self.calls)
        data = ideas.question(incident, bench, ranking, considered)
        found = self._ask("hypotheses", IDEAS, data, "seen", lambda _: ideas.schema(services), ideas.Ideas)
        if found is None:
            return ()
        chosen = ideas.choose(found, bench, ranking, considered)
        self.dropped += chosen.dropped
        share = _shared([one.cost for one in self.calls[first:]], len(chosen.candidates))
        return tuple(replace(one, cost=share) for one in chosen.candidates)

    def summary(self, known: Sequence[summary.Fact], services: Sequence[str]) -> tuple[Said, ...]:
        """A summary of the facts and prose for drafts, checked; empty when there is none that can be used."""

        def schema(data: Mapping[str, Any]) -> dict[str, Any]:
            return summary.schema([one["id"] for one in data["facts"]])

        found = self._ask("summary", SUMMARY, summary.question(known), "facts", schema, summary.Summary)
        if found is None:
            return ()
        said = summary.checked(found, known, services)
        if left := len(found.sentences) - len(said):
            self.dropped.append(f"{left} sentences: not held by the facts that they name, or one too many")
        return said

    def use(self) -> ModelUse:
        """What was asked so far, for the record."""
        return ModelUse(
            name=self.llm.model,
            estimate=self.estimate,
            cost=total([one.cost for one in self.calls]),
            calls=tuple(self.calls),
            dropped=tuple(dict.fromkeys(self.dropped)),
        )

    def _ask(
        self,
        purpose: Purpose,
        name: str,
        data: Mapping[str, Any],
        rows: str,
        schema: Callable[[Mapping[str, Any]], dict[str, Any]],
        shape: type[ModelT],
    ) -> ModelT | None:
        """The answer in its shape; a second try after an answer that has another one; else None."""
        instructions = prompt(name)
        call = self._call(instructions, data, rows, schema)
        for _ in range(_TRIES):
            reply = self._reply(purpose, instructions, call)
            if reply is None:
                return None
            try:
                found = shape.model_validate_json(reply.text)
            except ValidationError as problem:
                self.calls[-1] = self.calls[-1].model_copy(update={"error": _wrong(reply, call, problem)})
                call = replace(
                    call, prompt=f"{call.prompt}\nAn answer that is no JSON of the given schema is useless."
                )
                continue
            if self.answers is not None and not reply.cached:
                self.answers.keep(self.llm, call, reply)
            return found
        return None

    def _call(
        self,
        instructions: Prompt,
        data: Mapping[str, Any],
        rows: str,
        schema: Callable[[Mapping[str, Any]], dict[str, Any]],
    ) -> Call:
        limits = self.limits
        whole = Call(
            instructions.text, "", schema(data), limits.max_tokens, limits.context, limits.seconds
        )  # fmt: skip
        room = limits.context - limits.max_tokens - whole.most_tokens_in - _SLACK
        kept = fitting(data, rows, room)
        return replace(whole, prompt=delimited(kept), schema=schema(kept))

    def _reply(self, purpose: Purpose, instructions: Prompt, call: Call) -> Reply | None:
        """An answer, from the cache or within the budget; None when there is none, and `calls` says why."""
        known = self.answers.known(self.llm, call) if self.answers is not None else None
        if known is not None:
            self._enter(purpose, instructions, call, Cost(), cached=True)
            return known
        read, written = call.most_tokens_in, call.max_tokens
        reserved: Reserved | str = f"the prompt does not fit into a context of {call.context} tokens"
        if read + written <= call.context:
            reserved = self.ledger.reserve(read, written, call.seconds)
        if isinstance(reserved, str):
            self._enter(purpose, instructions, call, Cost(), error=reserved)
            return None
        began = self.clock()
        reply: Reply | None = None
        error: OutsideError | None = None
        try:
            reply = self.llm.ask(replace(call, seconds=reserved.seconds))
        except UnreachableError as failure:
            read, written, error = 0, 0, failure
        except OutsideError as failure:
            error = failure
        else:
            read = read if reply.tokens_in is None else reply.tokens_in
            written = written if reply.tokens_out is None else reply.tokens_out
        cost = self.ledger.charge(reserved, read, written, max(0.0, self.clock() - began))
        counted = reply is not None and None not in {reply.tokens_in, reply.tokens_out}
        said = None if error is None else f"{error}; {error.hint}" if error.hint else str(error)
        estimated = not counted and bool(cost.tokens)
        self._enter(purpose, instructions, call, cost, estimated=estimated, error=said)
        return reply

    def _enter(
        self,
        purpose: Purpose,
        instructions: Prompt,
        call: Call,
        cost: Cost,
        *,
        cached: bool = False,
        estimated: bool = False,
        error: str | None = None,
    ) -> None:
        self.calls.append(
            ModelCall(
                purpose=purpose,
                prompt=instructions.name,
                prompt_sha256=instructions.sha256,
                request_sha256=call.digest(self.llm.identity),
                cost=cost,
                cached=cached,
                estimated=estimated,
                error=error,
            )
        )


def _wrong(reply: Reply, call: Call, problem: ValidationError) -> str:
    """What was wrong with an answer: kinds alone, as its text is not given back to anybody."""
    kinds = "; ".join(str(one["type"]) for one in problem.errors()[:3])
    if reply.cut:
        return f"cut off after {call.max_tokens} tokens, `llm.max_tokens` allows more: {kinds}"
    return f"not of the asked shape: {kinds}"


def total(costs: Sequence[Cost]) -> Cost:
    """The sum; in money unknown as soon as one part is."""
    known = [one.usd for one in costs if one.usd is not None]
    return Cost(
        tokens=sum(one.tokens for one in costs),
        usd=sum(known) if len(known) == len(costs) else None,
        seconds=round(sum(one.seconds for one in costs), 3),
    )


def _shared(costs: Sequence[Cost], among: int) -> Cost:
    """An equal share of what several cost together."""
    whole, parts = total(costs), max(1, among)
    return Cost(
        tokens=whole.tokens // parts,
        usd=None if whole.usd is None else whole.usd / parts,
        seconds=round(whole.seconds / parts, 3),
    )
