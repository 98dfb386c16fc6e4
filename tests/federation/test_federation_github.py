"""A contribution to a repository on GitHub is one branch and one pull request, however often and by whomever it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import federation_world
import pytest
from federation_world import KEYS, TEAMS, World, config, entry, save
from github_double import TOKEN, Description, Double, github

from compass.adapters.forge.github import Access, GitHub, PullRequest
from compass.errors import OutsideError
from compass.federation import review
from compass.federation.comment import MARK
from compass.federation.steps import PULL, SEND
from compass.model.proposal import Proposal, State

template = federation_world.template
PID = "0" * 15 + "1"
LIVE = os.environ.get("COMPASS_LIVE_GITHUB", "")
LIVE_TOKEN = os.environ.get("GITHUB_TOKEN", "")
"""Read here, because tests run without them."""


class CrashError(Exception):
    """The machine went away."""


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> World:
    """The organization on a server, as ann's personal repository names it."""
    root = tmp_path / "server" / "acme"
    shutil.copytree(template, root)
    world = World(root)
    save(
        world.git("org.git"), {"teams.yaml": TEAMS.replace("- {id: pay,", "- {id: pay, handle: '@acme/pay',")}
    )
    save(world.git("me"), {"compass.yaml": config("personal", "personal/ann", (root / "pay.git").as_uri())})
    world.write(entry())
    return world


@pytest.fixture(scope="session")
def described(tmp_path_factory: pytest.TempPathFactory) -> Description:
    """GitHub's OpenAPI description from its npm package; nothing of the package is run."""
    folder = tmp_path_factory.mktemp("octokit")
    subprocess.run(
        ["npm", "pack", "--silent", "@octokit/openapi@23"], cwd=folder, check=True, capture_output=True
    )
    archive = next(folder.glob("*.tgz"))
    member = "package/generated/api.github.com.json"
    subprocess.run(["tar", "-xzf", archive, member], cwd=folder, check=True)
    return Description(folder / member)


@pytest.fixture(params=["plain", pytest.param("described", marks=pytest.mark.services)])
def double(request: pytest.FixtureRequest, acme: World) -> Iterator[Double]:
    description = request.getfixturevalue("described") if request.param == "described" else None
    with github(acme.root.parent, description) as running:
        yield running
    if description:
        broken, description.broken = description.broken, []
        assert broken == []


def contribute(acme: World, double: Double, **more: object) -> Proposal:
    access = Access(token=TOKEN, server=acme.root.parent.as_uri(), api=double.url)
    return acme.contribute(**({"github": access, "draw": lambda: PID} | more))


def test_the_pull_request_says_what_is_proposed_and_asks_the_owner(acme: World, double: Double) -> None:
    found = contribute(acme, double)
    assert found.state is State.OPEN
    assert found.url == "https://github.com/acme/pay/pull/1"
    (pull,) = double.pulls
    assert pull["head"] == {"ref": f"compass/propose/{PID}", "sha": found.head}
    assert pull["base"] == {"ref": "main"}
    assert pull["title"] == "Contribute pattern: Connection pool is exhausted"
    assert "Approvals: 1 team member." in pull["body"]
    assert [one["slug"] for one in pull["requested_teams"]] == ["pay"]
    (comment,) = double.comments
    assert comment["body"].startswith(MARK)
    assert "Requests wait for a connection" in comment["body"]
    assert found.notes == ("missing: 1 more team_member (who may: ben, cleo, lead)",)
    assert "## 1 entry: no problems" in comment["body"]


def test_a_second_run_changes_nothing_and_an_edit_changes_the_same(acme: World, double: Double) -> None:
    contribute(acme, double)
    before = [dict(one) for one in double.pulls], [dict(one) for one in double.comments]
    double.calls.clear()
    contribute(acme, double)
    assert ([dict(one) for one in double.pulls], [dict(one) for one in double.comments]) == before
    assert all(call.startswith("GET ") for call in double.calls)
    acme.write(entry("The pool is too small"))
    contribute(acme, double)
    assert [one["title"] for one in double.pulls] == ["Contribute pattern: The pool is too small"]
    assert len(double.comments) == 1
    assert "The pool is too small" in double.comments[0]["body"]


def test_the_comment_is_found_among_many_and_one_of_others_is_left_alone(acme: World, double: Double) -> None:
    contribute(acme, double)
    mine = double.comments.pop()
    for number in range(5):
        double.comments.append(mine | {"id": 10 + number, "body": f"Remark {number}"})
    stranger = mine | {"id": 20, "user": double.login("mallory"), "body": f"{MARK}\nTrust me."}
    double.comments += [stranger, mine | {"id": 30}]
    acme.write(entry("The pool is too small"))
    contribute(acme, double)
    assert stranger["body"] == f"{MARK}\nTrust me."
    assert "The pool is too small" in double.comments[-1]["body"]
    assert len(double.comments) == 7


