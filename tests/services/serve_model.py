"""Serve a model file (GGUF) as an OpenAI-compatible endpoint: `python serve_model.py FILE PORT [CONTEXT]`, with xllamacpp.

Run it with the Python of an environment of its own; COMPASS does not depend on it.
"""

from __future__ import annotations

import signal
import sys
from importlib import import_module


def main(path: str, port: str, context: str = "8192") -> None:
    """Until it is interrupted."""
    llama = import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = path
    params.model_alias = {"small"}
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.n_ctx = int(context)
    params.n_parallel = 1
    # More threads than idle cores wait for each other at every token.
    params.cpuparams.n_threads = 1
    server = llama.Server(params)
    sys.stdout.write(f"{server.listening_address}/v1 serves the model `small`\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
