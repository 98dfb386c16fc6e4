import federation_world
import pytest
from federation_world import config, entry, save

from compass.adapters.git import GitRepository
from compass.adapters.remotes import beside
from compass.errors import ConfigError, OutsideError
from compass.federation.repositories import find_roster, open_member, read_model
from compass.federation.sync import lock_path, sync
from compass.library import clone_path
from compass.model.scope import People

TOMB = entry(
    status="withdrawn", withdrawn="{reason: The metric is gone., at: 2026-03-01}", id="pat-0000000003"
)

template = federation_world.template
world = federation_world.world


def run(world, name="me", **more):
    return sync(world.root / name, world.root / "clones", **more)


def ids(news):
    return [(one.repo, one.id) for one in news]


def test_the_first_sync_tells_of_everything_above_and_the_next_only_of_what_is_new(world):
    save(world.git("pay.git"), {"patterns/a.md": entry()}, "ben")
    save(
        world.git("hub.git"),
        {"patterns/c.md": TOMB, "patterns/broken.md": "---\nid: pat-0000000009\n: x\n---\n"},
        "steward",
    )
    first = run(world)
    assert [(one.repo, one.before) for one in first.parents] == [
        ("team/pay", None),
        ("tribe/shop", None),
        ("org", None),
        ("hub", None),
    ]
    assert ids(first.added) == [("team/pay", "pat-0000000001"), ("hub", "pat-0000000009")]
    assert [(one.id, one.reason) for one in first.withdrawn] == [("pat-0000000003", "The metric is gone.")]
    again = run(world)
    assert (again.added, again.changed, again.withdrawn, again.alarms) == ((), (), (), ())
    assert all(one.before == one.after for one in again.parents)
    save(world.git("pay.git"), {"patterns/a.md": None, "patterns/moved.md": entry()}, "ben")
    assert not run(world).changed
    save(
        world.git("pay.git"),
        {"patterns/moved.md": entry("Edited"), "runbooks/binary.md": "---\nid: run-0000000001\n---\n\0"},
        "ben",
    )
    found = run(world)
    assert ids(found.changed) == [("team/pay", "pat-0000000001")]
    assert ids(found.added) == [("team/pay", "run-0000000001")]
    tomb = TOMB.replace("pat-0000000003", "pat-0000000001")
    save(world.git("pay.git"), {"patterns/moved.md": tomb}, "ben")
    assert ids(run(world).withdrawn) == [("team/pay", "pat-0000000001")]


def test_a_parent_that_was_rewound_is_an_alarm_until_somebody_says_that_it_was_meant(world):
    git = world.git("pay.git")
    old = git.resolve("refs/heads/main") or ""
    new = save(git, {"patterns/a.md": entry()}, "ben")
    run(world)
    git.update_ref("refs/heads/main", old, new)
    for _ in range(2):
        found = run(world)
        assert "team/pay was rewound" in found.alarms[0]
        assert "team/pay" not in {one.repo for one in found.parents}
    lock = lock_path(world.git("me"), world.root / "clones")
    assert str(lock) in found.alarms[0]
    lock.write_text(
        "".join(line for line in lock.read_text().splitlines(keepends=True) if "team/pay" not in line)
    )
    assert not run(world).alarms


def test_an_entry_that_vanishes_without_a_tombstone_is_an_alarm(world):
    save(world.git("pay.git"), {"patterns/a.md": entry()}, "ben")
    run(world)
    save(world.git("pay.git"), {"patterns/a.md": None}, "ben")
    assert run(world).alarms == (
        "team/pay: pat-0000000001 vanished without a tombstone; it was patterns/a.md",
    )


def test_a_parent_that_cannot_be_read_is_an_alarm_and_stops_no_other(world):
    save(
        world.git("me"), {"compass.yaml": config("personal", "personal/ann", "../gone", "../pay.git")}, "ann"
    )
    found = run(world)
    assert len(found.alarms) == 1
    assert "gone cannot be read" in found.alarms[0]
    assert "team/pay" in {one.repo for one in found.parents}


@pytest.mark.parametrize("text", ["]", "schema: 1\nparents: 3\n"])
def test_a_lock_that_cannot_be_read_says_what_deleting_it_costs(world, text):
    lock = lock_path(world.git("me"), world.root / "clones")
    lock.parent.mkdir(parents=True)
    lock.write_text(text)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        run(world)
    assert "rewinds" in (caught.value.hint or "")


@pytest.fixture
def far(world):
    """ann's repository names its team by URL, and the others are found beside it."""
    for name in ("pay.git", "shop.git", "hub.git", "org.git"):
        world.git(name).git("config", "uploadpack.allowFilter", "true")
    url = f"file://{world.root}/pay.git"
    save(world.git("me"), {"compass.yaml": config("personal", "personal/ann", url)}, "ann")
    return world, url


