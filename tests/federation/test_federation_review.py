from types import SimpleNamespace
from typing import cast

import federation_world
import pytest
from federation_world import KEYS, NOW, entry, mail, person, save

from compass.adapters import sshsig
from compass.adapters.git import ZERO
from compass.errors import ConflictError, NegativeAnswerError, OutsideError, UsageError
from compass.federation import review
from compass.federation.endorsement import read_approval, signature_of, write_approval
from compass.federation.gate import recordings_in
from compass.federation.lineage import find_entry, id_in, lineage
from compass.federation.messages import message
from compass.federation.outbox import Slot
from compass.federation.repositories import Member
from compass.federation.standing import landing_of
from compass.model.proposal import Verb

template = federation_world.template
world = federation_world.world


@pytest.fixture
def opened(world):
    """The small organization with one open proposal to the team."""
    world.write(entry())
    proposal = world.contribute()
    return world, proposal, proposal.proposal or ""


def head_of(world, pid):
    return world.git("pay.git").info(f"refs/heads/compass/propose/{pid}")


def test_open_proposals_are_listed_and_branches_that_compass_did_not_make_are_left_out(opened):
    world, _, pid = opened
    git = world.git("pay.git")
    main = git.resolve("refs/heads/main") or ""
    git.update_ref("refs/heads/compass/propose/0000000000000zzz", main, ZERO)
    save(git, {"patterns/x.md": "x"}, ref="refs/heads/compass/propose/0000000000000zzy")
    save(git, {"patterns/x.md": "x"}, ref="refs/heads/compass/propose/not-a-proposal")
    assert [one.pid for one in review.list_proposals(world.desk("pay.git"))] == [pid]
    with pytest.raises(OutsideError, match="was not made by COMPASS"):
        review.show(world.desk("pay.git"), "0000000000000zzy")


def test_a_proposal_that_is_not_there_or_is_no_id_is_an_error(opened):
    world, _, _ = opened
    for pid in ("0000000000000zzz", "../../heads/main", "x"):
        with pytest.raises(UsageError, match="proposal"):
            review.show(world.desk("pay.git"), pid)


def test_the_patch_of_a_proposal_shows_what_it_would_change(opened):
    world, _, pid = opened
    assert "+title: Connection pool is exhausted" in review.difference(
        review.show(world.desk("pay.git"), pid)
    )


def test_only_somebody_with_the_role_who_did_not_make_it_may_approve_and_the_others_are_told_who_may(opened):
    world, _, pid = opened
    desk = world.desk("pay.git")
    with pytest.raises(NegativeAnswerError, match=r"ann may not approve .*: made or changed") as caught:
        review.approve(desk, pid, KEYS["ann"])
    assert caught.value.hint == "who may: team_member: ben, cleo, lead"
    with pytest.raises(NegativeAnswerError, match=r"otto may not approve .*: holds none of the roles"):
        review.approve(desk, pid, KEYS["otto"])
    stranger = sshsig.generate(bytes(range(32)))
    with pytest.raises(NegativeAnswerError, match="belongs to no person") as caught:
        review.approve(desk, pid, stranger)
    assert stranger.authorized in (caught.value.hint or "")


def test_approving_twice_is_one_approval(opened):
    world, _, pid = opened
    first = review.approve(world.desk("pay.git"), pid, KEYS["ben"])
    refs = world.git("pay.git").refs("refs/compass/approvals")
    assert review.approve(world.desk("pay.git"), pid, KEYS["ben"]).decision == first.decision
    assert world.git("pay.git").refs("refs/compass/approvals") == refs
    assert first.decision is not None
    assert first.decision.satisfied


def test_what_is_closed_is_neither_approved_nor_rejected_nor_landed_again(opened):
    world, proposal, pid = opened
    with pytest.raises(NegativeAnswerError, match="lacks 1 more team_member"):
        review.land(world.desk("pay.git"), pid)
    world.land("pay.git", proposal, "ben")
    with pytest.raises(NegativeAnswerError, match="is already landed"):
        review.approve(world.desk("pay.git"), pid, KEYS["lead"])
    with pytest.raises(NegativeAnswerError, match="has landed"):
        review.reject(world.desk("pay.git"), pid, "no")
    assert review.land(world.desk("pay.git"), pid).state == "landed"


