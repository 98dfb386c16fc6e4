"""Foreign folders become drafts: nothing is lost, nothing is duplicated, what people edited stays."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.adapters.documents import is_canonical, parse_yaml, split
from compass.errors import UsageError
from compass.library import LoadedEntry, load
from compass.model.base import Severity
from compass.model.entry import Runbook
from compass.model.scope import Level
from compass.workflows.check import check
from compass.workflows.frontmatter import draft_file
from compass.workflows.importing import ImportReport, import_folder
from compass.workflows.initialize import Plan, initialize
from compass.workflows.markdown import shorten

TODAY = date(2026, 6, 1)
RULES = """groups:
  - name: kubernetes
    rules:
      - alert: KubePodCrashLooping
        expr: max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1
        for: 15m
        labels: {severity: warning}
        annotations:
          summary: Pod is crash looping.
          description: "Pod {{ $labels.pod }} is in waiting state."
          runbook_url: https://example.com/runbooks/kubepodcrashlooping
      - record: job:up
        expr: sum by (job) (up)
      - alert: LogErrors
        expr: sum(rate({app="checkout"} |= "error" [5m])) > 10
      - alert: LogErrors
        expr: sum(rate({app="checkout"} |= "```fatal" [5m])) > 1
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    initialize(Plan(tmp_path / "payments", Level.TEAM), now=datetime(2026, 6, 1, tzinfo=UTC))
    return tmp_path / "payments"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def run(repo: Path, folder: Path, seed: int = 1) -> ImportReport:
    return import_folder(repo, folder, today=TODAY, random=Random(seed))


def entries(repo: Path) -> dict[str, LoadedEntry]:
    library = load(repo, revision=None)
    assert library.problems == ()
    return {one.entry.references[0].url: one for one in library.entries}


def alerts(loaded: LoadedEntry) -> list[str]:
    assert isinstance(loaded.entry, Runbook)
    return [alert.name for alert in loaded.entry.alerts]


def test_each_file_becomes_one_draft_that_checks_clean_and_keeps_the_whole_text(
    repo: Path, tmp_path: Path
) -> None:
    long = (
        "Connections of the checkout service to its database wait until they time out, and " * 2
        + "callers page"
    )
    folder = write(
        tmp_path / "wiki",
        {
            "b.md": "# The same title\n\nSecond.\n",
            "a.md": "# The same title #\n\nFirst, with a [[wiki link]] and `code`.\n",
            "deep/er/c.markdown": f"# {long}\n\nText.\n",
            "d.md": "---\ntitle: From *front* matter\nweight: 20\ndescription: What it is.\n---\n\n## Meaning\n\nText.\n",
            "KubePodCrashLooping.md": "## Meaning\n\nText.\n",
            "setext.md": "Set by underline\n======\n\n```\n# not a heading\n```\n",
            "hugo.md": '+++\ntitle = "From TOML"\n+++\nText.\n',
            "guides/README.md": "Text without any heading.\n",
            "crlf.md": "# Windows\r\n\r\nText.\r\n",
            "anchors.md": "---\ntitle: Odd\nx: &a 1\n---\nText.\n",
            "rule.md": "---\n\nA thematic break first.\n\n---\n\nMore.\n",
            "picture.png": b"\x89PNG",
            ".hidden/secret.md": "# Hidden\n",
        },
    )
    report = run(repo, folder)
    assert [one.source for one in report.created] == sorted(one.source for one in report.created)
    assert (len(report.created), report.ignored, report.skipped) == (11, 1, ())
    found = entries(repo)
    titles = {source: one.title for source, one in found.items()}
    assert titles["a.md"] == titles["b.md"] == "The same title"
    assert [found[name].path for name in ("a.md", "b.md")] == [
        "runbooks/the-same-title.md",
        "runbooks/the-same-title-2.md",
    ]
    assert titles["d.md"] == "From *front* matter"
    assert found["d.md"].entry.summary == "What it is."
    assert "weight: 20" in found["d.md"].entry.x["import"]["front"]
    assert titles["KubePodCrashLooping.md"] == "KubePodCrashLooping"
    assert titles["setext.md"] == "Set by underline"
    assert titles["hugo.md"] == "From TOML"
    assert titles["guides/README.md"] == "Guides"
    assert titles["anchors.md"] == "Odd"
    assert titles["rule.md"] == "Rule"
    cut = found["deep/er/c.markdown"]
    assert len(cut.title) <= 100
    assert long.startswith(cut.title)
    assert cut.body.startswith(f"\n# {long}\n")
    assert "First, with a [[wiki link]] and `code`." in found["a.md"].body
    assert found["rule.md"].body.strip() == "---\n\nA thematic break first.\n\n---\n\nMore."
    problems = check(repo, today=TODAY).problems
    assert [one for one in problems if one.severity is not Severity.INFO] == []


