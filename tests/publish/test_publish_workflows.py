"""The workflows that publish a site: their steps are run by bash, over real repositories in the place of the forge's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT, commit_all
from published import LOCK, POOL, pattern, team, tribe, write

from compass import __version__
from compass.adapters.documents import parse_yaml
from compass.adapters.git import GitRepository
from compass.cli import cli
from compass.errors import UsageError
from compass.model.scope import Level
from compass.publish.build import MARKER
from compass.publish.recipe import RECIPES, recipe

BIN = Path(sys.executable).parent
BRANCH = "refs/heads/compass-site"
Answers = dict[str, tuple[int, dict[str, str], dict[str, Any]]]


def jobs(name: str) -> dict[str, Any]:
    return {
        key: job for key, job in parse_yaml(recipe(name, Level.TEAM))["jobs"].items() if isinstance(job, dict)
    }


def test_a_workflow_names_the_release_and_the_readers() -> None:
    for name in RECIPES:
        for level, readers in ((Level.TEAM, "team"), (Level.HUB_FOR, "tribe"), (Level.ORG, "hub")):
            text = recipe(name, level)
            assert f"compass-memory=={__version__}" in text
            assert f'AUDIENCE: "{readers}"' in text
            assert not re.search("@[A-Z]+@", text)
        with pytest.raises(UsageError, match="no readers but its owner"):
            recipe(name, Level.PERSONAL)


def test_the_command_prints_it(tmp_path: Path) -> None:
    root = team(tmp_path)
    result = CliRunner().invoke(cli, ["-C", str(root), "site", "workflow", "github-pages"])
    assert result.exit_code == 0
    assert result.output == recipe("github-pages", Level.TEAM)


@pytest.mark.parametrize("name", ["github-pages", "object-store"])
def test_no_action_of_others_is_used_and_no_expression_reaches_a_shell(name: str) -> None:
    found = parse_yaml(recipe(name, Level.TEAM))
    assert found["permissions"] == {}
    assert "pull_request_target" not in found["on"]
    for job in found["jobs"].values():
        for step in job["steps"]:
            assert "uses" not in step
            assert "${{" not in step["run"], step["name"]


def test_a_fork_gets_a_token_that_may_only_read_and_no_secret() -> None:
    found = jobs("github-pages")
    assert found["fork"]["permissions"] == {"contents": "read"}
    assert "head.repo.full_name != github.repository" in found["fork"]["if"]
    assert "head.repo.full_name == github.repository" in found["publish"]["if"]
    assert "secrets." not in recipe("github-pages", Level.TEAM)
    assert "pull_request" not in parse_yaml(recipe("object-store", Level.TEAM))["on"]


@pytest.mark.services
@pytest.mark.parametrize("name", RECIPES)
def test_each_is_valid_by_its_forges_own_schema(name: str, tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(recipe(name, Level.TEAM), encoding="utf-8")
    schema: tuple[str, ...] = ("vendor.github-workflows",)
    if name == "gitlab-pages":
        schema = ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.services
@pytest.mark.parametrize("name", ["github-pages", "object-store"])
def test_an_auditor_of_workflows_finds_nothing(name: str, tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "site.yml"
    file.parent.mkdir(parents=True)
    file.write_text(recipe(name, Level.TEAM), encoding="utf-8")
    command = [str(BIN / "zizmor"), "--offline", "--persona", "pedantic", "--format", "json", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == []


@pytest.mark.services
@pytest.mark.parametrize("name", RECIPES)
def test_a_linter_of_shells_finds_nothing(name: str) -> None:
    found = parse_yaml(recipe(name, Level.TEAM))
    scripts = [step["run"] for job in found.get("jobs", {}).values() for step in job["steps"]]
    scripts += [
        "\n".join(job["script"]) for job in found.values() if isinstance(job, dict) and "script" in job
    ]
    assert scripts
    for text in scripts:
        command = ["shellcheck", "--shell", "bash", "-"]
        # Both forges' runners stop at the first failure.
        script = f"set -eo pipefail\n{text}"
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@contextmanager
def web(answers: Answers) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers (404 to all else), and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = f"{self.command} {self.path}"
            asked.append(place)
            status, headers, body = answers.get(place, (404, {}, {}))
            data = json.dumps(body).encode()
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REPOSITORY = "GET /repos/acme/payments"
PAGES = "GET /repos/acme/payments/pages"
BUILDS = "POST /repos/acme/payments/pages/builds"


def github(*, private: bool = True, public: bool | None = False) -> Answers:
    """What GitHub says of a repository and of its Pages; None: they are off."""
    found: Answers = {REPOSITORY: (200, {}, {"private": private}), BUILDS: (201, {}, {})}
    if public is not None:
        found[PAGES] = (200, {}, {"public": public, "html_url": "https://acme.example/payments/"})
    return found


class Forge:
    """A team's repository on a server, and its workflow, run step by step as GitHub's runner would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "server").mkdir()
        self.work = folder / "checkout"
        self.root = team(folder, parents="parents: [../product]\n")
        self.git = GitRepository.open(self.root)
        (folder / "server" / "acme").symlink_to(folder)
        tools = folder / "tools"
        tools.mkdir()
        # The release is the one under test; the rest of the step is run as it stands.
        (tools / "pipx").write_text("#!/bin/sh\nexit 0\n")
        (tools / "pipx").chmod(0o755)
        self.left_out = "never"
        self.path = f"{tools}:{BIN}:{os.environ['PATH']}"

    def run(
        self,
        job: str,
        answers: Answers,
        *,
        sha: str | None = None,
        event: Mapping[str, str] | None = None,
    ) -> tuple[str, list[str]]:
        """(the step that failed, or nothing; what the API was asked)."""
        event = dict(event or {})
        temp = self.folder / f"temp-{len(list(self.folder.glob('temp-*')))}"
        work = temp / "checkout"
        work.mkdir(parents=True)
        (temp / "env").write_text("")
        steps = jobs("github-pages")[job]["steps"]
        with web(answers) as (address, asked):
            for step in steps:
                environment = os.environ | {
                    "PATH": self.path,
                    "RUNNER_TEMP": str(temp),
                    "GITHUB_ENV": str(temp / "env"),
                    "GITHUB_STEP_SUMMARY": str(temp / "summary"),
                    "GITHUB_API_URL": address,
                    "GITHUB_SERVER_URL": (self.folder / "server").as_uri(),
                    "GITHUB_REPOSITORY": "acme/payments",
                    "GITHUB_SHA": sha or self.git.resolve("refs/heads/main") or "",
                    "COMPASS_PACKAGE": "compass",
                    "AUDIENCE": "team",
                    "BRANCH": "compass-site",
                    "TOKEN": "none",
                    "BASE": event.get("base", ""),
                    "NUMBER": event.get("number", ""),
                    "ACTION": event.get("action", ""),
                }
                environment |= dict(line.split("=", 1) for line in (temp / "env").read_text().splitlines())
                condition = step.get("if", "")
                if (condition == "env.PAGES" and "PAGES" not in environment) or (
                    "!= 'closed'" in condition and event.get("action") == "closed"
                ):
                    continue
                command = [
                    "bash",
                    "--noprofile",
                    "--norc",
                    "-eo",
                    "pipefail",
                    "-c",
                    step["run"].replace(self.left_out, ":"),
                ]
                done = subprocess.run(
                    command, cwd=work, env=environment, capture_output=True, text=True, check=False
                )
                self.said = done.stdout + done.stderr
                if done.returncode:
                    return step["name"], asked
        return "", asked

    def published(self) -> dict[str, str]:
        """Path -> text of everything on the branch."""
        head = self.git.resolve(BRANCH)
        files = self.git.tree(head) if head else []
        return {one.path: self.git.read(one.oid).decode("utf-8", "replace") for one in files}

    def propose(self, path: str, text: str) -> str:
        """A commit that changes one file of main, as GitHub would merge it."""
        base = self.git.resolve("refs/heads/main") or ""
        tree = self.git.write_tree(base, {path: text.encode()})
        commit = self.git.commit(tree, [base], "a proposal", self.git.info(base).author)
        self.git.git("update-ref", "refs/heads/proposal", commit)
        return commit


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