def test_a_parent_behind_a_url_is_kept_as_a_bare_blobless_clone_with_what_readers_need(far):
    world, url = far
    save(world.git("pay.git"), {"patterns/a.md": entry(), "attachments/large.bin": "x" * 1000}, "ben")
    save(world.git("pay.git"), {"patterns/a.md": entry("Edited")}, "ben")
    assert "was never fetched" in run(world, offline=True).alarms[0]
    found = run(world)
    assert not found.alarms
    assert {one.repo for one in found.parents} == {"team/pay", "tribe/shop", "hub", "org"}
    assert ids(found.added) == [("team/pay", "pat-0000000001")]
    clone = GitRepository.open(clone_path(world.root / "clones", url))
    assert clone.bare
    assert clone.resolve("refs/heads/main") == world.git("pay.git").resolve("refs/heads/main")
    missing = clone.git(
        "rev-list", "--objects", "--missing=print", "--no-object-names", "refs/heads/main"
    ).decode()
    assert missing.count("?") == 2
    assert not run(world, offline=True).alarms


def test_a_clone_of_a_parent_that_was_rewound_keeps_what_readers_had(far):
    world, url = far
    git = world.git("pay.git")
    old = git.resolve("refs/heads/main") or ""
    new = save(git, {"patterns/a.md": entry()}, "ben")
    run(world)
    git.update_ref("refs/heads/main", old, new)
    assert "rewound" in run(world).alarms[0]
    assert GitRepository.open(clone_path(world.root / "clones", url)).resolve("refs/heads/main") == new


def test_objects_that_cannot_be_fetched_are_an_error(far):
    world, url = far
    run(world)
    clone = GitRepository.open(clone_path(world.root / "clones", url))
    save(world.git("pay.git"), {"patterns/a.md": entry()}, "ben")
    clone.fetch(url, ["+refs/heads/main:refs/compass/incoming/main"], blobless=True)
    wanted = [one.oid for one in clone.tree(clone.resolve("refs/compass/incoming/main") or "")]
    with pytest.raises(OutsideError, match="cannot fetch"):
        clone.fetch_missing(f"file://{world.root}/gone.git", "refs/compass/incoming/main", wanted)


def test_a_contribution_to_a_repository_behind_a_url_is_pushed_with_leases(far):
    world, _ = far
    world.write(entry())
    proposal = world.contribute()
    assert world.git("pay.git").refs("refs/heads/compass/propose") == {
        f"refs/heads/{proposal.branch}": proposal.head
    }
    assert world.contribute().head == proposal.head
    save(world.git("pay.git"), {"runbooks/x.md": "x"}, "ben")
    landed = world.land("pay.git", proposal, "ben")
    assert landed.state == "landed"
    assert world.contribute().state == "landed"


def test_review_through_a_url_sees_what_others_did_and_retries(far):
    from federation_world import KEYS

    from compass.federation import review

    world, url = far
    world.write(entry())
    pid = world.contribute().proposal or ""
    desk = review.open_desk(url, world.setting("ben"))
    review.approve(desk, pid, KEYS["ben"])
    save(world.git("pay.git"), {"runbooks/x.md": "x"}, "ben")
    assert review.land(desk, pid).state == "landed"
    refs = world.git("pay.git").refs("refs/")
    assert f"refs/compass/closed/{pid}" in refs
    assert not any("propose" in ref for ref in refs)


@pytest.mark.parametrize(
    ("origin", "relative", "found"),
    [
        ("https://git.example.com/org/team/pay.git", "../../hub.git", "https://git.example.com/org/hub.git"),
        ("git@git.example.com:team/pay.git", "../../hub.git", "git@git.example.com:hub.git"),
        ("/srv/git/pay.git", "../hub.git", "/srv/git/hub.git"),
    ],
)
def test_a_relative_parent_counts_from_where_a_clone_came_from(origin, relative, found):
    assert beside(origin, relative) == found


def test_a_clone_that_lies_elsewhere_still_finds_the_organization(world):
    world.clone("pay.git", "far/away/clone", "ann")
    member = open_member(str(world.root / "far/away/clone"), world.root / "clones", "HEAD")
    assert find_roster(member, world.root / "clones").by_mail("ann@example.com") == "ann"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema: 1\npeople: [\n", r"people.yaml:3:1"),
        ("[]\n", "people.yaml: schema: Field required"),
        ("\x00\xff", "people.yaml"),
        (None, "has no people.yaml"),
    ],
)
def test_people_that_cannot_be_read_are_an_error_with_its_place(world, text, message):
    git = world.git("org.git")
    data = None if text is None else text.encode("latin-1")
    old = git.resolve("refs/heads/main") or ""
    git.update_ref(
        "refs/heads/main",
        git.commit(git.write_tree(old, {"people.yaml": data}), [old], "x", git.info(old).author),
        old,
    )
    with pytest.raises(ConfigError, match=message):
        read_model(git, git.resolve("refs/heads/main") or "", "people.yaml", People)


def test_a_folder_inside_a_repository_takes_no_proposals(world):
    save(world.git("me"), {"inner/compass.yaml": config("team", "team/pay")}, "ann")
    with pytest.raises(OutsideError, match="is a folder inside the repository"):
        open_member(str(world.root / "me" / "inner"), world.root / "clones")


def test_a_repository_without_a_commit_or_that_lost_its_main_is_an_error(world):
    from compass.federation.repositories import again

    GitRepository.init(world.root / "empty", bare=True)
    with pytest.raises(ConfigError, match="has no commit on main"):
        open_member(str(world.root / "empty"), world.root / "clones")
    member = open_member(str(world.root / "pay.git"), world.root / "clones")
    member.git.update_ref("refs/heads/main", None, member.commit)
    with pytest.raises(OutsideError, match="has no branch main any more"):
        again(member)
