"""The workflow for an object store, its steps run by bash with rclone against a server that speaks S3."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError

import pytest
from conftest import commit_all
from fronted import PART
from published import LOCK, POOL, pattern, team, write

from compass.adapters.documents import parse_yaml
from compass.model.scope import Level
from compass.publish.recipe import recipe

pytestmark = pytest.mark.services
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE00/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
BIN = Path(sys.executable).parent


def opened(request: str | urllib.request.Request) -> HTTPResponse:
    """The answer of the store; HTTPError when it refuses."""
    found: HTTPResponse = urllib.request.urlopen(request, timeout=5)  # noqa: S310  # loopback
    return found


class Store:
    """A real S3 API on loopback, its log, and the workflow's steps run against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", self.address.rpartition(":")[2]],
                stdout=log,
                stderr=log,
            )
        # A bundle of certificates of the machine's is not for a server on loopback.
        inherited = {key: one for key, one in os.environ.items() if not key.startswith("AWS_")}
        self.environment = inherited | {
            "PATH": f"{folder / 'tools'}:{BIN}:{os.environ['PATH']}",
            "RCLONE_CONFIG": str(folder / "none.conf"),
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Other",
            "RCLONE_CONFIG_STORE_ENV_AUTH": "true",
            "RCLONE_CONFIG_STORE_ENDPOINT": self.address,
            "RCLONE_CONFIG_STORE_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": self.address,
        }
        (folder / "tools").mkdir()
        (folder / "tools" / "pipx").write_text("#!/bin/sh\nexit 0\n")
        (folder / "tools" / "pipx").chmod(0o755)
        self._wait()

    def _wait(self) -> None:
        for _ in range(150):
            try:
                opened(f"{self.address}/moto-api/").close()
            except (URLError, OSError):
                time.sleep(0.2)
            else:
                return
        raise AssertionError(self.log.read_text())

    def rclone(self, *arguments: str) -> str:
        done = subprocess.run(
            ["rclone", *arguments], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def publish(self, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Every step but the one that installs rclone; the answer of the one that ended it."""
        temp = self.folder / f"temp-{len(list(self.folder.glob('temp-*')))}"
        (temp / "checkout").mkdir(parents=True)
        (self.folder / "server").mkdir(exist_ok=True)
        link = self.folder / "server" / "team"
        link.unlink(missing_ok=True)
        link.symlink_to(root)
        head = subprocess.run(
            ["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        environment = self.environment | {
            "RUNNER_TEMP": str(temp),
            "GITHUB_SERVER_URL": (self.folder / "server").as_uri(),
            "GITHUB_REPOSITORY": "team",
            "GITHUB_SHA": head.stdout.strip(),
            "COMPASS_PACKAGE": "compass",
            "AUDIENCE": "team",
            "PUBLIC": "no",
            "TOKEN": "none",
            "STORE": "memory/payments",
            "ADDRESS": "",
            "RCLONE_CONFIG_STORE_NO_CHECK_BUCKET": "true",
            "RCLONE_CONFIG_STORE_ACL": "bucket-owner-full-control",
            **variables,
        }
        done = subprocess.CompletedProcess[str]([], 0, "", "")
        for step in parse_yaml(recipe("object-store", Level.TEAM))["jobs"]["publish"]["steps"]:
            if step["name"] == "Install rclone":
                continue
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(
                command,
                cwd=temp / "checkout",
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                break
        return done

    def files(self) -> set[str]:
        return set(self.rclone("lsf", "--recursive", "--files-only", "store:memory/payments").split())

    def requests(self) -> list[tuple[str, str]]:
        """(method, file) of every change since the log was last read, in order."""
        text = self.log.read_text()
        self.log.write_text("")
        found = re.findall(r'"(PUT|DELETE) /memory/payments/([^ ?"]+)', text)
        return [(method, name) for method, name in found if "compass-probe" not in name]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    assert shutil.which("rclone"), "rclone is one of .ci/run's packages"
    place = Store(tmp_path_factory.mktemp("store"))
    try:
        place.rclone("mkdir", "store:memory")
        yield place
    finally:
        place.server.terminate()
        place.server.wait()


def cached(key: str, store: Store) -> str:
    """What the store says of keeping a file, to whoever has a signed address."""
    signed = store.rclone("link", f"store:memory/payments/{key}").strip()
    with opened(signed) as answer:
        return str(answer.headers["Cache-Control"])


def test_new_files_come_first_the_way_to_them_next_and_stale_ones_go_last(
    store: Store, tmp_path: Path
) -> None:
    root = team(tmp_path)
    done = store.publish(root)
    assert done.returncode == 0, done.stdout + done.stderr
    first = store.files()
    assert {
        "index.html",
        f"patterns/{POOL}.html",
        f"patterns/{LOCK}.md",
        "pagefind/pagefind-entry.json",
    } <= first
    assert not [path for path in first if path.startswith(".") or "probe" in path]
    order = [name for method, name in store.requests() if method == "PUT"]
    last_part = max(order.index(name) for name in order if PART.search(name))
    first_page = min(order.index(name) for name in order if name.endswith(".html"))
    entry = min(order.index(name) for name in ("index.html", "heads.json"))
    pages = [
        name for name in order if name.endswith(".html") and name != "index.html" and "feeds" not in name
    ]
    assert last_part < first_page
    assert max(order.index(name) for name in pages) < entry

    (root / "patterns/lock.md").unlink()
    write(root, "patterns/pool.md", pattern(title="A NEWTITLE"))
    commit_all(root)
    done = store.publish(root)
    assert done.returncode == 0, done.stdout + done.stderr
    changes = store.requests()
    sent = [name for method, name in changes if method == "PUT"]
    assert f"patterns/{POOL}.html" in sent
    assert "assets/compass.css" not in sent, "what is the same is not sent again"
    gone = first - store.files()
    assert f"patterns/{LOCK}.html" in gone
    assert [name for name in gone if PART.search(name)], "old fragments of the search go too"
    methods = [method for method, _ in changes]
    assert methods.index("DELETE") > max(i for i, method in enumerate(methods) if method == "PUT")


def test_nothing_may_be_kept_by_a_shared_cache(store: Store, tmp_path: Path) -> None:
    root = team(tmp_path)
    assert store.publish(root).returncode == 0
    kinds = {PurePosixPath(key).suffix: key for key in sorted(store.files())}
    assert {".html", ".md", ".json", ".xml", ".js"} <= kinds.keys()
    assert [key for key in kinds.values() if PART.search(key)]
    for key in kinds.values():
        part = PART.search(key)
        assert cached(key, store) == (
            "private, max-age=31536000, immutable" if part else "private, no-cache"
        ), key


def test_a_store_that_anybody_may_read_gets_nothing(store: Store, tmp_path: Path) -> None:
    """Its bucket policy lets everybody read; the file that says nothing shows it."""
    root = team(tmp_path)
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"s3:GetObject","Resource":"arn:aws:s3:::open/*"}]}'
    )
    store.rclone("mkdir", "store:open")
    request = urllib.request.Request(  # noqa: S310  # loopback
        f"{store.address}/open?policy", policy.encode(), method="PUT"
    )
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", SIGNED)
    opened(request).close()
    done = store.publish(root, STORE="open/payments")
    assert done.returncode == 1
    assert "Anybody can read" in done.stdout, done.stderr
    assert store.rclone("lsf", "--recursive", "store:open") == ""
    done = store.publish(root, STORE="open/payments", PUBLIC="yes")
    assert done.returncode == 0, done.stdout + done.stderr
    with opened(f"{store.address}/open/payments/index.html") as answer:
        assert answer.headers["Cache-Control"] == "public, no-cache"
    with pytest.raises(HTTPError, match="403"):
        opened(f"{store.address}/memory/payments/index.html")


def test_wider_readers_need_a_new_workflow(store: Store, tmp_path: Path) -> None:
    root = team(tmp_path)
    (root / "compass.yaml").write_text("schema: 1\nlevel: tribe\nid: tribe/payments\n", "utf-8")
    commit_all(root)
    done = store.publish(root, STORE="memory/refused")
    assert done.returncode != 0
    assert store.rclone("lsf", "--recursive", "store:memory/").find("refused") < 0
