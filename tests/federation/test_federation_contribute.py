import federation_world
import pytest
from federation_world import BODY, PAT, entry, mail, save

from compass.errors import ConfigError, NegativeAnswerError, UsageError

SENT = entry(provenance="\n  drafted_by: human\n  origin: personal/ann").replace(
    "provenance: \n", "provenance:\n"
)

template = federation_world.template
world = federation_world.world


def test_a_contribution_from_the_personal_repository_is_committed_sent_approved_and_landed(world):
    world.write(entry())
    proposal = world.contribute(entry="patterns/pool.md")
    assert (proposal.state, proposal.target, proposal.verb) == ("open", "team/pay", "contribute")
    assert [(need.role, need.count, need.have) for need in proposal.needs] == [("team_member", 1, 0)]
    assert world.git("me").attempt("status", "--porcelain")[1] == b""
    landed = world.land("pay.git", proposal, "ben")
    assert landed.state == "landed"
    assert world.text("pay.git") == SENT
    commit = world.git("pay.git").info(landed.landed or "")
    assert [key for key, _ in commit.trailers] == [
        "Compass-Entry",
        "Compass-Proposal",
        "Compass-Verb",
        "Compass-Base-Blob",
        "Compass-Transform",
        "Compass-Policy",
        "Compass-Source",
        "Compass-Source-Blob",
        "Compass-Plan",
        "Approved-by",
    ]
    assert commit.trailer("Approved-by") == f"ben role=team_member head={proposal.head}"
    assert commit.parents[1] == proposal.head
    assert "refs/heads/compass/propose" not in " ".join(world.git("pay.git").refs("refs/heads"))


def test_sending_the_same_again_changes_nothing_before_and_after_landing(world):
    world.write(entry())
    first = world.contribute()
    assert world.contribute().head == first.head
    world.land("pay.git", first, "ben")
    again = world.contribute()
    assert (again.state, again.proposal) == ("landed", first.proposal)


def test_an_edit_after_landing_is_a_new_proposal_and_an_edit_before_it_moves_the_branch(world):
    world.write(entry())
    first = world.contribute()
    world.approve("pay.git", first, "ben")
    world.write(entry("Connection pool is empty"))
    second = world.contribute()
    assert second.proposal == first.proposal
    assert second.head != first.head
    assert second.needs[0].have == 0
    assert any("stale" in note for note in second.notes)
    world.land("pay.git", second, "ben")
    world.write(entry("Connection pool is quite empty"))
    third = world.contribute()
    assert third.proposal != first.proposal
    assert third.state == "open"


def test_a_dry_run_shows_everything_that_would_leave_and_writes_nothing(world):
    world.write(entry())
    before = {name: world.objects(name) for name in ("me", "pay.git")}
    proposal = world.contribute(dry=True)
    assert proposal.proposal is None
    assert proposal.leaves is not None
    assert proposal.leaves["patterns/pool.md"] == SENT
    assert "Compass-Source: personal/ann@uncommitted" in proposal.leaves[""]
    assert {name: world.objects(name) for name in ("me", "pay.git")} == before
    sent = world.contribute()
    assert world.contribute(dry=True).proposal == sent.proposal


def test_an_entry_that_another_already_brought_is_unchanged_and_no_id_is_drawn(world):
    world.write(entry())
    save(world.git("pay.git"), {"patterns/pool.md": SENT}, "ben")
    for dry in (True, False):
        proposal = world.contribute(dry=dry)
        assert (proposal.state, proposal.proposal) == ("unchanged", None)
    assert not world.git("me").refs("refs/compass/outbox")


def test_recordings_that_the_tests_name_come_along(world):
    recording = "schema: 1\nid: pool\nsynthetic: true\nwindow: {from: 2026-01-01T00:00:00Z, to: 2026-01-01T01:00:00Z}\n"
    save(
        world.git("me"),
        {"recordings/pool/recording.yaml": recording, "recordings/pool/graph.csv": "caller,callee\n"},
        "ann",
    )
    match = "{window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"Slow\"']}}, condition: slow}"
    world.write(entry(match=match, tests="{must_match: [pool]}"))
    proposal = world.contribute()
    world.land("pay.git", proposal, "ben")
    assert world.text("pay.git", "recordings/pool/graph.csv") == "caller,callee\n"
    assert world.contribute().state == "landed"


def test_the_file_name_of_another_entry_is_not_taken(world):
    save(world.git("pay.git"), {"patterns/pool.md": entry(id="pat-0000000002")}, "ben")
    world.write(entry())
    proposal = world.contribute()
    world.land("pay.git", proposal, "ben")
    assert world.text("pay.git", "patterns/pool-2.md") == SENT


