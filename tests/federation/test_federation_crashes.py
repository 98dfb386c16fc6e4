"""Every writing step may be the last one before a crash; the next run ends where an undisturbed one would have."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import federation_world
import pytest
from federation_world import KEYS, NOW, PAT, World, draws, entry, save

from compass.errors import CompassError
from compass.federation import review
from compass.federation.steps import APPROVE, LAND, REJECT, SEND

template = federation_world.template
world = federation_world.world

PID = "0" * 15 + "1"
NAMES = ("me", "pay.git", "shop.git")


class CrashError(Exception):
    """The machine went away."""


def crash_after(step, skip=0):
    """A checkpoint that raises when `step` is done for the time after `skip` times."""
    left = [skip]

    def checkpoint(name):
        if name == step:
            left[0] -= 1
            if left[0] < 0:
                raise CrashError(name)

    return checkpoint


def fixed(world: World) -> World:
    world.clock = lambda: NOW
    return world


def state(world: World) -> dict[str, dict[str, str]]:
    """Every ref of every repository; times and ids are fixed, so equal objects have equal ids."""
    return {name: world.git(name).refs("refs/") for name in NAMES}


def contribute(world, step=None):
    more = {"step": crash_after(step)} if step else {}
    return world.contribute(draw=lambda: PID, **more)


def promote(world, step=None):
    more = {"step": crash_after(step)} if step else {}
    return world.promote(draw=lambda: PID, **more)


def approve(world, step=None):
    return review.approve(
        world.desk("pay.git", "ben", **({"step": crash_after(step)} if step else {})), PID, KEYS["ben"]
    )


def reject(world, step=None):
    return review.reject(
        world.desk("pay.git", "ben", **({"step": crash_after(step)} if step else {})), PID, "no"
    )


def land(world, step=None):
    return review.land(world.desk("pay.git", "ben", **({"step": crash_after(step)} if step else {})), PID)


@pytest.fixture(scope="module")
def stages(template, tmp_path_factory):
    """The small organization before each command, and the refs after each, undisturbed."""
    root = tmp_path_factory.mktemp("stages")
    shutil.copytree(template, root / "now", dirs_exist_ok=True)
    world = fixed(World(root / "now"))
    world.write(entry())
    found = {}
    for name, command in (("contribute", contribute), ("approve", approve), ("land", land)):
        shutil.copytree(root / "now", root / name)
        if name == "approve":
            shutil.copytree(root / "now", root / "reject")
        command(world)
        found[name] = state(world)
    rejecting = root / "rejecting"
    shutil.copytree(root / "reject", rejecting)
    reject(fixed(World(rejecting)))
    found["reject"] = state(World(rejecting))
    private = {
        "patterns/pool.md": entry("Pool of Globex is exhausted"),
        "catalog/private.yaml": "customers: [Globex]\n",
    }
    shutil.copytree(template, root / "promote")
    save(World(root / "promote").git("pay.git"), private, "ben")
    shutil.copytree(root / "promote", root / "promoting")
    promote(fixed(World(root / "promoting")))
    found["promote"] = state(World(root / "promoting"))
    return root, found


CASES = [(contribute, SEND), (promote, SEND), (approve, APPROVE), (reject, REJECT), (land, LAND)]


@pytest.mark.parametrize(("command", "step"), [(command, step) for command, steps in CASES for step in steps])
def test_a_crash_after_any_step_is_mended_by_running_again(stages, tmp_path, command, step):
    root, ends = stages
    shutil.copytree(root / command.__name__, tmp_path / "w")
    world = fixed(World(tmp_path / "w"))
    with pytest.raises(CrashError):
        command(world, step)
    command(world)
    assert state(world) == ends[command.__name__]
    assert world.git("me").attempt("status", "--porcelain")[1] == b""
    command(world)
    assert state(world) == ends[command.__name__]


def test_a_contribution_finishes_a_landing_that_crashed(stages, tmp_path):
    root, ends = stages
    shutil.copytree(root / "land", tmp_path / "w")
    world = fixed(World(tmp_path / "w"))
    with pytest.raises(CrashError):
        land(world, "advanced")
    proposal = contribute(world)
    assert (proposal.state, proposal.proposal) == ("landed", PID)
    assert state(world) == ends["land"]


def test_a_crash_after_the_second_id_was_drawn_is_mended_too(stages, tmp_path):
    root, _ = stages
    shutil.copytree(root / "land", tmp_path / "w")
    world = fixed(World(tmp_path / "w"))
    land(world)
    world.write(entry("Other"))
    with pytest.raises(CrashError):
        world.contribute(draw=lambda: "0" * 16, step=crash_after("drawn", 1))
    proposal = world.contribute(draw=draws())
    assert (proposal.state, proposal.proposal) == ("open", "0" * 16)


def test_a_checkout_that_a_crash_left_behind_is_brought_along(stages, tmp_path, monkeypatch):
    from compass.adapters.git import GitRepository

    root, _ = stages
    shutil.copytree(root / "land", tmp_path / "w")
    world = fixed(World(tmp_path / "w"))
    work = world.check_out("pay.git")
    with monkeypatch.context() as patch:
        patch.setattr(GitRepository, "refresh_worktree", lambda *_: False)
        with pytest.raises(CrashError):
            land(world, "advanced")
    assert not (work / "patterns").exists()
    land(world)
    assert "title: Connection pool" in (work / "patterns" / "pool.md").read_text()
    assert world.git("pay.git").attempt("status", "--porcelain")[1] == b""


def test_a_checkout_with_uncommitted_changes_stops_the_landing(stages, tmp_path):
    root, _ = stages
    shutil.copytree(root / "land", tmp_path / "w")
    world = fixed(World(tmp_path / "w"))
    work = world.check_out("pay.git")
    (work / "compass.yaml").write_text("scribble")
    with pytest.raises(CompassError, match="changes that are not committed"):
        land(world)
    world.git("pay.git").git("checkout", "--quiet", "--detach", "main")
    assert land(world).state == "landed"


def test_eight_promoters_at_once_make_one_proposal(world):
    text = entry("Pool of Globex is exhausted")
    save(
        world.git("pay.git"),
        {"patterns/pool.md": text, "catalog/private.yaml": "customers: [Globex]\n"},
        "ben",
    )
    people = ["ann", "ben", "cleo", "lead"] * 2
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda who: world.promote(who=who), people))
    assert len({(one.proposal, one.head) for one in found}) == 1
    assert len(world.git("shop.git").refs("refs/heads/compass/propose")) == 1
    assert len(world.git("pay.git").refs("refs/compass/outbox")) == 1
    assert found[0].replaced


def test_two_landings_at_once_both_land(world):
    for number in (1, 2):
        world.write(entry(f"Entry {number}", id=f"pat-000000000{number}"), f"patterns/p{number}.md")
    proposals = [world.contribute(entry=f"pat-000000000{number}") for number in (1, 2)]
    for proposal in proposals:
        world.approve("pay.git", proposal, "ben")
    desks = [world.desk("pay.git") for _ in proposals]
    assert all(desk.target.commit == desks[0].target.commit for desk in desks)
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda pair: review.land(pair[0], pair[1].proposal), zip(desks, proposals, strict=True))
        )
    assert {one.state for one in found} == {"landed"}
    paths = {one.path for one in world.git("pay.git").tree("refs/heads/main", "patterns")}
    assert paths == {"patterns/p1.md", "patterns/p2.md"}


def test_a_target_that_moves_all_the_time_is_given_up_on(world):
    world.write(entry())
    numbers = iter(range(100))

    def move(name):
        if name in {"written", "committed"}:
            save(world.git("pay.git"), {f"notes/{next(numbers)}.md": "x"}, "ben")

    with pytest.raises(CompassError, match="moved while this was planned"):
        world.contribute(step=move)
    proposal = world.contribute()
    world.approve("pay.git", proposal, "ben")
    with pytest.raises(CompassError, match="moves too fast"):
        review.land(world.desk("pay.git", step=move), proposal.proposal or "")


def test_landing_on_a_main_that_moved_elsewhere_keeps_what_came_in_between(world):
    world.write(entry())
    proposal = world.contribute()
    world.approve("pay.git", proposal, "ben")
    save(world.git("pay.git"), {"runbooks/other.md": "x"}, "ben")
    once = iter([partial(save, world.git("pay.git"), {"runbooks/more.md": "x"}, "ben")])

    def move(name):
        if name == "committed":
            next(once, lambda: None)()

    standing = review.land(world.desk("pay.git", step=move), proposal.proposal or "")
    assert standing.state == "landed"
    assert {one.path for one in world.git("pay.git").tree("refs/heads/main", "runbooks")} == {
        "runbooks/other.md",
        "runbooks/more.md",
    }
    assert "title: Connection pool" in world.text("pay.git")


def test_a_proposal_whose_entry_main_changed_since_must_be_made_again(world):
    world.write(entry())
    world.land("pay.git", world.contribute(), "ben")
    world.write(entry(severity="high"))
    proposal = world.contribute()
    world.approve("pay.git", proposal, "ben")
    save(world.git("pay.git"), {"patterns/pool.md": entry("Team's own title")}, "ben")
    shown = review.show(world.desk("pay.git"), proposal.proposal or "").proposal()
    assert "stale: main changed patterns/pool.md since; propose it again" in shown.notes
    with pytest.raises(CompassError, match=r"main changed patterns/pool\.md since"):
        review.land(world.desk("pay.git"), proposal.proposal or "")
    again = world.contribute()
    assert (again.proposal, again.state) == (proposal.proposal, "open")
    world.land("pay.git", again, "cleo")
    assert "Team's own title" in world.text("pay.git")
    assert PAT in world.text("pay.git")
