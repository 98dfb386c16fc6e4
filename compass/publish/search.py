"""The search bundle of one site, made by Pagefind from its finished pages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from pagefind.service import get_executable

from compass.errors import OutsideError

# Pagefind's own user interfaces; ours is in the theme.
_UNUSED: Final = ("pagefind-ui", "pagefind-modular-ui", "pagefind-component-ui", "pagefind-highlight")


def index(site: Path) -> None:
    """Write `site`/pagefind; OutsideError if Pagefind is missing or fails."""
    program = get_executable()
    if program is None:
        raise OutsideError("the program pagefind is missing", "pip install 'pagefind[bin]'")
    arguments = [str(program), "--site", str(site), "--keep-index-url", "--force-language", "en", "--quiet"]
    # Settings of Pagefind could come from its environment or from the current folder; neither is ours.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PAGEFIND_")}
    done = subprocess.run(
        arguments, cwd=site, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    bundle = site / "pagefind"
    if done.returncode:
        raise OutsideError(f"Pagefind failed: {(done.stderr or done.stdout).strip()[-500:]}")
    if bundle.is_dir():
        for file in bundle.iterdir():
            if file.name.startswith(_UNUSED):
                file.unlink()
    else:
        bundle.mkdir()
