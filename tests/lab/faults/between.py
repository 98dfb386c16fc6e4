"""Faults between services: delay, loss, an expired certificate, a clock that is off."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lab.backing.certificates import LEGS, USUAL_DAYS, issue
from lab.backing.network import LINKS
from lab.faults.fault import Fault, Scene, Undo

USUAL: Final = {"delay": 0.0, "jitter": 0.0, "loss": 0.0}
MEANS: Final = "a proxy between the two"
TRIED: Final = ("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")


def _link(component: str) -> str:
    return next(link for link, callee in LINKS.items() if callee == component)


def netem() -> str:
    """Whether the kernel would do it as well: a proxy does it everywhere, so this is only told."""
    try:
        done = subprocess.run(TRIED, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"not there: {problem}"
    said = done.stderr.strip().splitlines()
    return f"not there: {said[-1] if said else done.returncode}" if done.returncode else "there, and not used"


def on_link(component: str, low: dict[str, Any], high: dict[str, Any]) -> Callable[[Scene], Undo]:
    """The way to `component` does this to what passes."""

    def begin(scene: Scene) -> Undo:
        hands, link, chosen = scene.hands, _link(component), {**USUAL, **(high if scene.high else low)}
        hands.put({link: chosen}, "config", "network.json")
        scene.facts.update(link=link, means=MEANS, netem=netem(), **chosen)
        return lambda: hands.put({link: USUAL}, "config", "network.json")

    return begin


def expired_certificate(scene: Scene) -> Undo:
    """A renewal installs a certificate that has expired: on one listener of two, or on both."""
    legs = LEGS if scene.high else LEGS[:1]
    lab, now = scene.hands.lab, datetime.now(UTC)
    for leg in legs:
        issue(lab, leg, now + timedelta(seconds=1))
    scene.facts.update(listeners=list(legs))

    def undo() -> None:
        for leg in legs:
            issue(lab, leg, now + timedelta(days=USUAL_DAYS))
        scene.hands.changed("certificate", "inventory", "certificate renewed by hand")

    return undo


def clock_skew(scene: Scene) -> Undo:
    """The clock of payments runs ahead of everybody's: for some requests beyond what is allowed, or for all."""
    off = {"offset": 45.0, "wander": 1.0} if scene.high else {"offset": 29.2, "wander": 2.0}
    scene.hands.put(off, "clocks", "payments.json")
    scene.facts.update(off)
    return lambda: scene.hands.put({"offset": 0.0, "wander": 0.0}, "clocks", "payments.json")


BETWEEN: Final = (
    Fault(
        "network-delay",
        "payments",
        "what passes between checkout and payments is late",
        on_link("payments", {"delay": 0.35, "jitter": 0.1}, {"delay": 1.1, "jitter": 0.2}),
        ("checkout",),
    ),
    Fault(
        "network-loss",
        "checkout",
        "what passes between storefront and checkout gets lost and is sent again",
        on_link("checkout", {"loss": 0.25}, {"loss": 0.55}),
        ("storefront",),
    ),
    Fault(
        "expired-certificate",
        "inventory",
        "a certificate of inventory has expired",
        expired_certificate,
        ("storefront", "checkout"),
    ),
    Fault(
        "clock-skew",
        "payments",
        "the clock of payments runs ahead, so that it takes fresh tokens for old ones",
        clock_skew,
        ("checkout",),
    ),
)
