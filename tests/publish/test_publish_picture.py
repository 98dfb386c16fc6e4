"""Pictures of dependencies: placed in columns, small, the same at every build, and never more than their readers may see."""

from __future__ import annotations

import gzip
import itertools
import re
from pathlib import Path

import pytest
from conftest import commit_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import TODAY

from compass.library import load
from compass.publish.audience import cut
from compass.publish.edition import Edition
from compass.publish.layout import place
from compass.publish.picture import MOST, among, draw, neighbourhood, wrap

NAMES = st.sampled_from("abcdefghij")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NAMES, NAMES), max_size=25))
def test_nodes_never_share_a_spot_and_every_edge_has_a_route(edges: list[tuple[str, str]]) -> None:
    nodes = {name for edge in edges for name in edge}
    layout = place(nodes, edges)
    assert len(set(layout.spots.values())) == len(nodes)
    assert set(layout.routes) == {(a, b) for a, b in edges if a != b}
    for (a, b), route in layout.routes.items():
        assert route[0] == layout.spots[a]
        assert route[-1] == layout.spots[b]
        assert all(abs(one.column - other.column) == 1 for one, other in itertools.pairwise(route))
    assert place(sorted(nodes, reverse=True), reversed(edges)) == layout
    for column in range(layout.columns):
        rows = sorted(spot.row for spot in layout.spots.values() if spot.column == column)
        assert all(below - above > 0.999 for above, below in itertools.pairwise(rows))


def test_arrows_run_to_the_right_where_there_is_no_circle() -> None:
    layout = place("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")])
    column = {name: spot.column for name, spot in layout.spots.items()}
    assert column["a"] < column["b"] < column["c"]
    assert column["d"] == column["c"] - 1
    # The long edge passes the column of `b` beside it.
    assert layout.routes["a", "c"][1] != layout.spots["b"]


def test_lines_cross_only_where_they_must() -> None:
    layout = place(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    rows = {name: spot.row for name, spot in layout.spots.items()}
    assert (rows["a"] < rows["b"]) == (rows["y"] < rows["x"])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("checkout", ["checkout"]),
        ("recommendation-service", ["recommendatio", "n-service"]),
        ("payments-gateway", ["payments-", "gateway"]),
        ("a-very-long-name-of-one-service", ["a-very-long-", "name-of-one-…"]),
    ],
)
def test_names_take_two_lines_at_most(name: str, lines: list[str]) -> None:
    assert wrap(name) == lines


def catalog(root: Path, services: dict[str, list[str]], *, level: str = "tribe") -> Edition:
    """A repository whose catalog holds these services, each with what it depends on; all owned by its tribe."""
    (root / "catalog").mkdir(parents=True)
    (root / "compass.yaml").write_text(f"schema: 1\nlevel: {level}\nid: tribe/shop\n", "utf-8")
    documents = [
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: shop}\nspec: {type: tribe, children: []}\n"
    ]
    documents += [
        f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\n"
        f"spec: {{type: service, owner: 'group:default/shop', dependsOn: {needs}}}\n"
        for name, needs in services.items()
    ]
    (root / "catalog" / "catalog-info.yaml").write_text("---\n".join(documents), "utf-8")
    commit_all(root)
    return Edition(cut(load(root)).library, TODAY)


def test_a_neighbourhood_is_bounded_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    many = {f"user-{number}": ["component:default/hub"] for number in range(40)}
    edition = catalog(tmp_path / "shop", {"hub": ["component:default/store", "queue"], "store": []} | many)
    hub = "component:default/hub"
    nodes, edges, left = neighbourhood(edition, hub)
    assert len(nodes) == MOST
    assert (hub, "component:default/store") in edges
    assert (hub, "component:default/queue") in edges  # Backstage lets people leave out kind and namespace
    assert left == 43 - MOST
    svg = draw(edition, "services/component-hub", "hub", (nodes, edges, left), [hub])
    assert f"{left} more are in the table." in svg
    assert len(gzip.compress(svg.encode())) <= 3_000
    assert 'href="../services/component-store.html"' in svg
    assert "component-queue" not in svg  # the catalog does not know it, so it has no page


def test_the_picture_of_a_tribe_is_small_and_has_no_script_or_style(tmp_path: Path) -> None:
    services = {
        f"service-{number}": [
            f"component:default/service-{other}" for other in (number * 2 + 1, number * 3 + 2)
        ]
        for number in range(28)
    }
    edition = catalog(tmp_path / "shop", services)
    group = "group:default/shop"
    graph = among(edition, edition.landscape.within(group))
    assert len(graph[0]) == MOST
    svg = draw(edition, "teams/team-shop", "shop", graph, graph[0])
    assert len(gzip.compress(svg.encode())) <= 3_000
    assert not re.search(r"<script|style=|\son\w+=|https?:", svg)
    assert svg.count("<title") >= 1
    assert "service-0 needs service-1" in svg
    assert (
        draw(edition, "teams/team-shop", "shop", among(edition, edition.landscape.within(group)), graph[0])
        == svg
    )


def test_nothing_is_drawn_where_nothing_hangs_together(tmp_path: Path) -> None:
    edition = catalog(tmp_path / "shop", {"alone": []})
    assert draw(edition, "x", "x", neighbourhood(edition, "component:default/alone"), []) == ""
