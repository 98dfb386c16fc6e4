"""A repository whose every text means harm: what a browser might run, fetch, follow or be covered by."""

from __future__ import annotations

from pathlib import Path

from conftest import commit_all
from published import DRAIN, INCIDENT, pattern, postmortem, runbook, write

from compass.model.ids import ALPHABET

HOST = "evil.example"
ATTACKS = (
    "<script>alert(hacked=1)</script>",
    "</title><script>alert(hacked=1)</script>",
    "</pre></code></div><script>alert(hacked=1)</script>",
    "--><script>alert(hacked=1)</script><!--",
    "]]><script>alert(hacked=1)</script>",
    "<img src=x onerror=alert(hacked=1)>",
    "<svg onload=alert(hacked=1)></svg>",
    "<svg><script>alert(hacked=1)</script></svg>",
    "<svg><animate onbegin=alert(hacked=1) attributeName=x dur=1s></svg>",
    "<math><mtext></table></math><img src=x onerror=alert(hacked=1)>",
    '<iframe srcdoc="<script>parent.alert(parent.hacked=1)</script>"></iframe>',
    "<iframe src=javascript:parent.alert(parent.hacked=1)></iframe>",
    "<object data=javascript:alert(hacked=1)></object>",
    f"<embed src=//{HOST}/x.swf>",
    f"<base href=//{HOST}/>",
    f"<meta http-equiv=refresh content='0;url=//{HOST}/'>",
    f"<link rel=stylesheet href=//{HOST}/x.css>",
    f"<style>@import '//{HOST}/x.css'; * {{ display: none !important }}</style>",
    "<div style='position:fixed;inset:0;z-index:999;background:red'>covered</div>",
    f"<form action=//{HOST}/><input autofocus onfocus=alert(hacked=1)></form>",
    "<details open ontoggle=alert(hacked=1)>x</details>",
    f"<video src=//{HOST}/x onloadstart=alert(hacked=1)></video>",
    "[x](javascript:alert(hacked=1))",
    "[x](jav&#x09;ascript:alert(hacked=1)) <javascript:alert(hacked=1)>",
    "[x](data:text/html,<script>alert(hacked=1)</script>)",
    f"![x](https://{HOST}/x.png) ![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    '" onmouseover=alert(hacked=1) onfocus=alert(hacked=1) autofocus x="',
    "' onfocus=alert(hacked=1) autofocus tabindex=0 x='",
    "{{ config.site_name }} {{ 7 * 7191 }} {% include 'main.html' %} {% raw %}",
    "{: onclick=alert(hacked=1) style=position:fixed } { .x #y }",
    "--8<-- '/etc/passwd' ::: compass !!! note",
)
MERMAID = '```mermaid\ngraph TD\n  A-->B\n  click A "javascript:alert(hacked=1)"\n```\n'


def identifier(number: int) -> str:
    """The id of the entry that holds this attack."""
    return f"pat-{ALPHABET[number]}000000000"


def body(attack: str) -> str:
    """The attack in each construct of Markdown."""
    return (
        f"# {attack}\n\n{attack}\n\n- {attack}\n\n> {attack}\n\n`{attack}`\n\n```\n{attack}\n```\n\n"
        f"| {attack} |\n|---|\n| {attack} |\n\n[words][r] **{attack}** [[{attack}]]\n\n[r]: {attack}\n\n"
        f"[^n1]: {attack}\n\n{MERMAID}"
    )


def hostile(folder: Path, *, large: bool = True) -> Path:
    """The repository, committed: a pattern for each attack, and one runbook and post-mortem of all of them."""
    root = folder / "hostile"
    root.mkdir()
    (root / "compass.yaml").write_text("schema: 1\nlevel: team\nid: team/hostile\n", "utf-8")
    for number, attack in enumerate(ATTACKS):
        refuted = {"query": attack, "when": attack}
        hypotheses = [
            {"id": f"h{one}", "statement": attack, "predicts": attack, "refuted_by": refuted}
            for one in (1, 2)
        ]
        evidence = [{"id": "e1", "type": "log", "datasource": attack, "query": attack, "observed": attack}]
        data = pattern(
            identifier(number), attack, summary=attack, aliases=[attack], evidence=evidence, hypotheses=hypotheses,
            contributing_causes=[{"text": attack, "level": "regulatory"}], false_positives=[attack], license=attack,
            references=[{"type": "WEB", "url": attack}], mitigations=[], provenance={"drafted_by": "agent", "model": attack},
        )  # fmt: skip
        write(root, f"patterns/{number:02} <b>.md", data, body(attack))
    _of_all(root)
    if large:
        _of_size(root)
    _catalog(root)
    commit_all(root)
    return root


def _of_all(root: Path) -> None:
    """What patterns have no field for."""
    steps = [
        {
            "id": f"s{number}",
            "text": attack,
            "command": attack,
            "expected": f"{attack}\n{attack}",
            "risk": "read_only",
        }
        for number, attack in enumerate(ATTACKS)
    ]
    alerts = [{"name": attack, "matchers": [f"x='{attack}'"]} for attack in ATTACKS]
    write(root, "runbooks/all.md", runbook(steps=steps, alerts=alerts) | {"id": DRAIN})
    actions = [{"text": attack, "tracker": attack, "done_when": attack} for attack in ATTACKS]
    data = postmortem(
        roles={attack: attack for attack in ATTACKS}, participants=list(ATTACKS), actions=actions, patterns=[],
        what_went_well=list(ATTACKS), where_we_got_lucky=list(ATTACKS), what_surprised_us=list(ATTACKS),
    )  # fmt: skip
    write(root, "postmortems/2026/all.md", data | {"id": INCIDENT})


def _of_size(root: Path) -> None:
    """What is long or deep."""
    long = "x" * 1_000_000
    write(root, "patterns/long.md", pattern("pat-9z00000000", "One long line", mitigations=[]), long)
    deep = (
        "> " * 5_000 + "x\n\n" + "\n".join(f"{' ' * level}- x" for level in range(300)) + "\n\n" + "[" * 5_000
    )
    write(root, "patterns/deep.md", pattern("pat-9y00000000", "Deeply nested", mitigations=[]), deep)
    wide = long[:80_000]  # front matter may hold 256 kB
    steps = [{"id": "s1", "text": wide, "command": wide, "expected": wide, "risk": "read_only"}]
    write(root, "runbooks/long.md", runbook(steps=steps) | {"id": "run-9z00000000", "title": "Long fields"})


def _catalog(root: Path) -> None:
    """A service that everybody names, described by an attack, owned by one and depending on one."""
    (root / "catalog").mkdir()
    (root / "catalog" / "catalog-info.yaml").write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: payments\n"
        '  description: "</p><script>alert(hacked=1)</script>"\nspec:\n  type: service\n  lifecycle: production\n'
        '  owner: "group:default/<img src=x onerror=alert(hacked=1)>"\n'
        '  dependsOn: ["component:default/<svg onload=alert(hacked=1)>"]\n',
        "utf-8",
    )
