"""A generated organization as large as asked: its services, teams and tags grow with it, its history has years of dates."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from random import Random

from full_entries import write_repository

_TAGS = [
    f"{group}:{name}"
    for group, names in {
        "layer": ("database", "network", "queue", "cache", "compute", "storage", "identity", "edge"),
        "technology": ("postgresql", "redis", "kafka", "kubernetes", "envoy", "nginx", "linux", "java", "python", "go"),
        "symptom": ("latency", "errors", "saturation", "restarts", "backlog", "dataloss"),
    }.items()
    for name in names
]  # fmt: skip
_COMMITS = 40


def write_organization(root: Path, count: int, seed: int = 11) -> None:
    """`count` full entries with services, owners and tags that differ, committed over two years."""
    write_repository(root, count)
    random = Random(seed)
    services = [f"service-{number}" for number in range(max(4, count // 40))]
    teams = [f"team-{number}" for number in range(max(2, count // 200))]
    (root / "catalog" / "catalog-info.yaml").write_text(_catalog(services, teams, random), "utf-8")
    for path in sorted(root.rglob("*.md")):
        path.write_text(_varied(path.read_text("utf-8"), services, teams, random), "utf-8")
    _commit(root)


def _varied(text: str, services: list[str], teams: list[str], random: Random) -> str:
    chosen, tags = random.sample(services, 2), random.sample(_TAGS, 3)
    text = text.replace("owner: group:default/payments", f"owner: group:default/{random.choice(teams)}", 1)
    text = re.sub(r"(?<=^services:\n)(?:  - .*\n)+", _list(f"component:default/{one}" for one in chosen), text, count=1, flags=re.MULTILINE)  # fmt: skip
    text = re.sub(r"(?<=^tags:\n)(?:  - .*\n)+", _list(tags), text, count=1, flags=re.MULTILINE)
    # A third of the reviews are overdue on the day that the tests build for.
    return text.replace(
        "review_by: 2027-03-01", f"review_by: {random.choice(('2026-08-01', '2027-03-01', '2027-06-01'))}", 1
    )


def _list(values) -> str:
    return "".join(f"  - {one}\n" for one in values)


def _catalog(services: list[str], teams: list[str], random: Random) -> str:
    head = "apiVersion: backstage.io/v1alpha1\n"
    parts = [
        f"{head}kind: Group\nmetadata: {{name: {team}}}\nspec: {{type: team, children: []}}\n"
        for team in ("payments", *teams)
    ]
    for number, service in enumerate(services):
        needs = ", ".join(
            f"component:default/{one}" for one in random.sample(services[:number], min(number, 2))
        )
        parts.append(
            f"{head}kind: Component\nmetadata: {{name: {service}}}\n"
            f"spec: {{type: service, lifecycle: production, owner: group:default/{random.choice(teams)}, dependsOn: [{needs}]}}\n"
        )
    return "---\n".join(parts)


def _commit(root: Path) -> None:
    """The same entries in forty commits, each on a day of its own."""
    git = ("git", "-c", "core.fsync=none", "-C", str(root))
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    entries = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.md"))
    for number in range(_COMMITS):
        listed = "\0".join(
            [*entries[number::_COMMITS], *(["compass.yaml", "catalog"] if number == 0 else [])]
        )
        subprocess.run(
            [*git, "add", "--pathspec-from-file=-", "--pathspec-file-nul"],
            input=listed.encode(),
            check=True,
        )
        when = f"{1_735_689_600 + number * 1_500_000} +0000"
        subprocess.run(
            [*git, "-c", "user.name=Team", "-c", "user.email=team@example.com", "commit", "--quiet", "--allow-empty", "-m", "knowledge"],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
            check=True,
        )  # fmt: skip
