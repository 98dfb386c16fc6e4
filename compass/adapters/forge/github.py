"""Pull requests on GitHub: opened or brought up to date through its REST API, the same one however often it is asked.

Source of the calls: GitHub's OpenAPI description, version 2022-11-28 (https://docs.github.com/rest).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from compass.errors import OutsideError

PUBLIC: Final = "https://github.com"
PUBLIC_API: Final = "https://api.github.com"
_VERSION: Final = "2022-11-28"
_TRIES: Final = 4
_LONGEST_WAIT: Final = 60.0  # seconds; whoever must wait longer is told until when
_PAGES: Final = 30
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SCP: Final = re.compile(r"[\w.-]+@(?P<host>[\w.-]+):(?P<path>.+)")
_PATH: Final = re.compile(r"/*(?P<owner>[A-Za-z0-9][\w.-]*)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/*")
_TOKEN: Final = re.compile(r"[!-~]+")
_NEXT: Final = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass(frozen=True)
class Access:
    """Which GitHub: its server (as repositories' URLs begin), its API, and the token; none is read from a file."""

    token: str | None = field(default=None, repr=False)
    server: str = PUBLIC
    api: str | None = None

    @property
    def endpoint(self) -> str:
        """Where the API answers: of github.com, or of a server of one's own."""
        public = self.server.rstrip("/") == PUBLIC
        return (self.api or (PUBLIC_API if public else f"{self.server.rstrip('/')}/api/v3")).rstrip("/")

    def repository(self, url: str) -> str | None:
        """`owner/name` when a Git URL leads to this GitHub; else None."""
        server = self.server.rstrip("/")
        if url.startswith(f"{server}/"):
            path = url.removeprefix(server)
        elif found := _SCP.fullmatch(url):
            path = found["path"] if found["host"] == urlsplit(server).hostname else ""
        else:
            parts = urlsplit(url)
            path = parts.path if parts.scheme == "ssh" and parts.hostname == urlsplit(server).hostname else ""
        name = _PATH.fullmatch(path)
        return f"{name['owner']}/{name['name']}" if name else None


@dataclass(frozen=True)
class PullRequest:
    """What a pull request should say; `mark` is the first line of the one comment that is kept up to date."""

    branch: str
    base: str
    title: str
    body: str
    comment: str
    mark: str
    reviewers: tuple[str, ...] = ()
    """Handles: `@owner/team` or `@login`."""


@dataclass(frozen=True)
class Published:
    """Where the pull request stands, and what could not be done for it, in words."""

    url: str
    number: int
    notes: tuple[str, ...] = ()


@dataclass
class GitHub:
    """One repository's pull requests. Every call that fails raises OutsideError with what to do next."""

    access: Access
    repository: str
    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    step: Callable[[str], None] = lambda _: None
    _client: httpx.Client | None = field(default=None, repr=False)

    def publish(self, wanted: PullRequest) -> Published:
        """Open the pull request of a branch, or bring it up to date; a second call changes nothing more."""
        with self._opened():
            pull = self._pull(wanted)
            self.step("opened")
            self._comment(int(pull["number"]), wanted)
            self.step("commented")
            notes = self._ask(pull, wanted.reviewers)
            self.step("asked")
        return Published(str(pull["html_url"]), int(pull["number"]), notes)

    def _pull(self, wanted: PullRequest) -> Mapping[str, Any]:
        found = self._open_pull(wanted)
        if found is None:
            asked = {
                "title": wanted.title,
                "head": wanted.branch,
                "base": wanted.base,
                "body": wanted.body,
            }
            answer = self._send("POST", f"{self._top}/pulls", asked, accept=(422,))
            if answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
                return self._object(answer)
            # Somebody else was quicker, or the branch has gone.
            found = self._open_pull(wanted)
            if found is None:
                raise _failure(answer, self.repository)
        if (found.get("title"), found.get("body") or "") != (wanted.title, wanted.body):
            change = {"title": wanted.title, "body": wanted.body}
            return self._object(self._send("PATCH", f"{self._top}/pulls/{found['number']}", change))
        return found

    def _open_pull(self, wanted: PullRequest) -> Mapping[str, Any] | None:
        owner = self.repository.partition("/")[0]
        query = {"state": "open", "head": f"{owner}:{wanted.branch}", "base": wanted.base}
        answer = self._send("GET", f"{self._top}/pulls", params=query)
        # The server leaves a filter that it cannot use aside, so each answer is looked at.
        return next(
            (one for one in self._list(answer) if (one.get("head") or {}).get("ref") == wanted.branch), None
        )

    def _comment(self, number: int, wanted: PullRequest) -> None:
        for one in self._pages(f"{self._top}/issues/{number}/comments"):
            body = str(one.get("body") or "")
            if not body.startswith(wanted.mark):
                continue
            if body == wanted.comment:
                return
            path = f"{self._top}/issues/comments/{int(one['id'])}"
            answer = self._send("PATCH", path, {"body": wanted.comment}, accept=(403, 404))
            if answer.is_success:
                return  # a marked comment of somebody else, which we may not change, is left as it is
        self._send("POST", f"{self._top}/issues/{number}/comments", {"body": wanted.comment})

    def _ask(self, pull: Mapping[str, Any], handles: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for reviews, once: whoever was asked, or has reviewed, is not asked again."""
        asked = {f"@{one['login']}".casefold() for one in pull.get("requested_reviewers") or ()}
        slugs = {str(one["slug"]).casefold() for one in pull.get("requested_teams") or ()}
        author = f"@{(pull.get('user') or {}).get('login', '')}".casefold()
        missing = [one for one in handles if one.casefold() not in asked | {author}]
        missing = [one for one in missing if one.partition("/")[2].casefold() not in slugs or "/" not in one]
        number = int(pull["number"])
        if not missing or self._list(self._send("GET", f"{self._top}/pulls/{number}/reviews")):
            return ()
        wanted = {
            "reviewers": [one.removeprefix("@") for one in missing if "/" not in one],
            "team_reviewers": [one.partition("/")[2] for one in missing if "/" in one],
        }
        path = f"{self._top}/pulls/{number}/requested_reviewers"
        answer = self._send("POST", path, wanted, accept=(403, 404, 422))
        if answer.is_success:
            return ()
        return (f"GitHub did not ask {', '.join(missing)} for a review: {_said(answer)}",)

    # The wire ---------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> str:
        return f"{self.access.endpoint}/repos/{quote(self.repository)}"

    def _opened(self) -> httpx.Client:
        if not self.access.token:
            raise OutsideError(
                f"there is no token for {self.repository}",
                "set GITHUB_TOKEN to one that may write pull requests",
            )
        if not _TOKEN.fullmatch(self.access.token):
            # The HTTP library would repeat it in its own message.
            raise OutsideError(
                "the token for GitHub holds a blank, a line's end or another character that no token has",
                "set GITHUB_TOKEN to the token alone",
            )
        parts = urlsplit(self.access.endpoint)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise OutsideError(
                f"the token is not sent to {self.access.endpoint}, which is not encrypted",
                "use an https address",
            )
        headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {self.access.token}",
            "user-agent": "compass",
            "x-github-api-version": _VERSION,
        }
        self._client = httpx.Client(headers=headers, timeout=30.0, follow_redirects=True)
        return self._client

    def _pages(self, url: str) -> Iterator[Mapping[str, Any]]:
        next_url: str | None = f"{url}?per_page=100"
        for _ in range(_PAGES):
            if next_url is None:
                return
            answer = self._send("GET", next_url)
            yield from self._list(answer)
            found = _NEXT.search(answer.headers.get("link", ""))
            # Another host would get the token.
            next_url = found[1] if found and found[1].startswith(f"{self.access.endpoint}/") else None

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One call; waits out short limits, repeats reading calls that failed on the way or in the server."""
        assert self._client is not None  # noqa: S101  # opened by `publish`
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._client.request(method, url, json=body, params=params)
            except httpx.HTTPError as error:
                if method != "GET" or attempt == _TRIES:
                    raise OutsideError(
                        f"GitHub cannot be reached at {self.access.endpoint}: {error}",
                        "nothing is lost; run the command again",
                    ) from error
                self.sleep(2.0 ** (attempt - 1))
                continue
            if answer.is_success or (answer.status_code in accept and not _limited(answer)):
                return answer
            wait = _wait(answer, self.clock())
            if wait is None and (answer.status_code < 500 or method != "GET"):
                raise _failure(answer, self.repository)
            wait = 2.0 ** (attempt - 1) if wait is None else wait
            if attempt == _TRIES or wait > _LONGEST_WAIT:
                raise _failure(answer, self.repository, wait if _limited(answer) else None)
            self.sleep(wait)
        raise AssertionError("every turn returns, raises or goes on")  # pragma: no cover

    def _object(self, answer: httpx.Response) -> Mapping[str, Any]:
        data = _json(answer)
        if not isinstance(data, dict) or not {"number", "html_url"} <= data.keys():
            raise OutsideError(
                f"{self.access.endpoint} does not answer as GitHub does", "is GITHUB_API_URL right?"
            )
        return data

    def _list(self, answer: httpx.Response) -> list[Mapping[str, Any]]:
        data = _json(answer)
        if not isinstance(data, list):
            raise OutsideError(
                f"{self.access.endpoint} does not answer as GitHub does", "is GITHUB_API_URL right?"
            )
        return [one for one in data if isinstance(one, dict)]


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _limited(answer: httpx.Response) -> bool:
    """Whether the answer speaks of a rate limit, the primary or a secondary one."""
    return answer.status_code in {403, 429} and (
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    )


def _wait(answer: httpx.Response, now: float) -> float | None:
    """Seconds until a limit ends; None when it is none."""
    if not _limited(answer):
        return None
    for name, since in (("retry-after", 0.0), ("x-ratelimit-reset", now)):
        try:
            return max(0.0, float(answer.headers[name]) - since)
        except (KeyError, ValueError):
            continue
    return _LONGEST_WAIT


def _said(answer: httpx.Response) -> str:
    """The server's own words, short."""
    data = _json(answer)
    found = data if isinstance(data, dict) else {}
    errors = found.get("errors")
    details = [
        str(one.get("message") or one.get("code") or "") if isinstance(one, dict) else str(one)
        for one in (errors if isinstance(errors, list) else ())
    ]
    words = ": ".join(
        part for part in (str(found.get("message") or ""), "; ".join(filter(None, details))) if part
    )
    return " ".join(words.split())[:300] or f"status {answer.status_code}"


def _failure(answer: httpx.Response, repository: str, wait: float | None = None) -> OutsideError:
    said = _said(answer)
    if wait is not None:
        return OutsideError(
            f"GitHub's rate limit is reached ({said})", f"run the command again in {round(wait)} seconds"
        )
    text, hint = {
        401: ("GitHub does not know the token", "set GITHUB_TOKEN to one that is valid"),
        403: (
            f"the token may not do this in {repository}",
            "give it write access to pull requests and read access to contents",
        ),
        404: (
            f"GitHub shows no {repository} to this token",
            "is the name right, and may the token see the repository?",
        ),
        410: (f"{repository} has this switched off", "switch issues and pull requests on"),
        422: (f"GitHub does not take this for {repository}", "mend what it says and run the command again"),
    }.get(
        answer.status_code,
        (f"GitHub answered with status {answer.status_code}", "nothing is lost; run the command again later"),
    )
    return OutsideError(f"{text} ({said})", hint)