def event(forge: Forge, action: str = "opened", number: str = "7") -> dict[str, str]:
    return {"action": action, "number": number, "base": forge.git.resolve("refs/heads/main") or ""}


@pytest.mark.slow
def test_main_is_published_as_one_commit_without_a_past_and_previews_come_and_go(forge: Forge) -> None:
    failed, asked = forge.run("publish", github())
    assert failed == "", forge.said
    assert asked[-1] == BUILDS
    site = forge.published()
    assert {"index.html", ".nojekyll", f"patterns/{POOL}.html", "sitemap.xml"} <= site.keys()
    assert "https://acme.example/payments/index.html" in site["sitemap.xml"]

    write(forge.root, "patterns/lock.md", pattern(LOCK, "PROPOSEDTITLE", status="draft", mitigations=[]))
    text = (forge.root / "patterns/lock.md").read_text("utf-8")
    proposed = forge.propose("patterns/lock.md", text)
    assert forge.run("publish", github(), sha=proposed, event=event(forge))[0] == "", forge.said
    both = forge.published()
    assert {path: both[path] for path in site} == site, "a preview changes nothing of the site"
    assert "PROPOSEDTITLE" in both[f"preview/7/patterns/{LOCK}.html"]

    (forge.root / "patterns/lock.md").unlink()
    commit_all(forge.root)
    assert forge.run("publish", github())[0] == ""
    later = forge.published()
    assert f"patterns/{LOCK}.html" not in later
    assert f"preview/7/patterns/{LOCK}.html" in later
    head = forge.git.resolve(BRANCH) or ""
    assert forge.git.info(head).parents == ()

    assert forge.run("publish", github(), event=event(forge, "closed"))[0] == ""
    assert not [path for path in forge.published() if path.startswith("preview/")]
    after = forge.git.resolve(BRANCH)
    assert forge.run("publish", github(), event=event(forge, "closed"))[0] == ""
    assert forge.git.resolve(BRANCH) == after, "what changes nothing makes no commit"


