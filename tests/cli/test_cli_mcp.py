"""`compass mcp` and the servers of a catalog: nothing that a repository names is run before its user agreed to it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, commit_all
from stuttering import SOURCE

from compass.adapters.documents import parse_yaml
from compass.cli import main
from compass.model.investigation import Investigation
from compass.workflows.servers.agreement import agreements_path

REPLAY = {"command": sys.executable, "args": ["-m", "compass", "serve", "--recording", str(SOURCE)]}
INCIDENT = (
    *("--from", "2026-04-14T13:40:00Z", "--to", "2026-04-14T14:10:00Z"),
    *("--detected", "2026-04-14T14:02:00Z", "--service", "checkout", "--symptom", "checkout is slow"),
)


def name_servers(repo: Path, **servers: dict[str, Any]) -> Path:
    path = repo / "catalog" / "mcp.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"mcpServers": servers}, indent=2), "utf-8")
    commit_all(repo)
    return path


def touching(path: Path) -> dict[str, Any]:
    return {"command": sys.executable, "args": ["-c", f"open({str(path)!r}, 'w')"]}


def compass(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main([str(one) for one in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_listing_runs_nothing_and_says_what_would_be_run_and_seen(
    knowledge_repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setenv("SET_TOKEN", "glsa_hidden")
    name_servers(
        knowledge_repo,
        local={**touching(ran), "env": {"A_TOKEN": "${SET_TOKEN}", "URL": "http://127.0.0.1:3000"}},
        far={"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${FAR_TOKEN}"}},
    )
    code, out, err = compass(capsys, "-C", knowledge_repo, "mcp", "list")
    assert (code, err) == (0, "")
    assert "local  team/payments:catalog/mcp.json:3\n" in out
    assert f"runs `{sys.executable} -c" in out
    assert "on this machine with URL=http://127.0.0.1:3000; it gets SET_TOKEN of your environment" in out
    assert "sends questions to https://mcp.example.com/mcp; it gets FAR_TOKEN of your environment" in out
    assert "not set: FAR_TOKEN" in out
    assert out.count("not agreed to") == 2
    found = json.loads(compass(capsys, "-C", knowledge_repo, "mcp", "list", "--format", "json")[1])
    assert [one["variables"] for one in found["servers"]] == [
        [{"name": "SET_TOKEN", "set": True}],
        [{"name": "FAR_TOKEN", "set": False}],
    ]
    assert "hidden" not in out + json.dumps(found)
    assert not ran.exists()


@pytest.mark.parametrize(
    "command", [("mcp", "check"), ("mcp", "tools"), ("investigate", "--auto", *INCIDENT), ("watch",)]
)
def test_without_a_terminal_and_without_trust_nothing_is_run(
    command: tuple[str, ...], knowledge_repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    name_servers(knowledge_repo, local=touching(ran))
    code, out, err = compass(capsys, "-C", knowledge_repo, *command)
    assert (code, out) == (2, "")
    assert "what you have not agreed to: local (team/payments:catalog/mcp.json:3) runs `" in err
    assert "--trust" in err
    assert not ran.exists()
    assert not (knowledge_repo / "investigations").exists()


def test_what_was_agreed_to_once_is_asked_from_then_on_until_it_changes(
    knowledge_repo: Path, fixed_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_servers(knowledge_repo, replay=REPLAY)
    code, out, err = compass(capsys, "-C", knowledge_repo, "mcp", "check", "--trust")
    assert code == 0, err
    assert "metrics, logs, traces, changes; 12 of 12 tools are used" in out
    kept = json.loads(agreements_path(fixed_environment / "data" / "compass").read_text("utf-8"))
    assert [(one["name"], one["repository"]) for one in kept["agreed"]] == [("replay", "team/payments")]
    asked = ("-C", knowledge_repo, "investigate", "--auto", "--format", "json", *INCIDENT)
    code, out, err = compass(capsys, *asked)
    assert code == 0, err
    found = json.loads(out)
    assert found["services"][0]["service"] == "payments"
    (path,) = knowledge_repo.glob(f"investigations/*/{found['id']}.yaml")
    record = Investigation.model_validate(parse_yaml(path.read_text("utf-8")))
    assert record.incident.servers == (sys.executable,)
    name_servers(knowledge_repo, replay={**REPLAY, "args": [*REPLAY["args"], "--help"]})
    code, out, err = compass(capsys, *asked)
    assert (code, out) == (2, "")
    assert "not agreed to" in err


def test_what_is_new_beside_what_was_agreed_to_is_left_out_and_said(
    knowledge_repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    name_servers(knowledge_repo, replay=REPLAY)
    assert compass(capsys, "-C", knowledge_repo, "mcp", "check", "--trust")[0] == 0
    name_servers(knowledge_repo, replay=REPLAY, local=touching(ran))
    code, out, err = compass(capsys, "-C", knowledge_repo, "mcp", "check")
    assert code == 1
    assert "replay: metrics, logs, traces, changes; 12 of 12 tools are used\n" in out
    assert "local: failed: you did not agree to it\n" in out
    assert "what you have not agreed to: local (team/payments:catalog/mcp.json:" in err
    assert not ran.exists()


def test_a_command_runs_where_no_file_of_the_repository_is_and_gets_only_what_it_is_named(
    knowledge_repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    code = f"import os, json; open({str(told)!r}, 'w').write(json.dumps([os.getcwd(), dict(os.environ)]))"
    name_servers(
        knowledge_repo, spy={"command": sys.executable, "args": ["-c", code], "env": {"B": "${NAMED}"}}
    )
    monkeypatch.setenv("NAMED", "b")
    monkeypatch.setenv("COMPASS_LLM_KEY", "sk-secret")
    monkeypatch.chdir(knowledge_repo)
    assert compass(capsys, "mcp", "check", "--trust", "--timeout", 20)[0] == 1
    folder, environment = json.loads(told.read_text())
    assert not Path(folder).is_relative_to(knowledge_repo)
    assert environment["B"] == "b"
    assert not {"NAMED", "COMPASS_LLM_KEY", "XDG_DATA_HOME"} & set(environment)


def test_a_server_of_a_parent_is_said_to_be_one_of_the_parent(
    team_and_tribe: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    team, tribe = team_and_tribe
    name_servers(tribe, shared=REPLAY, both=REPLAY)
    name_servers(team, both={"command": "own"})
    out = compass(capsys, "-C", team, "mcp", "list")[1]
    assert "shared  tribe/product:catalog/mcp.json:" in out
    assert "both  team/payments:catalog/mcp.json:" in out
    assert out.count("both  ") == 1


def test_one_server_that_cannot_be_asked_is_evidence_and_the_other_is_asked(
    knowledge_repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name_servers(
        knowledge_repo,
        replay=REPLAY,
        far={"url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${FAR_TOKEN}"}},
    )
    code, out, err = compass(
        capsys, "-C", knowledge_repo, "investigate", "--trust", "--auto", "--format", "json", *INCIDENT
    )
    assert code == 0, err
    (path,) = knowledge_repo.glob(f"investigations/*/{json.loads(out)['id']}.yaml")
    assert any(
        line.startswith("everything that only this server has is missing: far (team/payments:")
        and "the variable FAR_TOKEN is not set" in line
        for line in Investigation.model_validate(parse_yaml(path.read_text("utf-8"))).missing
    )
    code, out, _ = compass(capsys, "-C", knowledge_repo, "--offline", "mcp", "check")
    assert code == 1
    assert "--offline reaches nothing outside this machine" in " ".join(out.split())


def test_at_a_terminal_it_is_asked_and_no_is_no(knowledge_repo: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    name_servers(knowledge_repo, local=touching(ran))
    for said, expected in ((b"n\n", False), (b"y\n", True)):
        master, slave = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "compass", "-C", str(knowledge_repo), "mcp", "check", "--timeout", "20"],
            cwd=ROOT,
            stdin=slave,
            stderr=slave,
            stdout=subprocess.PIPE,
        ) as process:
            os.write(master, said)
            out = process.communicate(timeout=120)[0]
        os.close(slave)
        os.close(master)
        assert process.returncode == 1
        assert (b"you did not agree to it" in out) is not expected
        assert ran.exists() is expected


def test_there_is_one_clear_error_where_no_server_is_named(
    knowledge_repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = compass(capsys, "-C", knowledge_repo, "mcp", "list")
    assert code == 2
    assert "catalog/mcp.json" in err
    name_servers(knowledge_repo, replay=REPLAY)
    code, _, err = compass(capsys, "-C", knowledge_repo, "mcp", "check", "replya")
    assert code == 2
    assert "no MCP server 'replya'" in err


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('{"mcpServers": {', "1:17", "this is not JSON"),
        ('{"mcpServers": {"a": {"command": "x"},\n "a": {"command": "y"}}}', "2:2", "stands here twice"),
        ('{"mcpServers": {\n\t"a": {"comand": "x"}}}', "2:8", "unknown key 'mcpServers.a.comand'"),
        ('{"servers": {}}', "1:2", "unknown key 'servers'"),
        ('{"mcpServers": {"a": {}}}', "1:17", "either a `command` or a `url`"),
        (
            '{"mcpServers": {"a": {"command": "x", "url": "http://x"}}}',
            "1:17",
            "either a `command` or a `url`",
        ),
        ('{"mcpServers": {"a": {"command": "bin/x"}}}', "1:34", "a name to be found in PATH"),
        ('{"mcpServers": {"a": {"command": "x", "args": ["${T}"]}}}', "1:48", "belong into `env`"),
        ('{"mcpServers": {"a": {"command": "x", "env": {"MY_TOKEN": "glsa"}}}}', "1:39", "write ${MY_TOKEN}"),
        ('{"mcpServers": {"a": {"url": "ftp://x"}}}', "1:30", "no address"),
        ('{"mcpServers": {"a": {"url": "https://x/?key=1"}}}', "1:30", "what is secret belongs into"),
        ('{"mcpServers": {"a": {"url": "https://x", "headers": {"A": "Bearer x"}}}}', "1:43", "${NAME}"),
        ('{"mcpServers": {"a": {"url": "https://x", "args": ["y"]}}}', "1:17", "belong to a `command`"),
        ('{"mcpServers": {"a b": {"command": "x"}}}', "1:17", "String should match pattern"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_error_with_its_place(
    text: str, place: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/payments\n", "utf-8")
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "mcp.json").write_text(text, "utf-8")
    code, out, _ = compass(capsys, "-C", tmp_path, "check", "--format", "json")
    found = [one for one in json.loads(out)["problems"] if one["path"] == "catalog/mcp.json"]
    assert code == 1
    assert len(found) == 1
    assert f"{found[0]['line']}:{found[0]['column']}" == place
    assert said in found[0]["message"]
    assert found[0]["hint"]
