"""The staged folder is a plain site: any generator that reads it gives the same pages. ProperDocs by hand or weekly: `pytest -m live tests/publish/test_publish_generators.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import commit_all
from full_entries import write_repository
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from published import TODAY, team, tribe

from compass.library import load
from compass.publish.edition import Edition
from compass.publish.generate import generate, stage
from compass.publish.pages import render
from compass.publish.records import last_changed, read_records

_MAIN = re.compile(r"<article\b.*?</article>", re.DOTALL)
# What a theme brings along and our own build leaves out.
_THEMES_OWN = re.compile(r"assets/(?:images|javascripts)/|.*\.map|sitemap\.xml(?:\.gz)?")


def pages_of(site: Path) -> dict[str, str]:
    return {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}


def names_of(site: Path) -> set[str]:
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    return {name for name in found if not _THEMES_OWN.match(name)}


@pytest.fixture(params=["every sort of entry", "generated entries"])
def staged(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Two staged folders of the same edition, of which the first was built as `site build` does."""
    if request.param == "generated entries":
        root = tmp_path / "repo"
        write_repository(root, 30)
        commit_all(root)
    else:
        tribe(tmp_path)
        root = team(tmp_path, parents="parents: [../product]\n", config="share: tribe\n")
    library = load(root, parents=True)
    pages = list(render(Edition(library, TODAY, last_changed(read_records(library)))))
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        stage(tmp_path / name, pages, "team/payments", f"team/payments@{library.main.commit}")
    generate(tmp_path / "ours", heads=[str(library.main.commit)])
    return tmp_path / "ours" / "site", tmp_path / "theirs"


def test_plain_mkdocs_gives_the_same_pages_and_files(staged: tuple[Path, Path]) -> None:
    ours, folder = staged
    mkdocs_build(load_config(str(folder / "mkdocs.yml")))
    assert pages_of(ours) == pages_of(folder / "site")
    assert names_of(ours) == names_of(folder / "site")


@pytest.fixture(scope="module")
def properdocs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ProperDocs in an environment of its own, with the theme that is installed here."""
    folder = tmp_path_factory.mktemp("properdocs")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = [
        "properdocs",
        f"mkdocs-material=={version('mkdocs-material')}",
        f"markdown=={version('markdown')}",
    ]
    program = folder / ("Scripts" if sys.platform == "win32" else "bin")
    subprocess.run([str(program / "pip"), "install", "--quiet", *wanted], check=True)
    return program / "properdocs"


@pytest.mark.live
def test_properdocs_gives_the_same_pages(staged: tuple[Path, Path], properdocs: Path) -> None:
    ours, folder = staged
    command = [str(properdocs), "build", "--quiet", "--strict", "--config-file", str(folder / "mkdocs.yml")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    mine, theirs = pages_of(ours), pages_of(folder / "site")
    assert mine.keys() == theirs.keys()
    assert names_of(ours) == names_of(folder / "site")
    different = []
    for name, page in mine.items():
        main, other = (_MAIN.search(text) for text in (page, theirs[name]))
        assert main
        assert other
        assert main[0] == other[0], name
        different += [name] if page != theirs[name] else []
    sys.stderr.write(
        f"\n{done.args[0]}: {len(mine)} pages, the same main content on each, {len(different)} that differ elsewhere\n"
    )
