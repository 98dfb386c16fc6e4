"""Hostile repositories and folders through the real commands: nothing hangs, crashes, runs or escapes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import federation_world
import pytest
from click.testing import CliRunner
from federation_world import PAT, World, entry

from compass.adapters.git import GitRepository
from compass.cli import cli
from compass.errors import CompassError

template = federation_world.template
HEAD = "---\n# yaml-language-server: $schema=../.compass/schema/runbook.json\nschema: 1\nkind: runbook\n"


def runbook(number: int, title: str = "A title", body: str = "Text.", extra: str = "") -> str:
    return f"{HEAD}id: run-{number:010d}\ntitle: {title}\nstatus: draft\ncreated: 2026-01-01\n{extra}---\n\n{body}\n"


def compass(root: Path, *arguments: str | Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, so that a hang, a crash and the memory it takes are seen."""
    command = [sys.executable, "-m", "compass", "-C", str(root), *(str(one) for one in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode != 70, done.stderr
    return done


def inside(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in this process, where what it says and leaves behind is the point and not how it ends."""
    command = ["-C", str(root), *(str(one) for one in arguments)]
    done = CliRunner().invoke(cli, command)
    failed = done.exception
    assert failed is None or isinstance(failed, (CompassError, SystemExit)), done.exc_info
    said = failed.message if isinstance(failed, CompassError) else ""
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr + said)


def problems(done: subprocess.CompletedProcess[str]) -> set[tuple[str, str, str]]:
    return {
        (one["path"].rpartition("/")[2], one["rule"], one["severity"])
        for one in json.loads(done.stdout)["problems"]
    }


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


class Active(HTMLParser):
    """What a browser would run because a page's author wanted it to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script = False

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.script = tag == "script"
        self.found += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name.startswith("on") or str(value).strip().lower().startswith("javascript:")
        ]

    def handle_data(self, data: str) -> None:
        if self.script and "canary" in data:
            self.found.append(data)


@pytest.fixture(scope="module")
def initialized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("initialized")
    assert compass(folder, "init", folder / "payments", "--level", "team", "--yes").returncode == 0
    return folder / "payments"


@pytest.fixture
def repo(initialized: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(initialized, tmp_path / "payments"))


HOSTILE: dict[str, str | bytes] = {
    "bomb.md": runbook(1, extra="x:\n  a: &a [1, 1]\n" + "".join(f"  b{n}: &b{n} [*a, *a]\n" for n in range(30))),
    "binary.md": b"---\n\x00\xff" * 5000,
    "latin.md": runbook(2, "Caf\u00e9").encode("latin-1"),
    "utf16.md": runbook(3).encode("utf-16"),
    "mixed.md": runbook(4, "Caf\u00e9").encode() + "caf\u00e9".encode("latin-1"),
    "crlf.md": runbook(5).replace("\n", "\r\n"),
    "bom.md": b"\xef\xbb\xbf" + runbook(6).encode(),
    "override.md": runbook(7, "Queue \u202esrettel"),
    "script.md": runbook(8, body="<script>alert('canary-8')</script>\n\n<img src=x onerror=alert(8)>\n\n[x](javascript:alert(8))"),
    "traversal.md": runbook(9, body="[[run-../../../../etc/passwd]] and [x](../../../../../etc/passwd)"),
    "id.md": runbook(10).replace("run-0000000010", "run-../../x"),
    "deep.md": runbook(11, extra="x: " + "[" * 3000 + "]" * 3000 + "\n"),
    "escape.md": runbook(12, '"\\e[2J\\u0007red"'),
}  # fmt: skip
EXPECTED = {
    ("bomb.md", "yaml", "error"),
    ("binary.md", "encoding", "error"),
    ("latin.md", "encoding", "error"),
    ("utf16.md", "encoding", "error"),
    ("mixed.md", "encoding", "error"),
    ("crlf.md", "encoding", "warning"),
    ("bom.md", "encoding", "warning"),
    ("override.md", "hidden-characters", "error"),
    ("traversal.md", "dangling-link", "error"),
    ("id.md", "schema", "error"),
    ("deep.md", "yaml", "error"),
    ("escape.md", "hidden-characters", "error"),
    ("huge.md", "size", "error"),
    ("link.md", "link", "error"),
    ("loop.md", "link", "error"),
    ("fifo.md", "link", "error"),
    ("device.md", "link", "error"),
}


def test_every_sort_of_bad_file_is_a_clear_problem_and_the_good_ones_are_read_and_published(
    repo: Path, tmp_path: Path
) -> None:
    write(repo / "runbooks", HOSTILE)
    (tmp_path / "secret.md").write_text(runbook(99, "Outside canary-99"))
    with (repo / "runbooks" / "huge.md").open("wb") as stream:
        stream.write(runbook(13).encode())
        stream.truncate(100 * 1024 * 1024)
    (repo / "runbooks" / "link.md").symlink_to(tmp_path / "secret.md")
    (repo / "runbooks" / "loop.md").symlink_to("loop.md")
    os.mkfifo(repo / "runbooks" / "fifo.md")
    (repo / "runbooks" / "device.md").symlink_to("/dev/zero")
    started = time.perf_counter()
    found = compass(repo, "check", "--format", "json")
    assert time.perf_counter() - started < 30
    assert found.returncode == 1
    assert {one for one in problems(found) if one[2] != "info"} >= EXPECTED
    text = compass(repo, "check").stdout
    assert not {char for char in text if not char.isprintable() and char != "\n"}
    left = json.loads(compass(repo, "fmt", "--format", "json").stdout)
    assert {Path(one["path"]).name for one in left["problems"]} >= {
        "fifo.md",
        "link.md",
        "huge.md",
        "binary.md",
        "bomb.md",
    }
    assert "canary-99" in (tmp_path / "secret.md").read_text()
    assert compass(repo, "show", "runbooks/fifo.md").returncode in {1, 2}
    assert "\x1b[2J" not in compass(repo, "show", "runbooks/escape.md").stdout
    (repo / "runbooks" / "fifo.md").unlink()
    (repo / "runbooks" / "huge.md").unlink()
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "hostile")
    shown = compass(repo, "show", "run-0000000008").stdout
    assert "\x1b" not in shown
    site = tmp_path / "site"
    built = compass(repo, "site", "build", "--output", site, seconds=120)
    assert built.returncode in {0, 1}, built.stderr
    pages = {path: path.read_text("utf-8", "replace") for path in site.rglob("*.html")}
    assert not any("canary-99" in page or "root:x:0" in page for page in pages.values())
    assert [path for path, page in pages.items() if Active.of(page)] == []
    assert any("canary-8" in page for page in pages.values())
    assert not list(tmp_path.rglob("passwd*"))


def test_a_folder_to_import_may_hold_anything(repo: Path, tmp_path: Path) -> None:
    wiki = tmp_path / "wiki"
    for name in ("bomb", "binary", "latin", "utf16", "mixed", "crlf", "bom", "override", "script", "deep"):
        content = HOSTILE[f"{name}.md"]
        data = content if isinstance(content, bytes) else content.encode()
        write(wiki, {f"{name}.md": data.replace(b"run-", b"no-")})
    write(
        wiki,
        {"rules.yaml": "alert: &a [" + "1," * 10 + "]\n" + "".join(f"b{n}: [*a,*a]\n" for n in range(9))},
    )
    write(
        wiki,
        {
            "../outside.md": "# Outside canary-99\n",
            "catalog.yaml": "apiVersion: backstage.io/v1alpha1\n" + "a: [" * 9000,
        },
    )
    with (wiki / "huge.md").open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    os.mkfifo(wiki / "fifo.md")
    os.mkfifo(wiki / "fifo.yaml")
    (wiki / "link.md").symlink_to(tmp_path / "outside.md")
    (wiki / "zero.md").symlink_to("/dev/zero")
    (wiki / "all").symlink_to("/")
    report = json.loads(compass(repo, "import", wiki, "--format", "json").stdout)
    skipped = {one["source"] for one in report["skipped"]}
    assert skipped == {
        "binary.md", "rules.yaml", "catalog.yaml", "huge.md", "fifo.md", "fifo.yaml", "link.md", "zero.md", "utf16.md",
    }  # fmt: skip
    assert all(one["reason"] for one in report["skipped"])
    assert "canary-99" not in "".join(path.read_text() for path in (repo / "runbooks").glob("*.md"))
    assert compass(repo, "import", wiki, "--format", "json").returncode == 0


def test_folders_without_end_are_named_and_not_entered(repo: Path, tmp_path: Path) -> None:
    wiki = tmp_path / "wiki"
    for folder in (repo / "patterns", repo / "postmortems", wiki):
        bottom = folder / "/".join("d" * 1200)
        subprocess.run(["mkdir", "-p", str(bottom)], check=True)
        subprocess.run(["cp", str(repo / "compass.yaml"), f"{bottom}/x.md"], check=True)
    try:
        assert "lies too deep" in compass(repo, "check").stdout
        assert compass(repo, "fmt").returncode == 0
        assert [
            one["source"].count("/")
            for one in json.loads(compass(repo, "import", wiki, "--format", "json").stdout)["skipped"]
        ] == [65]
    finally:  # pytest's own way of clearing up is recursive
        subprocess.run(["rm", "-rf", str(wiki), str(repo)], check=True)


NAMES = ("a\nb.md", "-x.md", "\u202eevil.md", "a b;c$(touch ran).md", "\x1b[31m.md", "a%0Ab.md", "\u00fc.md")


def test_odd_file_names_are_shown_safely_and_those_that_are_no_text_are_not_read(
    repo: Path, tmp_path: Path
) -> None:
    write(repo / "runbooks", {name: runbook(number) for number, name in enumerate(NAMES)})
    write(tmp_path / "wiki", {name: f"# Page {number}\n" for number, name in enumerate(NAMES)})
    git(repo, "add", "--all")
    blob = subprocess.run(
        ["git", "-C", str(repo), "hash-object", "-w", "--stdin"],
        input=runbook(50).encode(),
        capture_output=True,
        check=True,
    ).stdout.strip()
    row = b"100644 " + blob + b"\trunbooks/\xff.md\0"
    subprocess.run(["git", "-C", str(repo), "update-index", "-z", "--index-info"], input=row, check=True)
    git(repo, "commit", "--quiet", "--message", "odd names")
    if sys.platform == "linux":  # other systems refuse such a name
        for folder in (repo / "runbooks", tmp_path / "wiki"):
            Path(os.fsdecode(os.fsencode(folder) + b"/\xff.md")).write_text(runbook(51))
        found = compass(repo, "check", "--format", "json")
        assert ("\ufffd.md", "encoding", "error") in problems(found)
        left = json.loads(compass(repo, "fmt", "--format", "json").stdout)["problems"]
        assert [one["path"] for one in left] == ["runbooks/\ufffd.md"]
        report = json.loads(compass(repo, "import", tmp_path / "wiki", "--format", "json").stdout)
        assert [one["source"] for one in report["skipped"]] == ["\ufffd.md"]
    text = compass(repo, "check").stdout
    assert not {char for char in text if not char.isprintable() and char != "\n"}
    results = json.loads(compass(repo, "search", "title", "--format", "json").stdout)["results"]
    assert len(results) == len(NAMES)
    built = compass(repo, "site", "build", "--output", tmp_path / "site", seconds=120)
    assert "the file's name is not UTF-8" in built.stderr
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("folder", ["runbooks", "postmortems", "postmortems/2026", "catalog"])
def test_nothing_is_written_through_a_folder_that_is_a_link(repo: Path, tmp_path: Path, folder: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    victim = outside / "victim.md"
    victim.write_text(runbook(5).replace("title", " title"))
    wiki = tmp_path / "wiki"
    write(
        wiki,
        {
            "restart.md": "# Restart\n\nText.\n",
            "2026-01-02-outage.md": "# Outage\n\n## Timeline\n\n- x\n",
            "a.yaml": "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: a}\n",
        },
    )
    shutil.rmtree(repo / folder, ignore_errors=True)
    (repo / folder).symlink_to(outside)
    before = victim.read_text()
    assert "victim" not in inside(repo, "check").stdout
    inside(repo, "fmt")
    inside(repo, "new", folder.split("/", maxsplit=1)[0].rstrip("s"), "--title", "Another")
    done = inside(repo, "import", wiki)
    assert "symbolic link" in done.stderr
    assert [path.name for path in outside.iterdir()] == ["victim.md"]
    assert victim.read_text() == before


def test_submodules_and_other_folders_are_not_entered(repo: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    write(inner, {"patterns/x.md": runbook(77)})
    GitRepository.init(inner)
    git(inner, "add", "--all")
    git(inner, "commit", "--quiet", "--message", "inner")
    head = subprocess.run(
        ["git", "-C", str(inner), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    write(
        repo,
        {
            ".gitmodules": f'[submodule "x"]\n\tpath = runbooks/x\n\turl = {inner}\n\tupdate = !touch {tmp_path}/ran\n'
        },
    )
    git(repo, "add", "--all")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{head},runbooks/x")
    git(repo, "commit", "--quiet", "--message", "submodule")
    assert inside(repo, "check").returncode == 0
    assert json.loads(inside(repo, "search", "title", "--format", "json").stdout)["results"] == []
    assert not (tmp_path / "ran").exists()


def evil(world: World, marker: Path, target: Path) -> list[str]:
    """Fill a repository with everything by which Git runs programs; the words that each would leave behind."""
    folder = Path(
        str(
            subprocess.run(
                ["git", "-C", str(target), "rev-parse", "--absolute-git-dir"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
        )
    )
    (folder / "hooks").mkdir(exist_ok=True)
    for name in (
        "pre-commit",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-push",
        "post-merge",
        "fsmonitor-watchman",
        "post-rewrite",
        "sendemail-validate",
    ):
        (folder / "hooks" / name).write_text(f"#!/bin/sh\necho hook-{name} >> {marker}\n")
        (folder / "hooks" / name).chmod(0o755)

    def leave(word: str) -> str:
        script = marker.parent / f"{word}.sh"
        script.write_text(f"#!/bin/sh\necho {word} >> {marker}\nexit 1\n")
        script.chmod(0o755)
        return str(script)

    extra = folder / "extra"
    git(target, "config", "--file", str(extra), "core.gitProxy", leave("proxy"))
    for pattern in ("gitdir:**", f"gitdir:{folder}"):
        git(target, "config", f"includeIf.{pattern}.path", str(extra))
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "core.askPass",
        "gpg.program",
        "gpg.ssh.program",
        "credential.helper",
        "core.editor",
        "core.pager",
        "diff.external",
    ):
        git(target, "config", key, leave(key.replace(".", "-")))
    for key in ("clean", "smudge", "process"):
        git(target, "config", f"filter.evil.{key}", leave(f"filter-{key}"))
    git(target, "config", "filter.evil.required", "true")
    git(target, "config", "merge.evil.driver", leave("merge"))
    git(target, "config", "diff.evil.textconv", leave("textconv"))
    git(target, "config", "diff.evil.command", leave("diff"))
    git(target, "config", "log.showSignature", "true")
    git(target, "config", "push.gpgSign", "true")
    for other in ("pay.git", "shop.git", "me"):
        where = f"file://{world.root / other}"
        git(target, "config", f"remote.{where}.url", where)
        git(target, "config", f"remote.{where}.uploadpack", leave(f"uploadpack-{other}"))
        git(target, "config", f"remote.{where}.receivepack", leave(f"receivepack-{other}"))
    (folder / "info").mkdir(exist_ok=True)
    (folder / "info" / "attributes").write_text("* filter=evil merge=evil diff=evil\n")
    (folder / "objects" / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_text(f"{world.root / 'pay.git' / 'objects'}\n")
    return [path.stem for path in marker.parent.glob("*.sh")]


def test_no_hook_filter_or_program_that_a_repository_names_is_ever_run(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(template, tmp_path / "world")
    world = World(tmp_path / "world")
    world.write(entry())
    me, marker = world.root / "me", tmp_path / "marks" / "ran"
    marker.parent.mkdir()
    (me / ".gitattributes").write_text("*.md filter=evil merge=evil diff=evil\n")
    git(me, "add", "--all")
    git(
        me,
        "-c",
        "user.name=A",
        "-c",
        "user.email=ann@example.com",
        "commit",
        "--quiet",
        "--message",
        "attributes",
    )
    assert len(evil(world, marker, me)) > 15
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ann")
    wiki = tmp_path / "wiki"
    write(wiki, {"a.md": "# A\n\nText.\n"})
    found = inside(me, "check", "--format", "json")
    ignored = {
        one["message"].split()[0]
        for one in json.loads(found.stdout)["problems"]
        if one["rule"] == "git-config"
    }
    assert {"core.sshcommand", "filter.evil.smudge", "merge.evil.driver"} <= ignored
    inside(me, "fmt")
    assert inside(me, "import", wiki).returncode == 0
    assert inside(me, "search", "pool").returncode == 0
    assert inside(me, "show", PAT).returncode == 0
    assert inside(me, "sync").returncode == 0
    sent = json.loads(inside(me, "contribute", PAT, "--format", "json").stdout)
    assert sent["state"] == "open"
    assert "left out: .git" not in inside(me, "site", "build", "--output", tmp_path / "site").stderr
    assert not marker.exists(), marker.read_text()


def test_a_clone_of_an_evil_remote_and_an_evil_review_run_nothing(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(template, tmp_path / "world")
    world = World(tmp_path / "world")
    world.write(entry())
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ann")
    proposal = json.loads(inside(world.root / "me", "contribute", PAT, "--format", "json").stdout)["proposal"]
    marker = tmp_path / "marks" / "ran"
    marker.parent.mkdir()
    world.check_out("pay.git")
    evil(world, marker, world.root / "pay.git")
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ben")
    key = tmp_path / "ben.key"
    key.write_bytes(federation_world.KEYS["ben"].openssh())
    assert inside(world.root / "pay.git", "review", "show", proposal).returncode == 0
    assert inside(world.root / "pay.git", "review", "approve", proposal, "--key", key).returncode == 0
    assert inside(world.root / "pay.git", "review", "land", proposal).returncode == 0
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ann")
    assert inside(world.root / "me", "sync").returncode == 0
    assert not marker.exists(), marker.read_text()


def test_a_contribution_from_a_clone_with_evil_settings_runs_nothing(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(template, tmp_path / "world")
    world = World(tmp_path / "world")
    marker = tmp_path / "marks" / "ran"
    marker.parent.mkdir()
    clone = world.clone("pay.git", "clone", "ann")
    git(clone, "remote", "set-url", "origin", f"file://{world.root / 'pay.git'}")
    write(clone, {"patterns/pool.md": entry()})
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, federation_world.mail("ann"))
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Add pool")
    evil(world, marker, clone)
    monkeypatch.setenv("COMPASS_PRINCIPAL", "ann")
    done = inside(clone, "contribute", PAT, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "open"
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize(
    "parent", ["ext::sh -c 'touch ran'", "--upload-pack=touch", "fd::3", "-x", "file:///dev/zero"]
)
def test_parents_that_would_run_something_are_refused(repo: Path, tmp_path: Path, parent: str) -> None:
    config = repo / "compass.yaml"
    config.write_text(config.read_text() + f"\nparents: [{json.dumps(parent)}]\n")
    git(repo, "commit", "--all", "--quiet", "--message", "parents")
    assert inside(repo, "check").returncode == 0
    done = inside(repo, "sync")
    assert done.returncode != 0
    assert done.stdout + done.stderr
    assert not list(tmp_path.rglob("ran"))