@pytest.mark.parametrize(
    "answers",
    [
        github(public=True),
        {REPOSITORY: (200, {}, {"private": True}), PAGES: (500, {}, {})},
        {REPOSITORY: (403, {}, {}), PAGES: (200, {}, {"public": False})},
    ],
)
def test_nothing_is_published_where_more_people_would_read_it(forge: Forge, answers: Answers) -> None:
    failed, asked = forge.run("publish", answers)
    assert failed == "See who could read it"
    assert forge.git.resolve(BRANCH) is None
    assert BUILDS not in asked


def test_while_pages_is_off_the_site_waits_on_its_branch(forge: Forge) -> None:
    failed, asked = forge.run("publish", github(public=None))
    assert failed == "", forge.said
    assert "index.html" in forge.published()
    assert BUILDS not in asked


def test_a_public_repository_may_have_public_pages(forge: Forge) -> None:
    assert forge.run("publish", github(private=False, public=True))[0] == ""


def test_wider_readers_need_a_new_workflow(forge: Forge) -> None:
    config = forge.root / "compass.yaml"
    config.write_text("schema: 1\nlevel: tribe\nid: tribe/payments\n", "utf-8")
    commit_all(forge.root)
    assert forge.run("publish", github())[0] == "Build"
    assert "would hide nothing" in forge.said
    assert forge.git.resolve(BRANCH) is None


@pytest.mark.parametrize("guarded", [True, False])
def test_a_proposal_does_not_say_whose_entries_its_preview_shows(forge: Forge, *, guarded: bool) -> None:
    """It mounts a repository of its own choice; without the step that puts the base's compass.yaml back, that is shown."""
    other = tribe(forge.folder / "elsewhere", summary="CANARY of another tribe")
    text = f"schema: 1\nlevel: team\nid: team/payments\nparents: ['{other.as_uri()}']\n"
    proposed = forge.propose("compass.yaml", text)
    if not guarded:
        forge.left_out = 'git checkout --quiet "$BASE" -- compass.yaml'
    assert forge.run("publish", github(), sha=proposed, event=event(forge))[0] == "", forge.said
    found = forge.published()
    assert "preview/7/index.html" in found
    assert any("CANARY" in words for words in found.values()) is not guarded


