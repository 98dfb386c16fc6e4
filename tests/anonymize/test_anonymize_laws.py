"""The laws: no planted secret or address survives, doing it twice changes nothing, offsets are exact."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from planted import FORMATS, PASSWORD_PLACES, PLACES, WORD_PASSWORDS

from compass.anonymize import Boundary, Catalog, Pseudonyms, anonymize_text
from compass.anonymize.spans import Span, apply
from compass.model.catalog import PrivateNames, PrivatePerson

CATALOG = Catalog(
    PrivateNames(
        services=("checkout", "ledger", "fraud-scorer"),
        teams=("Payments Core",),
        customers=("Vesper Retail", "Quillstone"),
        people=(
            PrivatePerson(name="Mark Thornbury", email="mark.thornbury@vespera.io", handle="mthornbury"),
        ),
        clusters=("vsp-eu1",),
        internal_domains=("int.vespera.io",),
        ticket_prefixes=("VSP",),
        cloud_accounts=("482913376021",),
    ),
    {"ledger": "database"},
)
FRAGMENTS = (
    "At 02:13 UTC Mark paged the on-call engineer.",
    "The pod checkout-7d9c5b6f4-x2x7q was restarted on 10.12.3.4:8080.",
    "password: hunter2\n",
    "Contact mark.thornbury@vespera.io or +49 30 9018 2200.",
    'rate(http_requests_total{job="api",code=~"5.."}[5m]) > 0.05',
    "git checkout 9e909332 && kubectl -n kube-system get pods",
    "| user | password |\n|---|---|\n| app | x9!kQ2pLm |\n",
    "Vesper Retail lost 12,400 orders, about $90,000.",
    "https://wiki.int.vespera.io/x/Ab3dE9fGh and https://kubernetes.io/docs/",
    "@mthornbury opened VSP-4711; see s3://vespera-backups/eu/7.",
    "postgres://app:pw@ledger-db-01.int.vespera.io:5432/orders",
    "Zorbulax frobnicated the quuxotron at T+01:25 near ⟨host-3⟩.",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", FORMATS)
def test_no_secret_of_any_format_survives_wherever_it_stands(name: str, place: str) -> None:
    random = Random(f"{name} {place}")
    for _ in range(3):
        value = FORMATS[name](random)
        text = "Notes of the night.\n" + place.format(value) + "\nDone.\n"
        clean = anonymize_text(text, Catalog()).text
        longest = max(value.replace("\n", " ").split(), key=len)
        assert longest not in clean
        assert not any(longest[at : at + 8] in clean for at in range(len(longest) - 7)), clean


@pytest.mark.parametrize("place", PASSWORD_PLACES)
@pytest.mark.parametrize("value", WORD_PASSWORDS)
def test_passwords_that_people_choose_do_not_survive(value: str, place: str) -> None:
    clean = anonymize_text(place.format(value), Catalog()).text
    assert value not in clean


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6),
    st.sampled_from(["\n", " ", "\n\n", " — ", "; "]),
    st.sampled_from(list(Boundary)),
)
def test_doing_it_twice_changes_nothing(parts: list[str], joint: str, boundary: Boundary) -> None:
    once = anonymize_text(joint.join(parts), CATALOG, boundary=boundary)
    assert anonymize_text(once.text, CATALOG, boundary=boundary).text == once.text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
@example("ⅷ@ⅷ.ⅷ")
@example("⟨host-1⟩⟨⟩ ⟨x")
@example("İ password: İİİ")
@example("T+01:25T+1d")
def test_any_text_keeps_exact_offsets_and_is_stable(text: str) -> None:
    done = anonymize_text(text, CATALOG)
    assert apply(text, done.spans) == done.text
    assert all(0 <= span.start < span.end <= len(text) for span in done.spans)
    assert all(a.end <= b.start for a, b in zip(done.spans, done.spans[1:], strict=False))
    assert anonymize_text(done.text, CATALOG).text == done.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.from_regex(r"[a-z][a-z0-9]{2,10}[._][a-z]{2,10}", fullmatch=True),
    st.from_regex(r"[a-z][a-z0-9-]{3,12}[a-z]\.(?:com|io|net|health|de)", fullmatch=True),
    st.sampled_from(["mail {} now", "<{}>", "to:{},", "`{}`", "(see {})", "From: Someone <{}>\n"]),
)
def test_no_email_address_survives(local: str, domain: str, place: str) -> None:
    address = f"{local}@{domain}"
    assert address not in anonymize_text(place.format(address), Catalog()).text


@settings(max_examples=100, deadline=None)
@given(
    st.ip_addresses(v=4),
    st.sampled_from(["from {} port 22", "http://{}:8080/x", "[{}]", "ip={},", "{}:5432"]),
)
def test_addresses_survive_only_when_they_are_nobodys(address: object, place: str) -> None:
    clean = anonymize_text(place.format(address), Catalog()).text
    nobody = str(address).startswith(
        ("0.", "127.", "192.0.2.", "198.51.100.", "203.0.113.", "22", "23", "255.")
    )
    assert nobody or str(address) not in clean


def test_one_entity_has_one_replacement_and_two_never_share_one() -> None:
    text = "ledger-db-01.int.vespera.io failed; ledger-db-01 again; vsp-eu1-node-3; Mark Thornbury; later Mark, mthornbury, mark.thornbury@vespera.io, j.doe@other.org"
    done = anonymize_text(text, CATALOG)
    by_text: dict[str, set[str]] = {}
    for span in done.spans:
        by_text.setdefault(span.replacement, set()).add(text[span.start : span.end])
    assert by_text["⟨host-1⟩"] == {"ledger-db-01.int.vespera.io", "ledger-db-01"}
    assert by_text["⟨person-1⟩"] == {"Mark Thornbury", "Mark"}
    assert by_text["⟨handle-1⟩"] == {"mthornbury"}
    assert by_text["⟨email-1⟩"] == {"mark.thornbury@vespera.io"}


def test_numbers_are_permanent_when_the_map_is_kept() -> None:
    numbers = Pseudonyms()
    first = anonymize_text("10.1.2.3 then 10.1.2.4", Catalog(), numbers).text
    again = Pseudonyms.load(numbers.dump())
    second = anonymize_text("10.9.9.9 came before 10.1.2.4", Catalog(), again).text
    assert first == "⟨ip-1⟩ then ⟨ip-2⟩"
    assert second == "⟨ip-3⟩ came before ⟨ip-2⟩"


def test_the_map_never_holds_a_secret() -> None:
    numbers = Pseudonyms()
    value = "zK8" + "vQ2mN7" + "xR4tB9w"
    anonymize_text(f"password={value} and password={value[::-1]}", Catalog(), numbers)
    assert value not in numbers.dump()
    assert Pseudonyms.load(numbers.dump()).replacement("secret", "secret", "another") == "⟨secret-3⟩"


def test_time_grows_with_the_length_of_the_text_and_not_faster() -> None:
    import time

    hostile = (
        "a-" * 400,
        "password " * 200,
        "1.2." * 300,
        "A" * 2000,
        "x@" * 500,
        "(" * 1000,
        "-----BEGIN PRIVATE KEY-----" * 60,
        "a=b=c=" * 200,
        "Mr A. B. " * 200,
        "0 " * 800,
        "://" * 400,
        ":" * 1500,
        "'" * 1500,
        "\\" * 1500,
    )
    anonymize_text("warm up Mark 10.1.1.1", CATALOG)
    for text in hostile:
        start = time.process_time()
        anonymize_text(text, CATALOG)
        short = time.process_time() - start
        start = time.process_time()
        anonymize_text(text * 8, CATALOG)
        assert time.process_time() - start < 40 * max(short, 0.02), text[:30]


def test_spans_apply_in_order() -> None:
    spans = (Span(0, 1, "X", "x", "one"), Span(2, 3, "X", "x", "two"))
    assert apply("abc", spans) == "onebtwo"