def test_a_clone_of_the_team_sends_what_is_in_head(world):
    save(world.git("pay.git"), {"patterns/pool.md": entry()}, "ben")
    clone = world.clone("pay.git", "clone", "cleo")
    save(world.git("clone"), {"patterns/pool.md": entry("Connection pool runs dry")}, "cleo")
    (clone / "patterns/pool.md").write_text("scribble")
    proposal = world.contribute("clone", str(clone / "patterns" / "pool.md"), "cleo")
    assert any("differs in the working tree" in note for note in proposal.notes)
    assert world.land("pay.git", proposal, "ben").state == "landed"
    assert "runs dry" in world.text("pay.git")


def test_two_clones_that_edit_different_fields_both_land_and_neither_is_lost(world):
    save(world.git("pay.git"), {"patterns/pool.md": entry()}, "ben")
    world.clone("pay.git", "one", "ann")
    world.clone("pay.git", "two", "cleo")
    save(world.git("one"), {"patterns/pool.md": entry("Connection pool runs dry")}, "ann")
    save(world.git("two"), {"patterns/pool.md": entry(body=BODY.replace("larger", "twice as large"))}, "cleo")
    world.land("pay.git", world.contribute("one"), "ben")
    second = world.contribute("two", who="cleo")
    assert second.state == "open"
    world.land("pay.git", second, "ben")
    save(world.git("one"), {"patterns/pool.md": entry("Connection pool runs dry", severity="high")}, "ann")
    world.land("pay.git", world.contribute("one"), "ben")
    found = world.text("pay.git")
    assert all(word in found for word in ("runs dry", "twice as large", "severity: high"))


def test_what_the_target_edited_survives_and_a_true_conflict_keeps_it_and_says_so(world):
    world.write(entry())
    world.land("pay.git", world.contribute(), "ben")
    save(world.git("pay.git"), {"patterns/pool.md": entry("Pool is exhausted, says the team")}, "ben")
    world.write(entry(severity="high"))
    merged = world.contribute()
    world.land("pay.git", merged, "cleo")
    assert "says the team" in world.text("pay.git")
    assert "severity: high" in world.text("pay.git")
    world.write(entry("Pool is exhausted, says ann", severity="low"))
    proposal = world.contribute()
    assert (proposal.state, proposal.conflicts) == ("conflicted", ("title",))
    assert "says the team" in world.text("pay.git", ref=f"refs/heads/{proposal.branch}")
    assert "severity: low" in world.text("pay.git", ref=f"refs/heads/{proposal.branch}")
    world.approve("pay.git", proposal, "cleo")
    with pytest.raises(NegativeAnswerError, match="conflicted in title"):
        world.land("pay.git", proposal, "cleo")


def test_a_conflict_that_is_settled_on_the_branch_lands_and_is_not_overwritten_by_another_run(world):
    world.write(entry())
    world.land("pay.git", world.contribute(), "ben")
    save(world.git("pay.git"), {"patterns/pool.md": entry("Theirs")}, "ben")
    world.write(entry("Mine"))
    proposal = world.contribute()
    assert proposal.state == "conflicted"
    assert world.contribute().head == proposal.head
    save(
        world.git("pay.git"), {"patterns/pool.md": entry("Ours")}, "lead", ref=f"refs/heads/{proposal.branch}"
    )
    settled = world.contribute()
    assert (settled.state, settled.head != proposal.head) == ("open", True)
    world.write(entry("Mine, once more"))
    with pytest.raises(NegativeAnswerError, match="holds commits of somebody else"):
        world.contribute()
    with pytest.raises(NegativeAnswerError, match="made or changed this proposal"):
        world.approve("pay.git", settled, "lead")
    world.land("pay.git", settled, "cleo")
    assert "title: Ours" in world.text("pay.git")


def test_after_a_rejection_the_same_text_stays_rejected_and_another_is_a_new_proposal(world):
    from compass.federation import review

    world.write(entry())
    proposal = world.contribute()
    rejected = review.reject(
        world.desk("pay.git", "ben"), proposal.proposal or "", "Say how large.\nApproved-by: eve"
    ).proposal()
    assert rejected.notes == ("rejected: Say how large. Approved-by: eve",)
    again = world.contribute()
    assert (again.state, again.proposal) == ("rejected", proposal.proposal)
    world.write(entry("Pool of 10 is exhausted"))
    fresh = world.contribute()
    assert (fresh.state, fresh.proposal != proposal.proposal) == ("open", True)


def test_a_revert_of_the_source_while_a_proposal_is_open_leaves_the_proposal_to_its_reviewers(world):
    world.write(entry())
    world.land("pay.git", world.contribute(), "ben")
    world.write(entry("Other"))
    second = world.contribute()
    world.write(entry())
    assert world.contribute().proposal == second.proposal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry(summary=""), r"pool.md:6: a proposal needs a summary"),
        (entry(status="withdrawn", withdrawn="{reason: wrong, at: 2026-01-01}"), "is withdrawn"),
        (entry(owner="group:default/nobody"), r"pool.md:\d+:\d+"),
        (entry(colour="red"), r"not a valid entry"),
        ("no front matter", r"not a valid entry"),
    ],
)
def test_what_may_not_leave_is_refused_with_its_place(world, text, message):
    world.write(text)
    with pytest.raises(NegativeAnswerError, match=message):
        world.contribute(entry="patterns/pool.md")
    assert not world.git("pay.git").refs("refs/heads/compass")


