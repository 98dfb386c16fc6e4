import federation_world
import pytest
from federation_world import BODY, PAT, config, entry, save

from compass.adapters.documents import parse_yaml, split
from compass.errors import ConfigError, NegativeAnswerError, UsageError
from compass.federation import review
from compass.federation.moves import promote
from compass.model.scope import Level

template = federation_world.template
world = federation_world.world

MATCH = """
  window: 15m
  group_by: [service.name]
  signals:
    slow: {type: alert, matchers: ['alertname="HighLatency"']}
    acme: {type: log, template: 'timeout for %s after <*> ms'}
  condition: slow and acme
  order: [acme, slow]
  weights: {slow: 0.5, acme: 0.5}
  exclude: ['namespace="%s"']
"""
PRIVATE = "customers: [Globex]\ncloud_accounts: ['210987654321']\n"


@pytest.fixture
def ready(world):
    """The team has an entry by ben, and private names."""
    save(world.git("pay.git"), {"patterns/pool.md": entry(), "catalog/private.yaml": PRIVATE}, "ben")
    return world


def front(text):
    return parse_yaml(split(text).front)


def test_a_promotion_to_the_tribe_lands_with_both_roles_and_shares_no_object_with_the_team(ready):
    proposal = ready.promote()
    assert (proposal.state, proposal.target) == ("open", "tribe/shop")
    assert {need.role: need.count for need in proposal.needs} == {"team_lead": 1, "tribal_lead": 1}
    with pytest.raises(NegativeAnswerError, match="lacks 1 more team_lead"):
        ready.land("shop.git", proposal, "chief")
    landed = ready.land("shop.git", proposal, "lead")
    assert landed.state == "landed"
    assert not ready.objects("pay.git") & ready.objects("shop.git")
    commit = ready.git("shop.git").info(landed.landed or "")
    assert {value for key, value in commit.trailers if key == "Approved-by"} == {
        f"lead role=team_lead head={proposal.head}",
        f"chief role=tribal_lead head={proposal.head}",
    }
    path = next(one.path for one in ready.git("shop.git").tree("refs/heads/main", "patterns"))
    assert path == "patterns/connection-pool-is-exhausted.md"
    assert front(ready.text("shop.git", path))["provenance"] == {"drafted_by": "human", "origin": "team/pay"}
    assert (commit.trailer("Compass-Source") or "").startswith("team/pay@")
    assert ready.promote().state == "landed"


def test_neither_the_author_of_the_source_nor_who_asks_may_approve(ready):
    save(ready.git("pay.git"), {"patterns/pool.md": entry("Pool is exhausted")}, "lead")
    proposal = ready.promote(who="ann")
    for who, reason in (("lead", "wrote the source entry"), ("ann", "made or changed")):
        with pytest.raises(NegativeAnswerError, match=reason):
            ready.approve("shop.git", proposal, who)
    ready.land("shop.git", proposal, "cleo", "vice")


def test_private_words_are_replaced_everywhere_and_counted(ready):
    text = entry(
        "Connection pool is exhausted for Globex",
        BODY + "\nGlobex waits. See 210987654321.\n",
        match=MATCH % ("Globex", "210987654321"),
        tags="[area:database]",
        references="[{type: WEB, url: 'https://example.com/docs/'}]",
        evidence="[{id: e1, type: log, query: 'Globex', observed: 'Globex waits', sha256: " + "a" * 64 + "}]",
    )
    save(ready.git("pay.git"), {"patterns/pool.md": text}, "ben")
    proposal = ready.promote()
    ready.land("shop.git", proposal, "lead", "chief")
    path = next(one.path for one in ready.git("shop.git").tree("refs/heads/main", "patterns"))
    found = ready.text("shop.git", path)
    everything = b"".join(ready.git("shop.git").read_many(ready.objects("shop.git")).values())
    for word in (b"globex", b"210987654321"):
        assert word not in everything.lower()
        assert word.decode() not in path
    assert sum(one.count for one in proposal.replaced) >= 4
    assert front(found)["match"]["condition"] == "slow"
    assert front(found)["match"]["partial"] is True
    assert set(front(found)["match"]["signals"]) == {"slow"}
    assert front(found)["evidence"][0]["redacted"] is True
    assert (
        review.show(ready.desk("shop.git"), proposal.proposal or "").proposal().replaced == proposal.replaced
    )