def test_a_rejection_needs_a_person_and_a_reason_and_ends_the_proposal(opened):
    world, _, pid = opened
    with pytest.raises(UsageError, match="no person"):
        review.reject(world.desk("pay.git", "eve"), pid, "no")
    with pytest.raises(UsageError, match="needs a reason"):
        review.reject(world.desk("pay.git"), pid, " \n")
    assert review.reject(world.desk("pay.git"), pid, "no").state == "rejected"
    with pytest.raises(NegativeAnswerError, match="was rejected"):
        review.land(world.desk("pay.git"), pid)
    end = world.git("pay.git").info(f"refs/compass/closed/{pid}")
    assert end.trailer("Compass-Rejected-by") == "lead"
    assert not review.list_proposals(world.desk("pay.git"))


def test_who_sits_at_the_desk_follows_from_git_when_nothing_is_set(opened, monkeypatch):
    world, _, _ = opened
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", mail("cleo"))
    assert world.desk("pay.git", None).who == "cleo"
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "eve@example.com")
    assert world.desk("pay.git", None).who is None


def test_a_landing_by_nobody_known_is_committed_for_whoever_asked(opened):
    world, proposal, pid = opened
    world.approve("pay.git", proposal, "ben")
    landed = review.land(world.desk("pay.git", "eve"), pid)
    assert landed.end is not None
    assert landed.end.committer.email == mail("ann")


def test_a_clone_reviews_what_it_was_cloned_from(opened):
    world, _, pid = opened
    world.clone("pay.git", "clone", "ben")
    review.approve(world.desk("clone", "ben"), pid, KEYS["ben"])
    assert review.land(world.desk("clone", "ben"), pid).state == "landed"
    assert world.text("pay.git") == world.text("pay.git", ref="refs/heads/main")


def test_somebody_who_adds_to_the_branch_bars_themselves_and_a_stranger_bars_everybody(opened):
    world, proposal, pid = opened
    branch = f"refs/heads/{proposal.branch}"
    save(world.git("pay.git"), {"patterns/pool.md": entry("Better title")}, "ben", ref=branch)
    with pytest.raises(NegativeAnswerError, match="ben may not approve"):
        review.approve(world.desk("pay.git"), pid, KEYS["ben"])
    review.approve(world.desk("pay.git"), pid, KEYS["cleo"])
    git = world.git("pay.git")
    head = head_of(world, pid)
    stranger = git.commit(
        head.tree, [head.oid], "x\n\nCo-authored-by: Eve <eve@example.com>\n", person("ben")
    )
    git.update_ref(branch, stranger, head.oid)
    standing = review.approve(world.desk("pay.git"), pid, KEYS["lead"])
    assert standing.decision is not None
    assert standing.decision.missing[0].startswith("a commit by eve@example.com belongs to no person")
    with pytest.raises(NegativeAnswerError, match=r"eve@example.com"):
        review.land(world.desk("pay.git"), pid)


def test_a_proposal_that_touches_policy_needs_two_tribal_leads(opened):
    world, proposal, pid = opened
    save(
        world.git("pay.git"),
        {"compass.yaml": "schema: 1\n", "runbooks/x.md": None},
        "ben",
        ref=f"refs/heads/{proposal.branch}",
    )
    needs = {need.role: need.count for need in review.show(world.desk("pay.git"), pid).proposal().needs}
    assert needs == {"team_member": 1, "tribal_lead": 2}


