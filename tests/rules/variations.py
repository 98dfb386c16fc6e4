"""Mechanically varied copies of an entry, as people make them: words, names, numbers and order changed, parts added or lost."""

from __future__ import annotations

import re
from random import Random

from compass.adapters.documents import dump_entry, parse_yaml, split

SYNONYMS = {
    "slow": "sluggish", "fails": "breaks", "failed": "broke", "error": "failure", "errors": "failures", "service": "component", "services": "components", "database": "store", "connection": "link", "connections": "links", "restart": "relaunch", "check": "inspect", "look": "watch", "more": "additional", "less": "fewer", "because": "since", "often": "frequently", "every": "each", "before": "prior to", "after": "following", "wait": "pause", "waits": "pauses", "small": "little", "large": "big", "increase": "raise", "grows": "rises", "find": "locate", "shows": "displays", "show": "display", "use": "employ", "uses": "employs", "first": "initially", "then": "afterwards", "release": "version", "deployment": "rollout", "host": "machine", "hosts": "machines", "request": "call", "requests": "calls", "memory": "RAM", "processor": "CPU", "quickly": "fast", "alert": "page", "team": "group", "usual": "normal", "many": "numerous",
}  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def varied(text: str, seed: int) -> str:
    """A copy of a whole entry file, with an id and a title of its own."""
    random = Random(seed)
    parts = split(text)
    front = parse_yaml(parts.front)
    services = [one.rpartition("/")[2] for one in front.get("services", ())]
    names = {name: f"{random.choice(('core', 'edge', 'main', 'north'))}-{name}" for name in services}
    prefix = front["id"].partition("-")[0]
    front["id"] = f"{prefix}-{seed:010d}"
    front["title"] = _title(front["title"], random)
    for gone in ("related", "superseded_by", "aliases"):
        front.pop(gone, None)
    body = _body(parts.body, random)
    for old, new in names.items():
        body = re.sub(rf"\b{re.escape(old)}\b", new, body)
    return dump_entry(front, body, f"yaml-language-server: $schema=../.compass/schema/{front['kind']}.json")


def _title(title: str, random: Random) -> str:
    words = [SYNONYMS.get(word.lower(), word) for word in title.split()]
    if random.random() < 0.5:
        words = [*words, random.choice(("again", "(new)", "in production", "v2"))]
    elif len(words) > 3:
        del words[random.randrange(len(words))]
    return " ".join(words)[:100]


def _body(body: str, random: Random) -> str:
    blocks = body.split("\n\n")
    prose = [number for number, block in enumerate(blocks) if block[:1].isalpha()]
    for number in prose:
        sentences = _SENTENCE.split(blocks[number])
        if len(sentences) > 2 and random.random() < 0.3:
            random.shuffle(sentences)
        if len(sentences) > 2 and random.random() < 0.2:
            del sentences[random.randrange(len(sentences))]
        blocks[number] = " ".join(_reworded(one, random) for one in sentences)
    if random.random() < 0.3:
        blocks.append("## Notes\n\nCopied from another team. Ask them when it does not help.")
    if random.random() < 0.3:
        blocks = [block.replace("`", "") if block[:1].isalpha() else block for block in blocks]
    text = "\n\n".join(blocks)
    return re.sub(r"\b\d{2,4}\b", lambda found: str(random.randrange(10, 9999)), text)


def _reworded(sentence: str, random: Random) -> str:
    words = sentence.split(" ")
    for number, word in enumerate(words):
        plain = word.strip(".,;:").lower()
        if plain in SYNONYMS and random.random() < 0.8:
            words[number] = word.lower().replace(plain, SYNONYMS[plain])
        elif random.random() < 0.02:
            words[number] = ""
    return " ".join(word for word in words if word)
