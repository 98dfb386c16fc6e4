"""Answers kept by what was asked: an identical call costs nothing the second time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from compass.adapters.documents import write_atomically
from compass.adapters.llm.call import LLM, Call, Reply


@dataclass(frozen=True)
class Answers:
    """Answers below `folder`, one file each, named by the digest of model, prompt, schema and options."""

    folder: Path

    def known(self, llm: LLM, call: Call) -> Reply | None:
        """The answer to an identical call, if there is one that can be read; it costs nothing."""
        try:
            found = json.loads(self._path(llm, call).read_text("utf-8"))
            return Reply(str(found["text"]), llm.model, 0, 0, 0.0, cached=True)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, llm: LLM, call: Call, reply: Reply) -> None:
        """Remember an answer that was found to be usable."""
        write_atomically(self._path(llm, call), json.dumps({"text": reply.text}).encode())

    def _path(self, llm: LLM, call: Call) -> Path:
        digest = call.digest(llm.identity)
        return self.folder / digest[:2] / f"{digest}.json"
