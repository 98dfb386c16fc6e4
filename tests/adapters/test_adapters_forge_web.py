"""Addresses in a forge follow from the remote's URL; where it says too little there is none, and never a password."""

from __future__ import annotations

import pytest

from compass.adapters.forge.web import Web, web_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("remote", "forge", "url"),
    [
        ("https://github.com/acme/memory.git", "github", "https://github.com/acme/memory"),
        ("git@github.com:acme/memory.git", "github", "https://github.com/acme/memory"),
        ("ssh://git@gitlab.com/acme/shop/memory", "gitlab", "https://gitlab.com/acme/shop/memory"),
        ("ssh://git@gitlab.example.com:2222/a/b.git", "gitlab", "https://gitlab.example.com/a/b"),
        ("http://gitea.example.com:3000/a/b.git", "forgejo", "http://gitea.example.com:3000/a/b"),
        ("https://codeberg.org/a/b/", "forgejo", "https://codeberg.org/a/b"),
        ("https://me:secret@github.com/acme/memory.git", "github", "https://github.com/acme/memory"),
    ],
)
def test_a_remote_tells_its_forge(remote: str, forge: str, url: str) -> None:
    assert web_of(remote, "trunk") == Web(forge, url, "trunk")


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/memory.git",
        "file:///srv/git/memory.git",
        "https://git.example.com/acme/memory.git",
        "https://github.com/memory",
        "https://github.com/a/../b",
        "https://github.com/a/b?x=<script>",
        "javascript://github.com/a/b",
        "git@github.com:a/b c",
    ],
)
def test_a_remote_that_tells_nothing_gives_no_address(remote: str) -> None:
    found = web_of(remote)
    assert found is None or found.url == "https://github.com/a/b"


@pytest.mark.parametrize(
    ("forge", "line", "lines", "editor", "history", "commit"),
    [
        (
            "github",
            "/blob/C/a%20b.md?plain=1#L3",
            "/blob/C/a%20b.md?plain=1#L3-L9",
            "/edit/main/a%20b.md",
            "/commits/main/a%20b.md",
            "/commit/C",
        ),
        (
            "gitlab",
            "/-/blob/C/a%20b.md?plain=1#L3",
            "/-/blob/C/a%20b.md?plain=1#L3-9",
            "/-/edit/main/a%20b.md",
            "/-/commits/main/a%20b.md",
            "/-/commit/C",
        ),
        (
            "forgejo",
            "/src/commit/C/a%20b.md?display=source#L3",
            "/src/commit/C/a%20b.md?display=source#L3-L9",
            "/_edit/main/a%20b.md",
            "/commits/branch/main/a%20b.md",
            "/commit/C",
        ),
    ],
)
def test_each_forge_has_its_own_forms(
    forge: str, line: str, lines: str, editor: str, history: str, commit: str
) -> None:
    web = Web(forge, "https://forge.example.com/a/b")
    asked = (
        web.line(COMMIT, "a b.md", 3, 3),
        web.line(COMMIT, "a b.md", 3, 9),
        web.editor("a b.md"),
        web.history("a b.md"),
        web.commit(COMMIT),
    )
    shown = (one.removeprefix(web.url).replace(COMMIT, "C") for one in asked)
    assert tuple(shown) == (line, lines, editor, history, commit)