def test_the_pseudonyms_of_an_entry_stay_in_the_source_and_never_change(ready):
    save(ready.git("pay.git"), {"patterns/pool.md": entry(body=BODY + "\nSeen at Globex.\n")}, "ben")
    first = ready.promote()
    before = ready.text("shop.git", "patterns/connection-pool-is-exhausted.md", f"refs/heads/{first.branch}")
    ready.land("shop.git", first, "lead", "chief")
    private = PRIVATE.replace("[Globex]", "[Initech, Globex]")
    body = BODY + "\nSeen at Initech, then.\n\nSeen at Globex.\n"
    save(ready.git("pay.git"), {"patterns/pool.md": entry(body=body), "catalog/private.yaml": private}, "ben")
    second = ready.promote()
    after = ready.text("shop.git", "patterns/connection-pool-is-exhausted.md", f"refs/heads/{second.branch}")
    last = before.rstrip("\n").splitlines()[-1]
    assert last in after.splitlines()
    maps = ready.git("pay.git").tree("refs/compass/maps")
    assert [one.path for one in maps] == [f".compass/maps/{PAT}.json"]
    assert not any("maps" in one.path for one in ready.git("shop.git").tree(f"refs/heads/{second.branch}"))


def test_promoting_again_after_an_edit_merges_with_what_the_tribe_changed(ready):
    ready.land("shop.git", ready.promote(), "lead", "chief")
    path = "patterns/connection-pool-is-exhausted.md"
    theirs = ready.text("shop.git", path).replace("Make the pool larger", "Make the pool much larger")
    save(ready.git("shop.git"), {path: theirs}, "chief")
    assert ready.promote().state == "landed"
    save(ready.git("pay.git"), {"patterns/pool.md": entry("Pool is exhausted")}, "ben")
    ready.land("shop.git", ready.promote(), "lead", "vice")
    assert "much larger" in ready.text("shop.git", path)
    assert "title: Pool is exhausted" in ready.text("shop.git", path)
    save(ready.git("pay.git"), {"patterns/pool.md": entry("Pool is empty", severity="high")}, "ben")
    ready.land("shop.git", ready.promote(), "lead", "vice")
    found = ready.text("shop.git", path)
    assert all(word in found for word in ("much larger", "title: Pool is empty", "severity: high"))


def test_links_and_tests_that_the_tribe_does_not_have_become_plain_words_or_go(ready):
    runbook = entry("Restart the workers", kind="runbook", id="run-0000000001").replace(
        "pattern.json", "runbook.json"
    )
    save(ready.git("pay.git"), {"runbooks/r.md": runbook}, "ben")
    known = runbook.replace("run-0000000001", "run-0000000002")
    save(ready.git("shop.git"), {"runbooks/r.md": known}, "chief")
    text = entry(
        body=BODY + "\nThen [[run-0000000001]], or [[run-0000000002]].\n",
        mitigations="[run-0000000001, run-0000000002]",
        related="[{type: similar, id: run-0000000001}]",
        x="{note: secret}",
    )
    save(ready.git("pay.git"), {"patterns/pool.md": text}, "ben")
    proposal = ready.promote()
    assert {"dropped: mitigations", "dropped: related", "dropped: x"} <= set(proposal.notes)
    path = "patterns/connection-pool-is-exhausted.md"
    found = ready.text("shop.git", path, f"refs/heads/{proposal.branch}")
    assert "Then “Restart the workers”, or [[run-0000000002]]." in found
    assert front(found)["mitigations"] == ["run-0000000002"]
    assert not {"related", "x"} & set(front(found))