def test_a_removed_file_lands_as_removed_also_when_main_moved(opened):
    world, _, _ = opened
    git = world.git("pay.git")
    save(git, {"patterns/old.md": entry(id="pat-0000000007")}, "ben")
    world.write(entry("Again"))
    proposal = world.contribute()
    pid = proposal.proposal or ""
    branch = f"refs/heads/{proposal.branch}"
    git.update_ref(branch, None, git.resolve(branch) or "")
    proposal = world.contribute()  # on the main of today, because the branch is gone
    save(git, {"patterns/old.md": None}, "cleo", ref=branch)
    save(git, {"runbooks/new.md": "x"}, "ben")
    review.approve(world.desk("pay.git"), pid, KEYS["lead"])
    review.land(world.desk("pay.git"), pid)
    assert {one.path for one in git.tree("refs/heads/main", "patterns")} == {"patterns/pool.md"}


def forged(world, pid, *, key="ben", who="ben", trailers=None, parents=None, signed=True):
    """An approval that is not what it says."""
    git = world.git("pay.git")
    head = head_of(world, pid)
    by = person("ben")
    if not signed:
        return git.commit(head.tree, [head.oid], message("x", (), [("Compass-Approve", pid)]), by)
    rows = trailers or [("Compass-Approve", pid), ("Compass-Head", head.oid), ("Compass-Tree", head.tree)]
    top = (
        f"tree {head.tree}\n"
        + "".join(f"parent {one}\n" for one in (parents if parents is not None else [head.oid]))
        + f"author {by}\ncommitter {by}\n"
    )
    text = message(f"Approve {who}", (), rows)
    armor = KEYS[key].sign(f"{top}\n{text}".encode()).rstrip("\n").replace("\n", "\n ")
    return git.write_object("commit", f"{top}gpgsig {armor}\n\n{text}".encode())


@pytest.mark.parametrize(
    "how",
    [
        "unsigned",
        "another person's key",
        "unknown key",
        "another proposal",
        "another tree",
        "no parent",
        "altered",
        "not a commit",
    ],
)
def test_a_forged_approval_is_no_approval(opened, how):
    world, _, pid = opened
    git = world.git("pay.git")
    head = head_of(world, pid)
    if how == "altered":
        good = git.read(forged(world, pid))
        oid = git.write_object("commit", good.replace(b"Ben <", b"Bob <"))
    elif how == "unknown key":
        KEYS["eve"] = sshsig.generate(b"e" * 32)
        oid = forged(world, pid, key="eve")
        del KEYS["eve"]
    else:
        oid = {
            "unsigned": lambda: forged(world, pid, signed=False),
            "another person's key": lambda: forged(world, pid, key="cleo"),
            "another proposal": lambda: forged(
                world,
                pid,
                trailers=[
                    ("Compass-Approve", "0" * 16),
                    ("Compass-Head", head.oid),
                    ("Compass-Tree", head.tree),
                ],
            ),
            "another tree": lambda: forged(
                world,
                pid,
                trailers=[("Compass-Approve", pid), ("Compass-Head", head.oid), ("Compass-Tree", "0" * 40)],
            ),
            "no parent": lambda: forged(world, pid, parents=[]),
            "not a commit": lambda: git.write_blob(b"x"),
        }[how]()
    ref = f"refs/compass/approvals/{pid}/{head.oid}/ben"
    git.update_ref(ref, oid, ZERO)
    standing = review.show(world.desk("pay.git"), pid)
    assert standing.decision is not None
    assert not standing.decision.counted
    approved = review.approve(world.desk("pay.git"), pid, KEYS["ben"])
    assert approved.decision is not None
    assert approved.decision.satisfied


def test_an_approval_is_read_back_as_who_head_and_tree(opened):
    world, _, pid = opened
    desk = world.desk("pay.git")
    head = head_of(world, pid)
    oid = write_approval(desk.target.git, pid, head, signature_of(desk.roster, "ben", NOW), KEYS["ben"])
    approval = read_approval(desk.target.git.read(oid), pid, desk.roster)
    assert (approval.who, approval.head, approval.tree) == ("ben", head.oid, head.tree)


