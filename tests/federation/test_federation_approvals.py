import itertools

import pytest

from compass.federation.approvals import Approval, Case, candidates, evaluate, refusal, requirements
from compass.model.proposal import Verb
from compass.model.scope import Level, Policy, Requirement, Role

HEAD, TREE = "a" * 40, "b" * 40
LEADS = {
    Role.TEAM_LEAD: frozenset({"lead", "deputy"}),
    Role.TRIBAL_LEAD: frozenset({"chief", "vice", "lead"}),
}
BOTH = (Requirement(role=Role.TEAM_LEAD), Requirement(role=Role.TRIBAL_LEAD))


def case(*approvers, needs=BOTH, holders=LEADS, **more) -> Case:
    return Case(
        HEAD, TREE, needs, holders, approvals=tuple(Approval(who, HEAD, TREE) for who in approvers), **more
    )


def test_both_roles_are_needed_and_two_people_of_one_role_do_not_make_up_for_the_other():
    assert evaluate(case("deputy", "chief")).satisfied
    decision = evaluate(case("chief", "vice"))
    assert not decision.satisfied
    assert [(need.role, need.count, need.have) for need in decision.needs] == [
        ("team_lead", 1, 0),
        ("tribal_lead", 1, 1),
    ]
    assert decision.missing == ("1 more team_lead (who may: deputy, lead)",)


def test_one_person_with_two_roles_counts_once():
    decision = evaluate(case("lead"))
    assert sum(need.have for need in decision.needs) == 1
    assert not decision.satisfied


@pytest.mark.parametrize("order", list(itertools.permutations(["lead", "deputy"])))
def test_somebody_with_two_roles_is_placed_where_they_help_whatever_the_order(order):
    decision = evaluate(case(*order))
    assert decision.satisfied
    assert set(decision.counted) == {("deputy", Role.TEAM_LEAD), ("lead", Role.TRIBAL_LEAD)}


def test_an_approval_of_another_head_or_tree_is_stale():
    stale = (Approval("deputy", "c" * 40, TREE), Approval("chief", HEAD, "c" * 40))
    decision = evaluate(Case(HEAD, TREE, BOTH, LEADS, approvals=stale))
    assert [why for _, why in decision.ignored] == ["stale: the proposal changed after this approval"] * 2
    assert not decision.counted


def test_whoever_made_it_does_not_count_and_the_reason_is_told():
    decision = evaluate(case("deputy", "chief", barred={"chief": "asked for it"}))
    assert decision.ignored == (("chief", "asked for it"),)
    assert decision.missing == ("1 more tribal_lead (who may: lead, vice)",)
    assert refusal(case(barred={"chief": "asked for it"}), "chief") == "asked for it"


def test_somebody_without_a_role_does_not_count():
    assert (
        evaluate(case("stranger")).ignored[0][1]
        == "holds none of the roles that approve this: team_lead, tribal_lead"
    )
    assert refusal(case(), "lead") is None


def test_a_commit_that_belongs_to_nobody_stops_everything():
    decision = evaluate(case("deputy", "chief", nobody=("ghost@example.com", "")))
    assert not decision.satisfied
    assert decision.missing[0].startswith("a commit by ghost@example.com belongs to no person")
    assert decision.missing[1].startswith("a commit by nobody")


def test_it_is_said_when_nobody_is_left_who_could_approve():
    decision = evaluate(case(holders={}, needs=(Requirement(role=Role.SECURITY, count=2),)))
    assert decision.missing == ("2 more security (nobody is left who may: name a deputy in teams.yaml)",)
    assert candidates(case(holders={}), Role.SECURITY) == ()


def test_candidates_are_the_holders_who_are_neither_barred_nor_done():
    assert candidates(case("vice", barred={"lead": "wrote it"}), Role.TRIBAL_LEAD) == ("chief",)


@pytest.mark.parametrize(
    ("verb", "level", "roles"),
    [
        (Verb.CONTRIBUTE, Level.TEAM, {"team_member": 1}),
        (Verb.CONTRIBUTE, Level.TRIBE, {"tribal_lead": 1}),
        (Verb.CONTRIBUTE, Level.HUB, {"hub_steward": 1, "anonymization_reviewer": 1}),
        (Verb.PROMOTE, Level.TRIBE, {"team_lead": 1, "tribal_lead": 1}),
        (Verb.PROMOTE, Level.HUB, {"tribal_lead": 1, "anonymization_reviewer": 1}),
    ],
)
def test_the_floor_of_each_move(verb, level, roles):
    found = requirements(verb, level, Policy(), ["patterns/x.md"])
    assert {need.role: need.count for need in found} == roles


def test_a_policy_tightens_and_never_loosens():
    policy = Policy(
        contribute=(Requirement(role=Role.TEAM_MEMBER, count=2), Requirement(role=Role.SECURITY)),
        promote=(Requirement(role=Role.TRIBAL_LEAD, count=1),),
    )
    found = {need.role: need.count for need in requirements(Verb.CONTRIBUTE, Level.TEAM, policy, [])}
    assert found == {"team_member": 2, "security": 1}
    found = {need.role: need.count for need in requirements(Verb.PROMOTE, Level.TRIBE, policy, [])}
    assert found == {"team_lead": 1, "tribal_lead": 1}


def test_whatever_touches_policy_or_workflows_needs_two_tribal_leads():
    found = requirements(
        Verb.CONTRIBUTE, Level.TEAM, Policy(), ["patterns/x.md", ".github/workflows/gate.yml"]
    )
    assert {need.role: need.count for need in found} == {"team_member": 1, "tribal_lead": 2}
    with pytest.raises(KeyError):
        requirements(Verb.PROMOTE, Level.TEAM, Policy(), [])
