"""Makes the pictures of README anew: `python tests/screenshots.py`, with Debian's chromium and in a few seconds.

They show the example organization's site, as the product tribe reads it, after one investigation.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from browsing import Record, answering, chromium, opened
from conftest import ROOT, commit_all

from compass.library import load
from compass.model.scope import Level
from compass.publish.build import build_site
from compass.publish.serve import server
from compass.workflows.example import make_organization

FOLDER: Final = ROOT / "site" / "docs" / "images"
MOST: Final = 150_000
RECORDING: Final = "recordings/pool-exhaustion-after-rollout"
WHEN: Final = datetime(2026, 11, 28, tzinfo=UTC)


class Shot(NamedTuple):
    """One picture: its name, the page, the size of the window and its colours."""

    name: str
    page: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    at: str = "header"


SHOTS: Final = (
    Shot("site-home", "index", 1120, 720, "light"),
    Shot("site-pattern", "patterns/pat-3qbhrnha5p", 1120, 720, "dark"),
    Shot("site-service", "services/component-checkout", 1120, 720, "light", ".cm-map"),
    Shot("site-phone", "runbooks/run-p94n61snf9", 390, 780, "dark"),
)


def organization(folder: Path) -> Path:
    """The payments team's repository of the example, on a forge, with the record of one investigation."""
    payments = make_organization(folder / "org", now=WHEN).root / "teams" / "payments"
    command = [sys.executable, "-m", "compass", "-C", str(payments), "investigate", "--recording"]
    subprocess.run(
        [*command, str(payments / RECORDING), "--auto", "--no-llm"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    git = commit_all(payments, "An investigation\n")
    git.git("config", "remote.origin.url", "git@github.com:acme/payments-memory.git")
    return payments


def main() -> None:
    """Build the site, look at it, write the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = load(organization(folder), parents=True)
        build_site(library, folder / "site", today=datetime.now(UTC).date(), audience=Level.TRIBE)
        with answering(server(folder / "site", 0)) as address, chromium() as browser:
            for shot in SHOTS:
                with opened(browser, Record()) as page:
                    page.set_viewport_size({"width": shot.width, "height": shot.height})
                    page.emulate_media(color_scheme=shot.scheme, reduced_motion="reduce")
                    page.goto(f"{address}{shot.page}.html")
                    page.evaluate(
                        "(at) => scrollTo(0, document.querySelector(at).getBoundingClientRect().top - 130)",
                        shot.at,
                    )
                    target = FOLDER / f"{shot.name}.png"
                    page.screenshot(path=target)
                    size = target.stat().st_size
                    assert size <= MOST, f"{target.name} has {size:,} bytes, of {MOST:,} allowed"
                    sys.stdout.write(f"{target.name}: {size:,} bytes\n")


if __name__ == "__main__":
    main()