def test_toward_the_hub_where_it_came_from_is_sealed_and_the_right_people_must_agree(ready):
    save(
        ready.git("shop.git"),
        {"patterns/pool.md": entry(evidence="[{id: e1, type: log, query: up, observed: x}]")},
        "chief",
    )
    proposal = ready.promote("shop.git", who="ann")
    assert proposal.target == "hub"
    with pytest.raises(NegativeAnswerError, match="otto may not approve"):
        ready.approve("hub.git", proposal, "otto")
    landed = ready.land("hub.git", proposal, "vice", "scrub-1")
    commit = ready.git("hub.git").info(landed.landed or "")
    sealed = {commit.trailer(key) for key in ("Compass-Source", "Compass-Source-Blob", "Compass-Plan")}
    assert len(sealed) == 1
    value = sealed.pop() or ""
    assert value.startswith("sealed:shop-1:")
    found = front(ready.text("hub.git", "patterns/connection-pool-is-exhausted.md"))
    assert found["provenance"]["origin"] == value
    assert found["owner"] == "group:default/hub-stewards"
    assert found["services"] == ["category:service"]
    assert found["evidence"] == [{"id": "e1", "type": "log", "redacted": True}]
    everything = b"".join(ready.git("hub.git").read_many(ready.objects("hub.git")).values())
    assert b"tribe/shop" not in everything
    assert not ready.objects("shop.git") & ready.objects("hub.git")
    assert ready.promote("shop.git").state == "landed"
    save(ready.git("shop.git"), {"patterns/pool.md": entry("Pool is exhausted")}, "chief")
    again = ready.promote("shop.git")
    assert again.state == "open"


def test_what_stands_in_the_way_of_a_promotion_is_told(ready):
    save(ready.git("shop.git"), {"patterns/pool.md": entry()}, "chief")
    ready.seal_key = None
    with pytest.raises(ConfigError, match="needs the tribe's seal key"):
        ready.promote("shop.git")
    ready.seal_key = "shop-1:" + "5a" * 32
    with pytest.raises(NegativeAnswerError, match="otto does not belong to tribe/shop"):
        ready.promote("shop.git", who="otto")
    with pytest.raises(UsageError, match="is promoted to the tribe, not to the hub"):
        promote(ready.root / "pay.git", PAT, ready.setting("ann"), to=Level.HUB)
    for name in ("me", "hub.git"):
        with pytest.raises(UsageError, match="from which nothing is promoted"):
            ready.promote(name)
    save(
        ready.git("pay.git"),
        {"compass.yaml": config("team", "team/core", "../shop.git", "../org.git")},
        "ben",
    )
    with pytest.raises(NegativeAnswerError, match="team/core is no team of tribe/shop"):
        ready.promote()
    save(ready.git("pay.git"), {"compass.yaml": config("team", "team/pay", "../shop.git")}, "ben")
    save(ready.git("shop.git"), {"compass.yaml": config("tribe", "tribe/shop", "../gone")}, "ben")
    with pytest.raises(ConfigError, match="leads to the organization's repository"):
        ready.promote()


def test_a_clone_promotes_what_its_team_has_and_shares_the_teams_outbox(ready):
    ready.clone("pay.git", "clone", "ann")
    save(ready.git("clone"), {"patterns/pool.md": entry("Only in the clone")}, "ann")
    first = ready.promote("clone")
    assert first.title == "Promote pattern: Connection pool is exhausted"
    assert ready.promote("pay.git", who="ben").proposal == first.proposal
    assert ready.promote("clone", dry=True).proposal == first.proposal


def test_a_word_of_which_the_anonymizer_is_not_sure_stops_the_promotion_with_its_place(ready):
    text = entry("Pool of zorblax-q7 is exhausted", BODY + "\nAsk qxwv-8841-kzt why.\n")
    save(ready.git("pay.git"), {"patterns/pool.md": text}, "ben")
    line = text.splitlines().index("Ask qxwv-8841-kzt why.") + 1
    with pytest.raises(NegativeAnswerError, match="not sure of these words") as caught:
        ready.promote()
    assert "patterns/pool.md:6: " in str(caught.value)
    assert f"patterns/pool.md:{line}: " in str(caught.value)
    assert not ready.git("shop.git").refs("refs/heads/compass")
    assert not ready.git("pay.git").refs("refs/compass")
