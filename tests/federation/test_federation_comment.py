"""The comment under a proposal: everything a reviewer needs, and nothing of an entry that does more than stand there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from conftest import commit_all, organization
from markdown_it import MarkdownIt

from compass.adapters.documents import dump_entry
from compass.federation.comment import ENTRIES, MARK, MOST, Reviewed, code, comment
from compass.library import LoadedEntry, load
from compass.rules.base import Context
from compass.rules.duplicates import LookAlike, look_alikes
from compass.workflows.check import examine
from compass.workflows.review_comment import review_comment

PATTERN = "patterns/connection-pool-exhaustion-after-a-rollout.md"
TODAY = date(2026, 6, 1)
HOSTILE = "@acme/everybody <img src=https://example.com/x.png> [a](javascript:alert(1)) ![b](https://example.com/b.png) `` ` `` | x"


def runbook(title: str, body: str, number: int = 0) -> str:
    data = {
        "schema": 1,
        "kind": "runbook",
        "id": f"run-{number:010d}",
        "title": title,
        "status": "draft",
        "created": "2026-01-01",
        "summary": title,
    }
    return dump_entry(data, body, "yaml-language-server: $schema=../.compass/schema/runbook.json")


def loaded(folder: Path, *texts: str) -> list[Reviewed]:
    (folder / "runbooks").mkdir()
    (folder / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n")
    for number, text in enumerate(texts):
        (folder / "runbooks" / f"{number}.md").write_text(text, "utf-8")
    return [Reviewed(one) for one in load(folder, revision=None).entries]


def test_nothing_of_a_hostile_entry_is_read_as_markdown(tmp_path: Path) -> None:
    body = f"{HOSTILE}\n\n````\n{HOSTILE}\n`````\n</details><script>alert(1)</script>\n"
    text = comment(loaded(tmp_path, runbook(HOSTILE[:90], body)))
    assert text.startswith(f"{MARK}\n")
    tokens = MarkdownIt("commonmark").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not [one for one in inline if one.type in {"link_open", "image", "html_inline"}]
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks == [MARK, "<details><summary>The file of run-0000000000</summary>", "</details>"]
    plain = "".join(one.content for one in inline if one.type == "text")
    assert "@" not in plain
    assert "javascript" not in plain
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert body.strip() in fence.content


@pytest.mark.parametrize("text", ["", "`", "``a``", "a|b", "a\nb\u202e\x00", "x" * 2000])
def test_any_text_is_one_span_of_code(text: str) -> None:
    (paragraph,) = [token for token in MarkdownIt("commonmark").parse(code(text)) if token.type == "inline"]
    found = paragraph.children or []
    assert [one.type for one in found] == (["code_inline"] if text else ["text"])
    assert len(found[0].content) <= 500


def test_a_comment_fits_and_says_what_was_cut(tmp_path: Path) -> None:
    text = comment(loaded(tmp_path, *(runbook(f"Number {n}", "word " * 20_000, n) for n in range(3))))
    assert len(text) <= MOST
    assert text.count("of 100,") == 3
    (tmp_path / "many").mkdir()
    many = comment(loaded(tmp_path / "many", *(runbook(f"Number {n}", "word\n", n) for n in range(30))))
    assert "10 further entries are not shown." in many


def test_a_pattern_that_was_broken_is_told_with_its_replay_and_its_look_alike(tmp_path: Path) -> None:
    root = organization(tmp_path) / "teams" / "payments"
    text = (root / PATTERN).read_text("utf-8")
    broken = text.replace("condition: slow and roll and (pool or waiting)", "condition: slow or not slow")
    assert broken != text
    copy = text.replace("id: pat-3qbhrnha5p", "id: pat-0000000001", 1).replace(
        "title: ", "title: Another ", 1
    )
    (root / PATTERN).write_text(broken, "utf-8")
    (root / "patterns" / "another.md").write_text(copy, "utf-8")
    found = review_comment(examine(root, today=TODAY, since="HEAD"))
    assert "## 2 entries: " in found
    assert "matches wrongly" in found
    assert "newly matching" in found
    assert "`pat-3qbhrnha5p` at `patterns/connection-pool-exhaustion-after-a-rollout.md`" in found
    commit_all(root)
    assert "## 0 entries: no problems" in review_comment(examine(root, today=TODAY, since="HEAD"))


def test_only_the_entries_that_are_shown_are_looked_at_closely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(tmp_path, *(runbook(f"Number {n}", "word\n", n) for n in range(ENTRIES + 5)))
    looked: list[str] = []

    def counted(one: LoadedEntry, context: Context) -> tuple[LookAlike, ...]:
        looked.append(one.id)
        return look_alikes(one, context)

    monkeypatch.setattr("compass.workflows.review_comment.look_alikes", counted)
    text = review_comment(examine(tmp_path, today=TODAY))
    assert len(looked) == ENTRIES
    assert "5 further entries are not shown" in text
