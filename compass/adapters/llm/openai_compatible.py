"""A model behind any endpoint that offers OpenAI's chat completions.

Source of the calls: https://platform.openai.com/docs/api-reference/chat (chat completions with a JSON schema).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from compass.adapters.llm.call import LONGEST, Call, Reply
from compass.adapters.llm.limits import is_loopback, within
from compass.errors import ConfigError, OutsideError

DEFAULT: Final = "https://api.openai.com/v1"


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
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": call.schema},
            },
            "max_tokens": call.max_tokens,
            "temperature": call.temperature,
            "seed": call.seed,
        }
        answer, seconds = within(call.seconds, self.url, lambda: self._send("POST", "chat/completions", body))
        try:
            text = str(answer["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as failure:
            raise OutsideError(f"{self.url} did not answer in the shape of chat completions") from failure
        usage = answer.get("usage")
        counts: Mapping[str, Any] = usage if isinstance(usage, Mapping) else {}
        return Reply(
            text, self.model, _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")), seconds
        )  # fmt: skip

    def alive(self, seconds: float) -> str:
        """Ask for the list of models."""
        answer, _ = within(seconds, self.url, lambda: self._send("GET", "models", None))
        listed = answer.get("data")
        names = (
            {str(one.get("id")) for one in listed if isinstance(one, Mapping)}
            if isinstance(listed, list)
            else set()
        )
        if names and self.model not in names:
            raise OutsideError(f"{self.url} answers, but has no model {self.model!r}", "set `llm.model`")
        return f"{self.url} answers" + (f" and has {self.model}" if names else "")

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
            raise OutsideError(
                f"{self.url} refused with status {status}: {said}", "`compass doctor` asks it again"
            )
        try:
            found = json.loads(raw)
        except ValueError as failure:
            raise OutsideError(f"{self.url} did not answer in JSON") from failure
        if not isinstance(found, Mapping):
            raise OutsideError(f"{self.url} did not answer with an object")
        return found


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
