"""An entry on its way up, its allow list, its boundary, and times made relative."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compass.anonymize import Boundary, Catalog, Pseudonyms, anonymize_entry, load_allow, relative_times
from compass.errors import ConfigError
from compass.model.catalog import PrivateNames, PrivatePerson

CATALOG = Catalog(
    PrivateNames(
        services=("ledger", "fraud-scorer"),
        teams=("Payments Core",),
        customers=("Vesper Retail",),
        people=(
            PrivatePerson(name="Mark Thornbury", email="mark.thornbury@vespera.io", handle="mthornbury"),
        ),
        clusters=("vsp-eu1",),
        ticket_prefixes=("VSP",),
    ),
    {"ledger": "database", "fraud-scorer": "Fraud & risk"},
)
FIELDS = {
    "title": "The ledger ran out of connections",
    "hypotheses": [{"id": "h1", "statement": "fraud-scorer on vsp-eu1 leaks them", "weight": 0.5}],
}
BODY = "Mark Thornbury saw it for Vesper Retail.\n\nThe zorbulax was stuck; see VSP-4711 and 10.2.3.4.\n"


def test_the_hub_sees_no_service_and_promotion_learns_what_is_unsure() -> None:
    done = anonymize_entry(FIELDS, BODY, CATALOG, Pseudonyms(), boundary=Boundary.HUB, body_line=20)
    assert done.fields["title"] == "The ⟨database-1⟩ ran out of connections"
    assert done.fields["hypotheses"][0] == {
        "id": "h1",
        "statement": "⟨fraud-risk-2⟩ on ⟨cluster-1⟩ leaks them",
        "weight": 0.5,
    }
    assert (
        done.body
        == "⟨person-1⟩ saw it for ⟨customer-1⟩.\n\nThe ⟨unknown-1⟩ was stuck; see ⟨ticket-1⟩ and ⟨ip-1⟩.\n"
    )
    assert [(one.token, one.where, one.line) for one in done.unsure] == [("zorbulax", "body", 22)]
    assert str(done.unsure[0]) == "body line 22: 'zorbulax'"
    assert "vocabulary/allow.yaml" in done.unsure[0].hint
    assert ("CUSTOMER", 1) in {(one.label, one.count) for one in done.replaced}
    assert done.secrets == 0


def test_the_tribe_keeps_its_services_and_clusters_but_no_customer_person_or_address() -> None:
    done = anonymize_entry(FIELDS, BODY, CATALOG, Pseudonyms(), boundary=Boundary.TRIBE)
    assert done.fields == FIELDS
    assert done.body.startswith("⟨person-1⟩ saw it for ⟨customer-1⟩.")
    assert "⟨ticket-1⟩ and ⟨ip-1⟩" in done.body


def test_a_reviewed_word_passes_and_a_secret_never_does() -> None:
    allow = load_allow(
        "schema: 1\nwords:\n  - {word: zorbulax, reason: a public product}\n  - {word: hunter2, reason: a joke}\n"
    )
    done = anonymize_entry(
        {},
        "The zorbulax. password=hunter2\n",
        CATALOG,
        Pseudonyms(),
        boundary=Boundary.HUB,
        allowed=allow.allowed,
    )
    assert done.body == "The zorbulax. password=⟨secret-1⟩\n"
    assert done.unsure == ()
    assert done.secrets == 1


@pytest.mark.parametrize(
    "text", ["schema: 1\nwords:\n  - {word: x y, reason: two words}\n", "schema: 1\nwords:\n  - {word: xy}\n"]
)
def test_an_allow_list_without_a_reason_or_with_two_words_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"vocabulary/allow.yaml: words.0"):
        load_allow(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-07T15:43:46Z then 15:58", "T+00:00 then T+00:14"),
        ("2025-03-07 23:50 UTC until 00:20 UTC", "T+00:00 until T+00:30"),
        ("March 14, 2025 and 16 March 2025", "T+0d and T+2d"),
        ("2025-03-07T15:43:46+02:00, 2025-03-07T15:43:46Z", "T+00:00, T+02:00"),
        ("at 1741362226 and 1741362286000", "at T+00:00 and T+00:01"),
        ("10:05 AM and 1:05 PM", "T+00:00 and T+03:00"),
        ("nothing here, 16:9 and 1:2:3", "nothing here, 16:9 and 1:2:3"),
        ("31 Feb 2025", "31 Feb 2025"),
    ],
)
def test_times_are_relative_to_the_first_one(text: str, expected: str) -> None:
    assert relative_times(text) == expected


def test_times_are_relative_to_the_start_that_is_given_and_may_lie_before_it() -> None:
    start = datetime(2025, 3, 7, 15, 0, tzinfo=UTC)
    assert (
        relative_times("2025-03-07T14:55Z, 15:30, 2025-03-09T16:00Z", start) == "T-00:05, T+00:30, T+2d01:00"
    )


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"schema": 2, "numbers": {}}', '{"schema": 1, "numbers": {"a": 1}}']
)
def test_a_damaged_map_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="pseudonym map"):
        Pseudonyms.load(text)