def test_who_asks_must_be_known(world, monkeypatch):
    world.write(entry())
    with pytest.raises(UsageError, match=r"'eve' is not in the organization's people\.yaml"):
        world.contribute(who="eve")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "eve@example.com")
    with pytest.raises(UsageError, match=r"eve@example\.com is no person"):
        world.contribute(who=None)
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", mail("ann"))
    assert world.contribute(who=None).state == "open"


def test_an_entry_that_is_nowhere_or_only_in_the_working_tree_of_a_clone_is_explained(world):
    with pytest.raises(NegativeAnswerError, match="has no entry pat-0000000001"):
        world.contribute()
    clone = world.clone("pay.git", "clone", "cleo")
    (clone / "patterns").mkdir()
    (clone / "patterns/pool.md").write_text(entry())
    for name in (PAT, "patterns/pool.md"):
        with pytest.raises(NegativeAnswerError, match="only in the working tree") as caught:
            world.contribute("clone", name, "cleo")
        assert "git -C" in (caught.value.hint or "")
    with pytest.raises(NegativeAnswerError, match=r"has no entry patterns/other\.md"):
        world.contribute("clone", "patterns/other.md", "cleo")


def test_a_repository_that_leads_nowhere_says_what_is_missing(world):
    world.write(entry())
    with pytest.raises(UsageError, match="is not a clone"):
        world.contribute("pay.git")
    save(
        world.git("me"),
        {"compass.yaml": "schema: 1\nlevel: personal\nid: personal/ann\nparents: [../gone, ../hub.git]\n"},
        "ann",
    )
    with pytest.raises(ConfigError, match="names no parent of the level team"):
        world.contribute()
    clone = world.clone("pay.git", "clone", "cleo")
    save(world.git("clone"), {"compass.yaml": "schema: 1\nlevel: team\nid: team/other\n"}, "cleo")
    with pytest.raises(ConfigError, match="its origin that it is team/pay"):
        world.contribute(clone.name, who="cleo")


def test_a_commit_by_nobody_known_in_a_clone_stops_the_contribution(world):
    world.clone("pay.git", "clone", "cleo")
    git = world.git("clone")
    save(git, {"patterns/pool.md": entry()}, "cleo", "Edit\n\nCo-authored-by: Eve <eve@example.com>\n")
    with pytest.raises(NegativeAnswerError, match=r"by eve@example.com, whom the organization does not know"):
        world.contribute("clone", who="cleo")


ODD = "{mask: 0o_}"  # text to our reader, and more than the one that edits can read


def test_an_entry_that_cannot_be_rewritten_on_its_way_is_refused_with_its_place(world):
    world.write(entry(x=ODD))
    with pytest.raises(NegativeAnswerError, match=r"patterns/pool\.md: the front matter cannot be rewritten"):
        world.contribute()


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (entry(x=ODD), "cannot be merged with: the front matter cannot be rewritten"),
        (f"---\n- |\n  a\n\nid: {PAT}\n---\n", "cannot be merged with"),
        (f"---\n|\nid: {PAT}\n---\n", "cannot be merged with"),
    ],
)
def test_an_odd_file_in_the_target_is_named_and_nothing_is_sent(world, there, message):
    save(world.git("pay.git"), {"patterns/pool.md": there}, "ben")
    world.write(entry("Connection pool runs dry"))
    with pytest.raises(NegativeAnswerError, match=message):
        world.contribute()


def test_a_file_of_the_target_that_is_no_text_is_named(world):
    bad = entry().encode().replace(b"Requests", b"R\xffquests")
    git = world.git("pay.git")
    old = git.resolve("refs/heads/main")
    tree = git.write_tree(old, {"patterns/pool.md": bad})
    git.update_ref("refs/heads/main", git.commit(tree, [old], "Odd", federation_world.person("ben")), old)
    world.write(entry("Connection pool runs dry"))
    with pytest.raises(NegativeAnswerError, match=r"cannot be merged with:\n.*not UTF-8"):
        world.contribute()


def test_carriage_returns_in_the_target_are_no_obstacle(world):
    save(world.git("pay.git"), {"patterns/pool.md": entry().replace("\n", "\r\n")}, "ben")
    world.write(entry(severity="high"))
    proposal = world.contribute()
    text = world.text("pay.git", ref=f"refs/heads/{proposal.branch}")
    assert "severity: high" in text
    assert "\r" not in text