def test_a_long_title_that_is_not_the_first_heading_is_kept_whole_as_one(repo: Path, tmp_path: Path) -> None:
    long = "word " * 40 + "end"
    folder = write(tmp_path / "wiki", {"a.md": f"---\ntitle: {long}\n---\n## Meaning\n\nText.\n"})
    run(repo, folder)
    (found,) = entries(repo).values()
    assert found.body.startswith(f"\n# {long}\n\n## Meaning")
    assert shorten("x" * 300) == "x" * 100


def test_a_second_import_changes_nothing_and_a_third_only_what_changed(repo: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "wiki", {f"{name}.md": f"# Title {name}\n\nText.\n" for name in "abcde"})
    write(folder, {"rules.yaml": RULES})
    assert len(run(repo, folder).created) == 7
    before = {path: path.read_bytes() for path in (repo / "runbooks").iterdir()}
    again = run(repo, folder, seed=2)
    assert (again.created, again.updated, again.unchanged, again.kept) == ((), (), 7, ())
    assert {path: path.read_bytes() for path in (repo / "runbooks").iterdir()} == before

    (folder / "a.md").write_text("# Title a, better\n\nOther text.\n")
    (folder / "b.md").write_text("# Title b\n\nOther text.\n")
    edited = repo / "runbooks" / "title-b.md"
    edited.write_text(edited.read_text().replace("Text.", "Text, edited here."))
    owned = repo / "runbooks" / "title-a.md"
    owned.write_text(
        owned.read_text().replace("status: draft", "status: draft\nowner: group:default/payments")
    )
    (folder / "c.md").write_text("# Title c\n\nOther text.\n")
    closed = repo / "runbooks" / "title-c.md"
    closed.write_text(
        closed.read_text().replace(
            "status: draft", "status: withdrawn\nwithdrawn:\n  reason: x\n  at: 2026-01-02"
        )
    )
    third = run(repo, folder, seed=3)
    assert [one.source for one in third.updated] == ["a.md"]
    assert [(one.source, one.path) for one in third.kept] == [
        ("b.md", "runbooks/title-b.md"),
        ("c.md", "runbooks/title-c.md"),
    ]
    found = entries(repo)
    assert found["a.md"].title == "Title a, better"
    assert "Other text." in found["a.md"].body
    assert found["a.md"].entry.owner == "group:default/payments"
    assert "edited here" in found["b.md"].body
    assert len(found) == 7
    assert run(repo, folder, seed=4).updated == ()


def test_a_folder_with_a_file_of_the_same_name_is_another_source(repo: Path, tmp_path: Path) -> None:
    run(repo, write(tmp_path / "one", {"README.md": "# Kafka\n\nText.\n"}))
    second = run(repo, write(tmp_path / "two", {"README.md": "# Redis\n\nText.\n"}))
    moved = run(repo, write(tmp_path / "elsewhere", {"README.md": "# Kafka\n\nText.\n"}))
    assert len(second.created) == 1
    assert (moved.created, moved.unchanged) == ((), 1)


def test_an_entry_that_cannot_be_read_is_not_imported_twice(repo: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "wiki", {"a.md": "# A\n\nText.\n"})
    run(repo, folder)
    broken = repo / "runbooks" / "a.md"
    broken.write_text(broken.read_text().replace("status: draft", "status: drafft"))
    report = run(repo, folder)
    assert (report.created, report.updated) == ((), ())
    assert "cannot be read" in report.kept[0].reason


def test_alerts_without_a_runbook_get_a_draft_with_their_texts_and_expression(
    repo: Path, tmp_path: Path
) -> None:
    folder = write(
        tmp_path / "rules",
        {
            "prometheus.yaml": RULES,
            "crd.yml": "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n  - name: g\n    rules:\n    - alert: FromCrd\n      expr: up == 0\n",
            "values.yaml": "replicas: 3\n",
            "odd.yaml": "groups: 3\nalert: x\n",
            "template.yaml": "groups: {{ .Values.alert }}\n",
        },
    )
    report = run(repo, folder)
    assert [one.source for one in report.skipped] == ["template.yaml"]
    assert report.skipped[0].reason.startswith("line 1")
    found = entries(repo)
    assert set(found) == {
        "prometheus.yaml#KubePodCrashLooping",
        "prometheus.yaml#LogErrors",
        "crd.yml#FromCrd",
    }
    pod = found["prometheus.yaml#KubePodCrashLooping"]
    for text in (
        "Pod is crash looping.",
        "{{ $labels.pod }}",
        "kube_pod_container_status_waiting_reason",
        "for 15m",
        "`severity=warning`",
        "https://example.com/runbooks",
    ):
        assert text in pod.body
    assert alerts(pod) == ["KubePodCrashLooping"]
    logs = found["prometheus.yaml#LogErrors"].body
    assert '```logql\nsum(rate({app="checkout"} |= "error"' in logs
    assert "````logql" in logs
    assert [one for one in check(repo, today=TODAY).problems if one.severity is not Severity.INFO] == []


