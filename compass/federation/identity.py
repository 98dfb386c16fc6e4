"""What a source lets through, and exactly which anonymizer was applied to it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from compass import __version__
from compass.anonymize import ALLOW_PATH, load_allow
from compass.federation.repositories import Member, read_file


def allowed_words(source: Member) -> frozenset[str]:
    """The words that the source's reviewers let through, from its vocabulary."""
    data = read_file(source.git, source.commit, ALLOW_PATH)
    return load_allow(data.decode("utf-8", "replace")).allowed if data else frozenset()


@cache
def transform() -> str:
    """`anonymize/<version> sha256:<digest>`: exactly which rules and words were applied."""
    digest = hashlib.sha256()
    for one in sorted(_walk(files("compass.anonymize")), key=str):
        digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return f"anonymize/{__version__} sha256:{digest.hexdigest()}"


def _walk(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one) if one.name != "__pycache__" else []
        else:
            found.append(one)
    return found
