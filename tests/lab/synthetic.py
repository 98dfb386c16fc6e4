"""Writes the example recordings under knowledge/; the same seeds give the same bytes.

Run `python tests/lab/synthetic.py [KNOWLEDGE_FOLDER]`.
Nothing in them was ever measured: each recording says `synthetic: true`.
"""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


def main(target: Path) -> None:
    """Write every recording below `target`, a folder such as `knowledge`."""
    sys.path.insert(0, str(TESTS))
    from lab.stories import STORIES
    from lab.storyteller import files

    for story in STORIES:
        found = files(story)
        for name, data in found.items():
            path = target / story.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        print(f"{story.folder}: {sum(map(len, found.values())) / 1000:.0f} kB")  # noqa: T201  # a script's answer


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TESTS.parent / "knowledge")