def test_an_alert_named_after_a_document_is_joined_to_it(repo: Path, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "wiki",
        {
            "rules.yaml": RULES,
            "KubePodCrashLooping.md": "# Pods crash\n\nText.\n",
            "other.md": "# LogErrors\n",
        },
    )
    report = run(repo, folder)
    assert [one.source for one in report.created] == ["KubePodCrashLooping.md", "other.md"]
    found = entries(repo)
    assert alerts(found["KubePodCrashLooping.md"]) == ["KubePodCrashLooping"]
    assert alerts(found["other.md"]) == ["LogErrors"]


def test_an_alert_that_has_a_runbook_here_gets_no_second_one(repo: Path, tmp_path: Path) -> None:
    run(repo, write(tmp_path / "wiki", {"KubePodCrashLooping.md": "# KubePodCrashLooping\n"}))
    report = run(repo, write(tmp_path / "rules", {"rules.yaml": RULES}))
    assert [one.source for one in report.created] == ["rules.yaml#LogErrors"]


def test_hostile_and_odd_files_are_reported_and_never_followed(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("# Outside\n")
    entry = "---\nschema: 1\nkind: runbook\nid: run-0000000001\ntitle: T\nstatus: draft\ncreated: 2026-01-01\n---\n"
    folder = write(
        tmp_path / "wiki",
        {
            "binary.md": b"# x\x00\xff",
            "empty.md": "\n\n",
            "large.md": "x" * 3_000_000,
            "latin.md": "# Caf\u00e9\n".encode("cp1252"),
            "utf16.md": "# Wide\n".encode("utf-16"),
            "entry.md": entry,
            "override.md": "# Queue \u202esrettel\u200b \x1b[31mred\n\n<script>alert(1)</script>\n",
            "bomb.yaml": "alert: &a [1]\nb: *a\n",
            "title.md": "# " + "[" * 30_000 + " " * 30_000 + "#" * 30_000 + "\n" + "`" * 30_000 + "\n",
            "quote.md": "# 'yes': {\"no\": [1]} # - & * ! | > % @ \\ \u2028 end\n",
            "no.md": "# no\n",
            "2026-01-01.md": "# 2026-01-01\n",
        },
    )
    (folder / "link.md").symlink_to(outside)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "up").symlink_to(tmp_path)
    started = time.process_time()
    report = run(repo, folder)
    assert time.process_time() - started < 5
    assert {one.source for one in report.skipped} == {
        "binary.md",
        "empty.md",
        "large.md",
        "entry.md",
        "bomb.yaml",
        "link.md",
        "loop.md",
    }
    assert {one.source for one in report.remarks} == {"latin.md", "utf16.md"}
    found = entries(repo)
    assert found["latin.md"].title == "Caf\u00e9"
    assert found["utf16.md"].title == "Wide"
    assert found["override.md"].title == "Queue srettel [31mred"
    assert "<script>alert(1)</script>" in found["override.md"].body
    assert found["no.md"].title == "no"
    assert found["2026-01-01.md"].title == "2026-01-01"
    assert found["quote.md"].title.startswith("'yes': {\"no\": [1]} # -")
    assert not any(one.severity is Severity.ERROR for one in check(repo, today=TODAY).problems)


def test_a_folder_that_is_not_there_is_a_wrong_call(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        run(repo, tmp_path / "nothing")


@given(
    title=st.text(min_size=1, max_size=100).filter(str.strip),
    extra=st.dictionaries(
        st.text(max_size=20).filter(lambda key: key.isidentifier() and key.isascii()),
        st.text(max_size=50),
        max_size=3,
    ),
)
def test_front_matter_written_at_once_reads_back_as_it_was(title: str, extra: dict[str, str]) -> None:
    data = {
        "schema": 1,
        "kind": "runbook",
        "title": title,
        "alerts": [{"name": title, "matchers": [title]}],
        "x": {"import": extra},
    }
    if not extra:
        del data["x"]
    text = draft_file(data, "Body.")
    assert parse_yaml(split(text).front) == data
    assert is_canonical(text)
