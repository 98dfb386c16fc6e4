"""What of an entry may cross at all, and what the anonymizer's answer does to each part of it."""

import hashlib

import federation_world
import pytest
from federation_world import BODY, KEYS, NOW, PAT, config, entry, save

from compass.adapters.documents import parse_yaml, split
from compass.adapters.forge.plain import PlainForge
from compass.anonymize import Redacted, Span
from compass.anonymize.known import catalog_of
from compass.errors import ConflictError, NegativeAnswerError
from compass.federation import review
from compass.federation.identity import allowed_words, transform
from compass.federation.maps import keep_map, read_map
from compass.federation.reduction import reduce
from compass.federation.repositories import find_roster, open_member
from compass.federation.scrubbing import Scrubber
from compass.library import load

template = federation_world.template
world = federation_world.world

ENTITIES = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger}
spec: {type: database}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: odd}
spec: {type: Very Special}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: everything}
"""


def below(world):
    save(world.git("pay.git"), {"catalog/more.yaml": ENTITIES}, "ben")
    return load(world.root / "pay.git", parents=True)


def test_what_crosses_to_the_tribe(world):
    front = {
        "title": "T",
        "participants": ["ann"],
        "roles": {"lead": "ann"},
        "times": {"start": "2026-01-01T00:00:00Z"},
        "patterns": [PAT, "pat-0000000002"],
        "mitigations": ["run-0000000001"],
        "related": [{"type": "similar", "id": PAT}],
        "provenance": {"drafted_by": "agent", "tool": "compass 1", "investigation": "inv-1", "origin": "x"},
        "actions": [{"text": "Do", "owner": "group:default/pay", "tracker": "PAY-1"}],
        "owner": "group:default/pay",
    }
    kept, notes = reduce(front, {PAT}, below(world), hub=False)
    assert kept == {
        "title": "T",
        "times": {"start": "2026-01-01T00:00:00Z"},
        "patterns": [PAT],
        "related": [{"type": "similar", "id": PAT}],
        "provenance": {"drafted_by": "agent", "tool": "compass 1"},
        "actions": [{"text": "Do", "owner": "group:default/pay"}],
        "owner": "group:default/pay",
    }
    assert notes == [f"dropped: {name}" for name in ("participants", "roles", "mitigations", "patterns")]


def test_what_crosses_to_the_hub(world):
    front = {
        "times": {"start": "2026-01-01T00:00:00Z"},
        "actions": [{"text": "Do", "owner": "group:default/pay", "due": "2026-02-01"}],
        "services": [f"component:default/{name}" for name in ("ledger", "odd", "gone", "checkout")]
        + ["category:queue"],
        "owner": "group:default/pay",
    }
    kept, notes = reduce(front, set(), below(world), hub=True)
    assert kept == {
        "actions": [{"text": "Do"}],
        "services": ["category:database", "category:service", "category:queue"],
        "owner": "group:default/hub-stewards",
    }
    assert notes == ["dropped: times"]
    assert reduce({"title": "T"}, set(), below(world), hub=True) == ({"title": "T"}, [])


def strike(text):
    """An anonymizer that knows one private word, one secret and one word that it is not sure of."""
    spans = []
    for word, label in (("globex", "CUSTOMER"), ("hunter2", "SECRET"), ("frobnitz", "UNKNOWN")):
        start = text.find(word)
        if start >= 0:
            spans.append(Span(start, start + len(word), label, "test", "⟨x-1⟩"))
    new = text
    for span in sorted(spans, key=lambda span: -span.start):
        new = new[: span.start] + span.replacement + new[span.end :]
    return Redacted(new, tuple(spans))


@pytest.fixture
def scrub(world):
    save(world.git("pay.git"), {"patterns/pool.md": entry()}, "ben")
    return Scrubber(load(world.root / "pay.git").by_id[PAT], strike)


def test_every_free_text_is_rewritten_and_typed_values_stay(scrub):
    front = {
        "id": "globex",
        "license": "Apache-2.0",
        "title": "globex",
        "steps": [{"id": "s1", "text": "ask globex", "risk": "read_only"}],
        "number": 3,
    }
    assert scrub.front(front) == {
        "id": "globex",
        "license": "Apache-2.0",
        "title": "⟨x-1⟩",
        "steps": [{"id": "s1", "text": "ask ⟨x-1⟩", "risk": "read_only"}],
        "number": 3,
    }
    assert scrub.front({"license": "globex"}) == {"license": "⟨x-1⟩"}
    assert scrub.body("See [[run-globex]] of globex, ⟨compass-link-0⟩.") == "See [[run-globex]] of ⟨x-1⟩, 0⟩."
    assert [(one.klass, one.rule, one.count) for one in scrub.replaced()] == [("CUSTOMER", "test", 4)]
    assert scrub.notes() == ()


def test_what_a_machine_reads_is_kept_whole_or_dropped(scrub):
    assert scrub.front({"tags": ["a:b", "a:globex"], "aliases": ["globex"]}) == {"tags": ["a:b"]}
    assert scrub.notes() == (
        "dropped: tags[1], which held a private word",
        "dropped: aliases[0], which held a private word",
    )


def test_evidence_that_changed_says_so_and_has_the_digest_of_what_is_left(scrub):
    seen = {"id": "e1", "type": "log", "observed": "globex waits", "sha256": "0" * 64}
    same = {"id": "e2", "type": "log", "observed": "it waits", "sha256": "0" * 64}
    bare = {"id": "e3", "type": "log", "query": "globex"}
    found = scrub.front({"evidence": [seen, same, bare]})["evidence"]
    digest = hashlib.sha256("⟨x-1⟩ waits".encode()).hexdigest()
    assert found[0] == {
        "id": "e1",
        "type": "log",
        "observed": "⟨x-1⟩ waits",
        "sha256": digest,
        "redacted": True,
    }
    assert found[1] == same
    assert found[2] == {"id": "e3", "type": "log", "query": "⟨x-1⟩", "redacted": True}


SLOW = {"type": "alert", "matchers": ['alertname="Slow"']}


def test_a_match_without_private_words_stays_and_one_of_nothing_else_goes(scrub):
    match = {"window": "15m", "signals": {"slow": SLOW}, "condition": "slow"}
    assert scrub.front({"match": match}) == {"match": match}
    private = {"window": "15m", "signals": {"globex": SLOW}, "condition": "globex"}
    assert scrub.front({"match": private}) == {}
    both = {
        "window": "15m",
        "signals": {"slow": SLOW, "type": {"type": "log", "template": "globex"}},
        "condition": "slow and type",
        "order": ["type", "slow"],
        "weights": {"type": 0.5, "slow": 0.5},
        "exclude": ['org="globex"', 'org="x"'],
    }
    assert scrub.front({"match": both})["match"] == {
        "window": "15m",
        "signals": {"slow": SLOW},
        "condition": "slow",
        "order": ["slow"],
        "weights": {"slow": 0.5},
        "exclude": ['org="x"'],
        "partial": True,
    }


def test_secrets_are_told_and_words_to_decide_on_stop_everything_once_each(scrub):
    scrub.refuse_unsure()
    scrub.body("The password is hunter2.\n\nAsk frobnitz.\nAsk frobnitz.")
    assert scrub.notes() == ("1 secrets stood in patterns/pool.md: rotate them and remove them there",)
    with pytest.raises(NegativeAnswerError, match=r"patterns/pool\.md:15: 'frobnitz'$"):
        scrub.refuse_unsure()


def test_the_catalog_holds_what_the_organization_knows_of_itself(world):
    library = below(world)
    roster = find_roster(
        open_member(str(world.root / "pay.git"), world.root / "clones"), world.root / "clones"
    )
    catalog = catalog_of(library, roster.people, roster.teams)
    assert {"ledger", "checkout", "odd"} <= set(catalog.names.services)
    assert {"pay", "core", "shop", "base"} <= set(catalog.names.teams)
    handles = {person.email: person.handle for person in catalog.names.people}
    assert handles["ann@example.com"] == ""
    assert handles["scrub-1@example.com"] == "scrub-1"
    assert catalog.categories["ledger"] == "database"
    assert transform().startswith("anonymize/")
    assert transform() == transform()


def test_reviewers_of_the_source_may_let_words_through(world):
    clones = world.root / "clones"
    assert allowed_words(open_member(str(world.root / "pay.git"), clones)) == frozenset()
    text = "schema: 1\nwords:\n  - {word: Frobnitz, reason: a public product}\n"
    save(world.git("pay.git"), {"vocabulary/allow.yaml": text}, "ben")
    assert allowed_words(open_member(str(world.root / "pay.git"), clones)) == {"frobnitz"}


def test_a_map_is_kept_once_and_never_over_somebody_elses(world, monkeypatch):
    forge = PlainForge.open(str(world.root / "pay.git"), world.root / "unused")
    assert read_map(forge, PAT) is None
    keep_map(forge, PAT, None, "one", NOW)
    head = forge.maps()
    keep_map(forge, PAT, None, "one", NOW)
    assert forge.maps() == head
    with pytest.raises(ConflictError, match="were changed by somebody else"):
        keep_map(forge, PAT, None, "two", NOW)
    keep_map(forge, PAT, "one", "two", NOW)
    assert read_map(forge, PAT) == "two"
    kept = PlainForge.keep_maps
    others = iter([True])

    def race(self, new, old):
        if next(others, None):
            keep_map(forge, "pat-0000000002", None, "theirs", NOW)
        kept(self, new, old)

    monkeypatch.setattr(PlainForge, "keep_maps", race)
    keep_map(forge, PAT, "two", "three", NOW)
    assert (read_map(forge, PAT), read_map(forge, "pat-0000000002")) == ("three", "theirs")

    def busy(*_):
        raise ConflictError("busy")

    monkeypatch.setattr(PlainForge, "keep_maps", busy)
    with pytest.raises(ConflictError, match="were changed by somebody else"):
        keep_map(forge, PAT, "three", "four", NOW)


def test_a_dry_run_of_a_merge_shows_what_would_be_sent_and_what_would_stand(world):
    world.write(entry())
    world.land("pay.git", world.contribute(), "ben")
    theirs = world.text("pay.git").replace("Make the pool larger", "Make the pool much larger")
    save(world.git("pay.git"), {"patterns/pool.md": theirs}, "ben")
    world.write(entry(severity="high"))
    leaves = world.contribute(dry=True).leaves
    assert leaves is not None
    assert "much larger" not in leaves["patterns/pool.md"]
    assert "much larger" in leaves["patterns/pool.md (merged)"]
    assert "Merged with what the target had changed." in leaves[" (merged)"]


def test_an_id_that_was_drawn_for_nothing_is_used_when_there_is_something(world):
    world.write(entry())
    first = world.contribute()
    git = world.git("pay.git")
    git.update_ref(f"refs/heads/{first.branch}", None, first.head or "")
    save(git, {"patterns/pool.md": world.text("pay.git", ref=first.head or "")}, "ben")
    assert world.contribute().state == "unchanged"
    world.write(entry("Other"))
    assert world.contribute().proposal == first.proposal


def test_a_recording_that_is_too_large_is_not_sent(world):
    recording = "schema: 1\nid: pool\nwindow: {from: 2026-01-01T00:00:00Z, to: 2026-01-01T01:00:00Z}\n"
    large = "x" * (17 * 1024 * 1024)
    save(
        world.git("me"),
        {"recordings/pool/recording.yaml": recording, "recordings/pool/metrics.csv": large},
        "ann",
    )
    match = "{window: 15m, signals: {slow: {type: alert, matchers: ['alertname=\"Slow\"']}}, condition: slow}"
    world.write(entry(match=match, tests="{must_match: [pool]}"))
    with pytest.raises(NegativeAnswerError, match=r"recordings/pool/metrics\.csv is too large"):
        world.contribute()


def test_somebody_unknown_in_the_personal_repository_bars_nobody(world):
    message = "Edit\n\nCo-authored-by: Eve <eve@example.com>\n"
    save(world.git("me"), {"patterns/pool.md": entry()}, "ann", message)
    proposal = world.contribute()
    assert world.land("pay.git", proposal, "ben").state == "landed"


def test_a_proposal_that_landed_halfway_waits_for_no_decision(world):
    class StopError(Exception):
        pass

    def stop(name):
        if name == "advanced":
            raise StopError

    world.write(entry())
    proposal = world.contribute()
    world.approve("pay.git", proposal, "ben")
    with pytest.raises(StopError):
        review.land(world.desk("pay.git", step=stop), proposal.proposal or "")
    assert review.list_proposals(world.desk("pay.git")) == ()
    with pytest.raises(NegativeAnswerError, match="is already landed"):
        review.approve(world.desk("pay.git"), proposal.proposal or "", KEYS["lead"])


def test_an_end_that_compass_did_not_record_is_an_error(world):
    world.write(entry())
    pid = world.contribute().proposal or ""
    git = world.git("pay.git")
    PlainForge.open(str(git.root), world.root / "unused").close(pid, git.resolve("refs/heads/main") or "")
    with pytest.raises(Exception, match="was not recorded by COMPASS"):
        review.show(world.desk("pay.git"), pid)


def test_two_names_of_one_parent_are_one(world):
    save(
        world.git("pay.git"),
        {"compass.yaml": config("team", "team/pay", "../shop.git", "../shop.git", "../me")},
        "ben",
    )
    member = open_member(str(world.root / "pay.git"), world.root / "clones")
    assert find_roster(member, world.root / "clones").by_mail("ann@example.com") == "ann"


def test_a_file_without_an_id_is_no_news(world):
    from compass.federation.sync import sync

    save(
        world.git("pay.git"),
        {"patterns/notes.md": "just notes\n", "patterns/pool.md": entry(body=BODY)},
        "ben",
    )
    assert [one.id for one in sync(world.root / "me", world.root / "clones").added] == [PAT]


def test_license_and_severity_cross_unchanged(world):
    text = entry(license="CC-BY-4.0", severity="high")
    save(world.git("pay.git"), {"patterns/pool.md": text}, "ben")
    proposal = world.promote()
    path = "patterns/connection-pool-is-exhausted.md"
    front = parse_yaml(split(world.text("shop.git", path, f"refs/heads/{proposal.branch}")).front)
    assert (front["license"], front["severity"]) == ("CC-BY-4.0", "high")
