"""Debian's chromium, and pages that keep what they complained about, asked for and tried.

A test module asks for the fixtures by naming them at its top: `browser`, `record` and `page`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, sync_playwright


@dataclass
class Record:
    """What a page complained about, the addresses it asked for, those that left the browser, and its dialogs."""

    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def elsewhere(self, address: str) -> list[str]:
        """What was asked for and does not lie below `address`."""
        return [url for url in self.asked if not url.startswith(address)]


@contextmanager
def opened(browser: Browser, record: Record) -> Iterator[Page]:
    """A fresh page whose doings go to `record`; whatever it asks of another host than this one is stopped."""
    context = browser.new_context(viewport={"width": 1024, "height": 800})
    made = context.new_page()

    def dismiss(dialog: Dialog) -> None:
        record.dialogs.append(dialog.message)
        dialog.dismiss()

    def refuse(route: Route) -> None:
        record.sent.append(route.request.url)
        route.abort()

    context.on("request", lambda request: record.asked.append(request.url))
    context.route(lambda url: url.startswith("http") and "//127.0.0.1:" not in url, refuse)
    made.on("console", lambda message: record.complaints.append(message.text))
    made.on("pageerror", lambda error: record.complaints.append(str(error)))
    made.on("dialog", dismiss)
    yield made
    context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for as long as it is needed."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module."""
    with chromium() as found:
        yield found


@pytest.fixture
def record() -> Record:
    """What the page of this test did."""
    return Record()


@pytest.fixture
def page(browser: Browser, record: Record) -> Iterator[Page]:
    """A fresh page for one test."""
    with opened(browser, record) as made:
        yield made


@contextmanager
def answering(server: ThreadingHTTPServer) -> Iterator[str]:
    """The address of a server while it answers."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
