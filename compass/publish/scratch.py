"""A folder for as long as this process lives, removed even if the process is killed outright."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# Ends when its input does, which the system sees to. A worker of the dead process may still write for a moment.
_JANITOR: Final = """
import shutil, sys, time
sys.stdin.read()
for _ in range(10):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    time.sleep(0.3)
"""


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A new folder among the system's temporary ones."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _JANITOR, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield Path(folder)
        finally:
            janitor.kill()
            janitor.communicate()
