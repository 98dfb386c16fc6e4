"""A model behind Ollama's native API, which alone honours the size of the context."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import httpx
import ollama
from pydantic import ValidationError

from compass.adapters.llm.call import LONGEST, Call, Reply, UnreachableError, counted
from compass.adapters.llm.limits import is_loopback, place, within
from compass.errors import OutsideError

T = TypeVar("T")
DEFAULT: Final = "http://127.0.0.1:11434"
_CLOUD: Final = ("-cloud", ":cloud")
_FAILURES: Final = (ollama.ResponseError, ValidationError, ValueError, TypeError)


@dataclass(frozen=True)
class Ollama:
    """`url` as OLLAMA_HOST has it: with or without scheme and port."""

    model: str
    url: str = field(default=DEFAULT)

    @property
    def identity(self) -> str:
        """Kind, address and model."""
        return f"ollama {self.url} {self.model}"

    @property
    def free(self) -> bool:
        """On this machine, and not passed on: models whose tag ends in `cloud` run elsewhere."""
        return is_loopback(self.url) and not self.model.endswith(_CLOUD)

    def ask(self, call: Call) -> Reply:
        """POST /api/chat with the schema as `format` and `num_ctx` set."""
        (text, read, written, cut), seconds = self._within(call.seconds, lambda: self._chat(call))
        return Reply(text, self.model, read, written, seconds, cut=cut)

    def alive(self, seconds: float) -> str:
        """Ask for the list of models."""

        async def names() -> list[str]:
            async with self._client() as client:
                listed = await client.list()
            return sorted(one.model for one in listed.models if one.model)

        found, _ = self._within(seconds, names)
        if not {self.model, f"{self.model}:latest"} & set(found):
            raise self._not_pulled()
        return f"Ollama at {place(self.url)} answers and has {self.model}"

    def _not_pulled(self) -> UnreachableError:
        return UnreachableError(
            f"Ollama at {place(self.url)} answers, but has no model {self.model!r}",
            f"ollama pull {self.model}",
        )

    def _within(self, seconds: float, ask: Callable[[], Awaitable[T]]) -> tuple[T, float]:
        try:
            return within(seconds, place(self.url), ask)
        except _FAILURES as failure:
            if getattr(failure, "status_code", None) == httpx.codes.NOT_FOUND:
                raise self._not_pulled() from failure
            said = " ".join(str(failure).split())[:300] or type(failure).__name__
            raise OutsideError(
                f"Ollama at {place(self.url)} refused: {said}", "`compass doctor` asks it again"
            ) from failure

    def _client(self) -> ollama.AsyncClient:
        # A redirect would carry the prompt to another host.
        return ollama.AsyncClient(host=self.url, follow_redirects=False)

    async def _chat(self, call: Call) -> tuple[str, int | None, int | None, bool]:
        text, read, written, ended = "", None, None, None
        async with self._client() as client:
            stream = await client.chat(
                model=self.model,
                messages=[
                    {"role": "system", "content": call.system},
                    {"role": "user", "content": call.prompt},
                ],
                format=json.loads(json.dumps(call.schema)),
                options={
                    "num_ctx": call.context,
                    "num_predict": call.max_tokens,
                    "temperature": call.temperature,
                    "seed": call.seed,
                },
                stream=True,
                think=False,
            )
            async for part in stream:
                text += part.message.content or ""
                read, written = counted(part.prompt_eval_count) or read, counted(part.eval_count) or written
                ended = (part.done_reason or "stop") if part.done else None
                if len(text) > LONGEST:
                    break
            else:
                if ended is None:
                    raise ValueError("the answer ended before it was done")
        return text, read, written, ended == "length"
