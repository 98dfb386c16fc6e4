"""A model behind any endpoint that offers OpenAI's chat completions.

Source of the calls: https://platform.openai.com/docs/api-reference/chat (chat completions with a JSON schema).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from compass.adapters.llm.call import LONGEST, Call, Reply, UnreachableError, counted
from compass.adapters.llm.limits import is_loopback, place, within
from compass.errors import ConfigError, OutsideError

DEFAULT: Final = "https://api.openai.com/v1"
_BOUNDS: Final = frozenset({"maxLength", "maxItems"})


class _BadRequestError(OutsideError):
    """The endpoint understood the address and refused what was asked."""


_KEY: Final = "the key comes from COMPASS_LLM_KEY; `compass doctor` says whether one is set"
_REFUSALS: Final[Mapping[int, tuple[type[OutsideError], str]]] = {
    400: (_BadRequestError, "`compass doctor` asks it again"),
    401: (UnreachableError, _KEY),
    403: (UnreachableError, _KEY),
    404: (UnreachableError, "`llm.url` ends before /chat/completions, and `llm.model` names the model"),
}


@dataclass(frozen=True)
class OpenAICompatible:
    """`url` ends before `/chat/completions`; `key` goes out as a bearer token, and never unencrypted."""

    model: str
    url: str = DEFAULT
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """ConfigError for an address or a key that must not be used."""
        if not self.url.startswith(("https://", "http://")):
            raise ConfigError(f"llm.url {self.url!r} is no address", "it begins with https:// or http://")
        if self.key and not self.url.startswith("https://") and not is_loopback(self.url):
            raise ConfigError(
                f"the key of a language model is not sent unencrypted to {self.url}",
                "use an https:// address",
            )
        if self.key and not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise ConfigError("the key of the language model holds a blank or a line's end")

    @property
    def identity(self) -> str:
        """Kind, address and model."""
        return f"openai_compatible {self.url} {self.model}"

    @property
    def free(self) -> bool:
        """Never known: what listens on this machine may pass the call on."""
        return False

    def ask(self, call: Call) -> Reply:
        """POST /chat/completions with the schema as `response_format`."""
        body = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": call.system},
                {"role": "user", "content": call.prompt},
            ],
            "max_tokens": call.max_tokens,
            "temperature": call.temperature,
            "seed": call.seed,
        }
        where = place(self.url)
        answer, seconds = within(call.seconds, where, lambda: self._complete(body, call.schema))
        try:
            choice = answer["choices"][0]
            text, cut = str(choice["message"]["content"] or ""), choice.get("finish_reason") == "length"
        except (KeyError, IndexError, TypeError, AttributeError) as failure:
            raise OutsideError(f"{where} did not answer in the shape of chat completions") from failure
        usage = answer.get("usage")
        counts: Mapping[str, Any] = usage if isinstance(usage, Mapping) else {}
        read, written = counted(counts.get("prompt_tokens")), counted(counts.get("completion_tokens"))
        return Reply(text, self.model, read, written, seconds, cut=cut)

    def alive(self, seconds: float) -> str:
        """Ask for the list of models."""
        where = place(self.url)
        answer, _ = within(seconds, where, lambda: self._send("GET", "models", None))
        listed = answer.get("data")
        names = (
            {str(one.get("id")) for one in listed if isinstance(one, Mapping)}
            if isinstance(listed, list)
            else set()
        )
        if names and self.model not in names:
            raise OutsideError(f"{where} answers, but has no model {self.model!r}", "set `llm.model`")
        return f"{where} answers" + (f" and has {self.model}" if names else "")

    async def _complete(self, body: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._send("POST", "chat/completions", {**body, **_format(schema)})
        except _BadRequestError:
            # Some endpoints refuse bounds of length in a schema, and a refused request costs nothing.
            return await self._send("POST", "chat/completions", {**body, **_format(_unbounded(schema))})

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        raw = bytearray()
        async with (
            httpx.AsyncClient(headers=headers, timeout=None) as client,  # noqa: S113  # `within` bounds the whole call
            client.stream(method, f"{self.url.rstrip('/')}/{path}", json=body) as answer,
        ):
            async for part in answer.aiter_bytes():
                raw += part
                if len(raw) > LONGEST:
                    break
            status = answer.status_code
        if status != httpx.codes.OK:
            said = " ".join(raw[:300].decode("utf-8", "replace").split())
            kind, hint = _REFUSALS.get(status, (OutsideError, "`compass doctor` asks it again"))
            raise kind(f"{place(self.url)} refused with status {status}: {said}", hint)
        try:
            found = json.loads(raw)
        except ValueError as failure:
            raise OutsideError(f"{place(self.url)} did not answer in JSON") from failure
        if not isinstance(found, Mapping):
            raise OutsideError(f"{place(self.url)} did not answer with an object")
        return found


def _format(schema: Any) -> dict[str, Any]:
    named = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _unbounded(schema: Any) -> Any:
    """The schema without bounds of length; the answer is examined against them anyway."""
    if isinstance(schema, Mapping):
        return {name: _unbounded(part) for name, part in schema.items() if name not in _BOUNDS}
    return schema
