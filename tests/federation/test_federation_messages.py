import pytest
from federation_world import KEYS, NOW, PEOPLE, TEAMS, mail
from hypothesis import given
from hypothesis import strategies as st

from compass.adapters.documents import parse_yaml
from compass.adapters.git import CommitInfo, Signature, trailers
from compass.errors import ConfigError
from compass.federation.messages import message, one_line, people_of
from compass.federation.roster import Roster, roster_digest, scope_of
from compass.federation.seal import parse_seal
from compass.model.scope import People, Repository, Role, Teams


def roster(**extra) -> Roster:
    people = [{"id": who, "emails": [mail(who)], "keys": [KEYS[who].authorized]} for who in PEOPLE]
    return Roster(
        People.model_validate({"schema": 1, "people": [*people, *extra.get("people", [])]}),
        Teams.model_validate(parse_yaml(TEAMS)),
        "digest",
    )


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3), st.text(max_size=60))
def test_no_text_of_a_user_becomes_a_trailer(title, body, value):
    made = message(title, body, [("Compass-Entry", "pat-0000000001"), ("Compass-Note", value)])
    assert [key for key, _ in trailers(made)] == ["Compass-Entry", "Compass-Note"]
    made.encode()


def test_a_title_that_looks_like_a_trailer_stays_a_title():
    made = message(
        "Approved-by: eve\n\nApproved-by: eve",
        ["Approved-by: eve\n\nApproved-by: eve"],
        [("Compass-Verb", "promote")],
    )
    assert trailers(made) == (("Compass-Verb", "promote"),)
    assert made.startswith("Approved-by: eve Approved-by: eve\n\nApproved-by: eve Approved-by: eve\n\n")


def test_a_long_line_is_cut_and_says_so():
    assert one_line("word " * 30, 20) == "word word word word…"


def test_everybody_who_made_a_commit_is_named_once():
    who = Signature("A", "A@example.com ", NOW)
    more = (
        ("Co-Authored-By", "Bo <bo@example.com>"),
        ("Co-authored-by", "just a name"),
        ("Reviewed-by", "c@example.com"),
    )
    commit = CommitInfo("0" * 40, "0" * 40, (), who, who, "", more)
    assert people_of(commit) == ("a@example.com", "bo@example.com", "just a name")


def test_a_seal_is_the_same_for_the_same_parts_and_tells_nothing_but_its_key():
    seal = parse_seal("shop-1:" + "ab" * 16)
    assert seal.close("team/pay", "1") == seal.close("team/pay", "1")
    assert seal.close("team/pay", "1") != seal.close("team/pay", "2")
    assert seal.close("x").startswith("sealed:shop-1:")
    assert "ab" * 16 not in repr(seal)


@pytest.mark.parametrize("text", [None, "", "ab" * 16, "shop:ab", "shop:" + "zz" * 16, "Shop:" + "ab" * 16])
def test_a_missing_or_malformed_seal_key_is_explained_and_never_printed(text):
    with pytest.raises(ConfigError, match="seal key") as caught:
        parse_seal(text)
    assert "COMPASS_SEAL_KEY" in (caught.value.hint or "")
    assert not text or text not in str(caught.value)


def test_people_are_found_by_address_and_key_and_an_ambiguous_one_is_nobody():
    found = roster(
        people=[
            {
                "id": "double",
                "emails": ["ben@example.com", "own@example.com"],
                "keys": [KEYS["ben"].authorized, "ssh-rsa AAAA"],
            },
            {"id": "third", "emails": ["ben@example.com"]},
        ]
    )
    assert found.by_mail(" ANN@example.com") == "ann"
    assert found.by_mail("ben@example.com") is None
    assert found.by_mail("own@example.com") == "double"
    assert found.by_mail("") is None
    assert found.by_key(KEYS["ann"].public) == "ann"
    assert found.by_key(KEYS["ben"].public) is None
    assert found.mail_of("double") == "ben@example.com"


def test_somebody_without_an_address_stands_in_commits_with_one_that_cannot_be_reached():
    assert roster(people=[{"id": "mute"}]).mail_of("mute") == "mute@users.noreply.invalid"


@pytest.mark.parametrize(
    ("target", "source", "requester", "teams", "tribes"),
    [
        ("team/pay", "personal/ann", "ann", {"pay"}, {"shop"}),
        ("tribe/shop", "team/pay", "ann", {"pay"}, {"shop"}),
        ("tribe/base", "team/pay", "ann", set(), {"base"}),
        ("tribe/shop", "team/none", "ann", set(), {"shop"}),
        ("hub", "sealed:shop-1:00", "chief", set(), {"shop"}),
        ("hub", "sealed:shop-1:00", "otto", set(), {"base"}),
        ("hub", "sealed:shop-1:00", None, set(), set()),
    ],
)
def test_whose_roles_count_follows_from_target_and_source_and_at_the_hub_from_who_asks(
    target, source, requester, teams, tribes
):
    level = "hub" if target == "hub" else target.split("/")[0]
    scope = scope_of(
        Repository.model_validate({"schema": 1, "level": level, "id": target}), source, roster(), requester
    )
    assert (scope.teams, scope.tribes) == (teams, tribes)


def test_deputies_stand_in_for_leads_and_everybody_of_a_team_is_a_member():
    found = roster()
    scope = scope_of(
        Repository.model_validate({"schema": 1, "level": "tribe", "id": "tribe/shop"}),
        "team/pay",
        found,
        "ann",
    )
    assert found.holders(Role.TEAM_LEAD, scope) == {"lead", "cleo"}
    assert found.holders(Role.TRIBAL_LEAD, scope) == {"chief", "vice"}
    assert found.holders(Role.TEAM_MEMBER, scope) == {"ann", "ben", "cleo", "lead"}
    assert found.holders(Role.ANONYMIZATION_REVIEWER, scope) == {"scrub-1", "scrub-2"}
    assert found.holders(Role.SECURITY, scope) == frozenset()
    assert roster_digest(b"ab", b"c") != roster_digest(b"a", b"bc")