def test_a_proposal_does_not_say_who_reads_its_preview(forge: Forge) -> None:
    proposed = forge.propose("compass.yaml", "schema: 1\nlevel: tribe\nid: tribe/product\n")
    assert forge.run("publish", github(), sha=proposed, event=event(forge))[0] == "", forge.said
    assert json.loads(forge.published()[f"preview/7/{MARKER}"])["audience"] == "team"


def test_a_forks_proposal_is_built_and_goes_nowhere(forge: Forge) -> None:
    proposed = forge.propose("runbooks/new.md", "no entry")
    assert forge.run("fork", {}, sha=proposed, event=event(forge))[0] == "", forge.said
    assert forge.git.resolve(BRANCH) is None


def test_two_that_publish_at_once_lose_nothing(forge: Forge) -> None:
    """Somebody else's preview lands between reading the branch and writing it."""
    git = forge.folder / "tools" / "git"
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    theirs = forge.git.commit(
        forge.git.write_tree(None, {"preview/9/index.html": b"theirs"}),
        [],
        "theirs",
        forge.git.info("HEAD").author,
    )
    flag = forge.folder / "raced"
    git.write_text(
        f'#!/bin/sh\nif [ "$1" = push ] && [ ! -e {flag} ]; then touch {flag}; '
        f'GIT_DIR={forge.root}/.git {real} update-ref {BRANCH} {theirs}; fi\nexec {real} "$@"\n'
    )
    git.chmod(0o755)
    assert forge.run("publish", github())[0] == "", forge.said
    assert flag.exists()
    assert {"index.html", "preview/9/index.html"} <= forge.published().keys()


def gitlab(job: str, root: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The script of a job, run in a checkout; installing the release is left out."""
    lines = parse_yaml(recipe("gitlab-pages", Level.TEAM))[job]["script"]
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COMPASS_AUDIENCE": "team",
        **variables,
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


SIGN_IN = "https://projects.gitlab.example/auth?domain=https://acme.gitlab.example&state=x"


@pytest.mark.parametrize(
    ("status", "place", "allowed"),
    [
        (302, SIGN_IN, True),
        (401, "", True),
        (200, "", False),
        (404, "", False),
        (302, "https://acme.gitlab.example/heads.json", False),
    ],
)
def test_gitlab_pages_are_filled_only_behind_a_sign_in(
    tmp_path: Path, status: int, place: str, *, allowed: bool
) -> None:
    root = team(tmp_path)
    headers = {"Location": place} if place else {}
    with web({"GET /payments/heads.json": (status, headers, {})}) as (address, _):
        variables = {"CI_PROJECT_VISIBILITY": "private", "CI_PAGES_URL": f"{address}/payments"}
        done = gitlab("pages", root, variables)
    assert (done.returncode == 0) is allowed, done.stdout + done.stderr
    assert (root / "public" / "index.html").is_file() is allowed
    assert allowed or "Nothing was published" in done.stdout


def test_gitlabs_preview_is_built_for_the_readers_of_the_base(tmp_path: Path) -> None:
    root = team(tmp_path)
    base = GitRepository.open(root).resolve("HEAD") or ""
    other = tribe(tmp_path / "elsewhere", summary="CANARY of another tribe")
    text = f"schema: 1\nlevel: tribe\nid: tribe/product\nparents: ['{other.as_uri()}']\n"
    (root / "compass.yaml").write_text(text, "utf-8")
    commit_all(root)
    variables = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_PROJECT_ROOT_NAMESPACE": "acme",
        "CI_PROJECT_PATH": "acme/memory/payments",
        "CI_PAGES_DOMAIN": "gitlab.example",
        "CI_JOB_ID": "42",
    }
    done = gitlab("preview", root, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    words = [path for path in (root / "preview").rglob("*.*") if b"CANARY" in path.read_bytes()]
    assert words == []
    assert (root / "preview.env").read_text().strip() == (
        "PREVIEW=https://acme.gitlab.example/-/memory/payments/-/jobs/42/artifacts/preview/index.html"
    )


def test_the_recipes_are_part_of_the_package() -> None:
    assert {path.stem for path in (ROOT / "compass" / "publish" / "recipes").iterdir()} == set(RECIPES)
