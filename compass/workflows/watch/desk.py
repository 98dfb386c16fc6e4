"""Which alerts are investigated: each firing once, so many at a time, so many waiting, and the rest refused."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from compass.errors import OutsideError, UsageError
from compass.model.alert import Notification
from compass.workflows.live.notice import notice_of, received
from compass.workflows.watch.child import Finding

REMEMBERED: Final = 10_000
"""So many firings are known again when they are sent again, as both senders do every few hours."""
Told = Callable[[str], None]


class Reply(NamedTuple):
    """What the sender is told: an HTTP status, and one line."""

    status: int
    line: str


@dataclass(frozen=True)
class _Case:
    """One notification to investigate."""

    group: str
    title: str
    firing: frozenset[str]
    payload: bytes


@dataclass
class Desk:
    """Takes notifications; `at_once` threads call `investigate` with the body of each that is new."""

    investigate: Callable[[bytes], Finding]
    at_once: int
    waiting: int
    told: Told
    _queue: deque[_Case] = field(default_factory=deque)
    _open: dict[str, set[str]] = field(default_factory=dict)  # by group: what joined it
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to work."""
        for number in range(self.at_once):
            thread = threading.Thread(target=self._work, name=f"investigation-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def take(self, body: bytes) -> Reply:
        """What becomes of a webhook's body."""
        try:
            notification = received(body, "the body")
        except UsageError as problem:
            return Reply(400, problem.message)
        firing = frozenset(one.key for one in notification.firing)
        if not firing:
            return Reply(200, "nothing fires")
        title = notice_of(notification).symptom
        with self._changed:
            reply = self._judged(notification, firing)
            if reply is None:
                self._queue.append(_Case(notification.group, title, firing, body))
                self._open[notification.group] = set()
                self._changed.notify()
        if reply is None:
            self.told(f"taken: {title}")
            return Reply(202, "taken")
        return reply

    def close(self) -> None:
        """Begin nothing more; what waits is dropped, and told."""
        with self._changed:
            self._ended = True
            dropped = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for case in dropped:
            self.told(f"not investigated: {case.title}")

    def join(self) -> None:
        """Wait until the threads have ended."""
        for thread in self._threads:
            thread.join()

    def _judged(self, notification: Notification, firing: frozenset[str]) -> Reply | None:
        """Why it is no new case; None if it is one, whose firings are then known."""
        if self._ended:
            return Reply(503, "the watch ends")
        if notification.group and notification.group in self._open:
            self._open[notification.group] |= firing - self._known.keys()
            self._remember(firing)
            return Reply(200, "joined: this group is being investigated")
        if firing <= self._known.keys():
            self._remember(firing)
            return Reply(200, "joined: every alert that fires was taken before")
        if len(self._queue) >= self.waiting:
            return Reply(503, f"{self.waiting} alerts wait already; send it again later")
        self._remember(firing)
        return None

    def _remember(self, firing: frozenset[str]) -> None:
        for key in firing:
            self._known[key] = None
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _forget(self, firing: frozenset[str]) -> None:
        """Nothing came of it: when it is sent again, it is tried again."""
        for key in firing:
            self._known.pop(key, None)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                case = self._queue.popleft()
            try:
                found = self.investigate(case.payload)
                line = f"{found.id}: {case.title} -> {found.first}; next: compass draft {found.id}"
            except OutsideError as problem:
                line = f"no answer to {case.title}: {problem.message}"
                with self._changed:
                    self._forget(case.firing | self._open.get(case.group, set()))
            finally:
                with self._changed:
                    self._open.pop(case.group, None)
            self.told(line)