def test_a_branch_that_main_contains_without_a_landing_is_not_landed(world):
    git = world.git("pay.git")
    main = git.resolve("refs/heads/main") or ""
    save(git, {"runbooks/x.md": "x"}, "ben")
    assert landing_of(git, git.resolve("refs/heads/main") or "", main) is None


def test_the_trailers_of_a_landing_say_in_which_roles_people_approved(opened):
    world, proposal, _ = opened
    landed = world.land("pay.git", proposal, "ben", "cleo")
    assert [(need.role, need.count, need.have) for need in landed.needs] == [("team_member", 1, 1)]


def test_the_outbox_keeps_the_first_id_and_gives_another_only_when_that_one_is_closed(world):
    slot = Slot(world.desk("pay.git").target.forge, "hub", "pat-0000000001", Verb.PROMOTE)
    first = slot.take(lambda: "0" * 16)
    assert slot.take(lambda: "1" * 16) == first == slot.current()
    assert slot.take(lambda: "1" * 16, closed=first) == "1" * 16
    assert slot.take(lambda: "2" * 16, closed=first) == "1" * 16


def test_an_outbox_that_cannot_be_read_or_is_never_free_is_an_error(world, monkeypatch):
    forge = world.desk("pay.git").target.forge
    slot = Slot(forge, "hub", "pat-0000000001", Verb.PROMOTE)

    def busy(*_):
        raise ConflictError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(type(forge), "keep", busy)
        with pytest.raises(ConflictError, match="too many at once"):
            slot.take(lambda: "0" * 16)
    old = None
    for data in (b"junk", b'{"proposal": 1}\n', b'{"other": "x"}\n', b"{x}\n"):
        new = forge.git.write_blob(data)
        forge.keep("hub", "pat-0000000001", "promote", new, old)
        old = new
        with pytest.raises(OutsideError, match="cannot be read"):
            slot.current()


def test_an_entry_is_followed_through_renames_by_its_id(world):
    git = world.git("pay.git")
    save(git, {"patterns/one.md": entry(), "patterns/aaa.md": entry(id="pat-0000000002")}, "ann")
    save(git, {"patterns/one.md": entry("Edited")}, "ben")
    save(git, {"patterns/one.md": None, "patterns/aaa.md": None, "patterns/two.md": entry("Edited")}, "cleo")
    head = save(git, {"patterns/two.md": entry("Again")}, "lead")
    found = find_entry(git, head, "pat-0000000001")
    assert found is not None
    assert [one.author.name for one in lineage(git, head, found.path, "pat-0000000001")] == [
        "Lead",
        "Cleo",
        "Ben",
        "Ann",
    ]
    assert list(lineage(git, head, "patterns/none.md", "pat-0000000001")) == []
    assert find_entry(git, head, "pat-0000000009") is None


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"---\nid: pat-0000000001\n---\n", "pat-0000000001"),
        (b"---\nid: 'pat-0000000001' # mine\n---\n", "pat-0000000001"),
        (b"---\ntitle: x\n---\nid: pat-0000000001\n", None),
        (b"id: pat-0000000001\n", None),
        (b"", None),
    ],
)
def test_an_id_is_read_from_the_front_matter_alone(data, found):
    assert id_in(data) == found


def test_a_tree_that_leads_out_of_its_folder_writes_nothing_there(world, tmp_path):
    git = world.git("pay.git")
    blob = git.git("hash-object", "-w", "--stdin", data=b"evil").decode().strip()
    tree = git.git("mktree", data=f"100644 blob {blob}\tescaped\n".encode()).decode().strip()
    for name in ("..", "recordings"):
        tree = git.git("mktree", data=f"040000 tree {tree}\t{name}\n".encode()).decode().strip()
    target = cast("Member", SimpleNamespace(git=git, commit=tree))
    inside = tmp_path / "outer" / "inside"
    inside.mkdir(parents=True)
    assert recordings_in(target, {}, inside) == {}
    assert not (tmp_path / "outer" / "escaped").exists()