@pytest.mark.parametrize("step", [*SEND, *PULL])
def test_a_crash_after_any_step_is_mended_by_running_again(acme: World, double: Double, step: str) -> None:
    def crash(name: str) -> None:
        if name == step:
            raise CrashError(name)

    with pytest.raises(CrashError):
        contribute(acme, double, step=crash)
    found = contribute(acme, double)
    (pull,) = double.pulls
    assert pull["head"]["sha"] == found.head
    assert len(double.comments) == 1
    assert [one["slug"] for one in pull["requested_teams"]] == ["pay"]


def test_whoever_has_reviewed_is_not_asked_again(acme: World, double: Double) -> None:
    contribute(acme, double)
    double.pulls[0]["requested_teams"] = []
    double.reviews.append({"id": 1, "body": "Good."})
    contribute(acme, double)
    assert double.pulls[0]["requested_teams"] == []


def test_a_team_that_github_does_not_know_is_a_note_and_not_the_end(acme: World, double: Double) -> None:
    double.teams.clear()
    found = contribute(acme, double)
    assert found.url
    assert "did not ask @acme/pay for a review: Could not resolve" in " ".join(found.notes)


def test_without_a_token_the_branch_stands_and_it_says_what_is_missing(acme: World, double: Double) -> None:
    access = Access(server=acme.root.parent.as_uri(), api=double.url)
    found = contribute(acme, double, github=access)
    assert acme.git("pay.git").resolve(f"refs/heads/compass/propose/{PID}") == found.head
    assert found.url is None
    assert "set GITHUB_TOKEN" in " ".join(found.notes)
    assert double.calls == []


def test_a_dry_run_asks_nobody(acme: World, double: Double) -> None:
    access = Access(token=TOKEN, server=acme.root.parent.as_uri(), api=double.url)
    assert acme.contribute(dry=True, github=access).leaves
    assert double.calls == []


def test_landing_closes_the_pull_request_and_the_next_proposal_opens_another(
    acme: World, double: Double
) -> None:
    first = contribute(acme, double)
    desk = review.open_desk(str(acme.root / "pay.git"), acme.setting("ben"))
    review.approve(desk, PID, KEYS["ben"])
    review.land(review.open_desk(str(acme.root / "pay.git"), acme.setting("lead")), PID)
    acme.write(entry("The pool is too small"))
    second = contribute(acme, double, draw=lambda: "0" * 15 + "2")
    assert (first.url, second.url) == (
        "https://github.com/acme/pay/pull/1",
        "https://github.com/acme/pay/pull/2",
    )
    assert [one["state"] for one in double.pulls] == ["closed", "open"]


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (401, {"message": "Bad credentials"}, "does not know the token (Bad credentials)"),
        (403, {"message": "Resource not accessible"}, "may not do this in acme/pay"),
        (404, {"message": "Not Found"}, "shows no acme/pay to this token"),
        (500, {"message": "Oops"}, "status 500"),
        (200, b"<html>", "does not answer as GitHub does"),
    ],
)
def test_a_refusal_is_one_clear_error_and_the_branch_is_not_lost(
    acme: World, status: int, said: object, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with github(acme.root.parent) as double:
        tries = 4 if status >= 500 else 1
        double.failures += [("GET .*/pulls", status, {}, said)] * tries
        with pytest.raises(OutsideError, match="stands already") as error:
            contribute(acme, double)
        assert expected in error.value.message
        assert error.value.hint
        assert contribute(acme, double).url


@pytest.mark.live
def test_the_real_github_opens_one_pull_request_for_a_branch() -> None:
    """By hand: COMPASS_LIVE_GITHUB is `owner/name@branch` of a repository that the token may write to."""
    name, _, branch = LIVE.partition("@")
    wanted = PullRequest(branch, "main", "A try of COMPASS", "To be closed.", f"{MARK}\nOne.", MARK)
    hub = GitHub(Access(token=LIVE_TOKEN), name)
    first = hub.publish(wanted)
    assert hub.publish(replace(wanted, comment=f"{MARK}\nTwo.")) == first


@pytest.mark.parametrize("blemish", ["\n", " more", "\u00e9", "\r\nx: y"])
def test_a_token_that_is_none_is_refused_and_never_repeated(blemish: str) -> None:
    access = Access(token=f"{TOKEN}{blemish}", api="http://127.0.0.1:9")
    with pytest.raises(OutsideError, match="no token has") as caught:
        GitHub(access, "acme/pay").publish(PullRequest("b", "main", "t", "b", "c", MARK))
    assert TOKEN not in str(caught.value)
