"""A stateful double of the part of GitHub's REST API that COMPASS uses, over real HTTP and real bare repositories.

With GitHub's own OpenAPI description every request and every response is held against it, and an answer starts from
the description's example, so that it has all the fields that the real one has.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from compass.adapters.git import GitRepository

TOKEN = "t" * 20
PER_PAGE = 2
"""Small, so that pages have to be turned; the real one is asked for 100 and may give fewer."""
Json = Any
_NAME = "urn:github"
_JSON = "application/json"


class Description:
    """GitHub's OpenAPI description: what a request may hold, what a response must."""

    def __init__(self, path: Path) -> None:
        self.document: Json = json.loads(path.read_text("utf-8"))
        self.broken: list[str] = []
        self._validator = import_module("openapi_schema_validator").OAS30Validator
        referencing = import_module("referencing")
        resource = referencing.Resource.from_contents(
            self.document, default_specification=import_module("referencing.jsonschema").DRAFT202012
        )
        self._registry = referencing.Registry().with_resource(_NAME, resource)

    def at(self, *parts: str) -> tuple[str, Json]:
        """The JSON pointer that parts lead to, over references, and what stands there."""
        pointer, node = "", self.document
        for part in parts:
            pointer, node = f"{pointer}/{part.replace('~', '~0').replace('/', '~1')}", node[part]
            while isinstance(node, dict) and "$ref" in node:
                names = node["$ref"].removeprefix("#/").split("/")
                pointer, node = self.at(*(name.replace("~1", "/").replace("~0", "~") for name in names))
        return pointer, node

    def request(self, template: str, method: str, query: Mapping[str, list[str]], body: Json) -> None:
        place = ("paths", template, method.lower())
        count = len(self.at(*place)[1].get("parameters", ()))
        known = {}
        for number in range(count):
            one = self.at(*place)[1]["parameters"][number]
            if "$ref" in one:
                one = self.at(*one["$ref"].removeprefix("#/").split("/"))[1]
            known[one["name"]] = one["schema"].get("enum")
        for name, values in query.items():
            if name not in known or (known[name] and values[0] not in known[name]):
                self.broken.append(f"{method} {template}: {name}={values[0]} is not described")
        if body is not None:
            self._hold(f"{method} {template}", (*place, "requestBody", "content", _JSON, "schema"), body)

    def response(self, template: str, method: str, status: int, body: Json) -> None:
        place = ("paths", template, method.lower(), "responses", str(status))
        try:
            content = self.at(*place)[1].get("content")
        except KeyError:
            if status in {
                401,
                403,
                404,
            }:  # any call may be refused so, says the documentation, not each operation
                self._hold(f"{method} {template} {status}", ("components", "schemas", "basic-error"), body)
                return
            self.broken.append(f"{method} {template}: the status {status} is not described")
            return
        if content:
            self._hold(f"{method} {template} {status}", (*place, "content", _JSON, "schema"), body)

    def example(self, name: str) -> Json:
        return copy.deepcopy(self.document["components"]["examples"][name]["value"])

    def _hold(self, where: str, place: tuple[str, ...], value: Json) -> None:
        schema = {"$ref": f"{_NAME}#{quote(self.at(*place)[0])}"}
        validator = self._validator(schema, registry=self._registry)
        self.broken += [
            f"{where}: {'/'.join(map(str, one.absolute_path))}: {one.message[:200]}"
            for one in validator.iter_errors(value)
        ]


@dataclass
class Double:
    """The state, and what tests may change while it runs: `failures` are answers given instead, first come first."""

    root: Path
    url: str = ""
    description: Description | None = None
    user: str = "ann"
    pulls: list[Json] = field(default_factory=list)
    comments: list[Json] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failures: list[tuple[str, int, Mapping[str, str], Json]] = field(default_factory=list)
    teams: set[str] = field(default_factory=lambda: {"pay"})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, method: str, path: str, query: Mapping[str, list[str]], token: str, body: Json
    ) -> tuple[int, Mapping[str, str], Json]:
        """Status, headers and body."""
        with self.lock:
            self.calls.append(f"{method} {path}")
            for number, (wanted, status, headers, said) in enumerate(self.failures):
                if re.fullmatch(wanted, f"{method} {path}"):
                    del self.failures[number]
                    return status, headers, said
            if token != f"Bearer {TOKEN}":
                return 401, {}, {"message": "Bad credentials", "documentation_url": "https://docs.github.com"}
            for template, handler in ROUTES.items():
                name, _, shape = template.partition(" ")
                found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", shape), path)
                if name == method and found:
                    if self.description:
                        self.description.request(shape, method, query, body)
                    status, headers, said = handler(self, found.groupdict(), query, body)
                    if self.description:
                        self.description.response(shape, method, status, said)
                    return status, headers, said
            return (
                404,
                {},
                {"message": "Not Found", "documentation_url": "https://docs.github.com", "status": "404"},
            )

    def whole(self, name: str, values: Json) -> Json:
        """`values` over the description's example, where there is one."""
        return (self.description.example(name) if self.description else {}) | values

    def login(self, name: str) -> Json:
        base = self.description.example("pull-request")["user"] if self.description else {}
        return base | {"login": name}

    def branch(self, repository: str, name: str) -> str | None:
        git = self.root / f"{repository}.git"
        return GitRepository.open(git).resolve(f"refs/heads/{name}") if git.is_dir() else None


def _repository(found: Mapping[str, str]) -> str:
    return f"{found['owner']}/{found['repo']}"


def _missing() -> tuple[int, Mapping[str, str], Json]:
    return 404, {}, {"message": "Not Found", "documentation_url": "https://docs.github.com", "status": "404"}


def _invalid(message: str) -> tuple[int, Mapping[str, str], Json]:
    error = {"resource": "PullRequest", "code": "custom", "message": message}
    return (
        422,
        {},
        {"message": "Validation Failed", "documentation_url": "https://docs.github.com", "errors": [error]},
    )


def list_pulls(double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json) -> Any:
    del body
    owner, _, branch = query.get("head", [":"])[0].partition(":")
    rows = []
    for pull in double.pulls:
        head = double.branch(pull["_repository"], pull["head"]["ref"])
        if head is None:
            pull["state"] = "closed"  # as GitHub does when the branch goes
        if pull["_repository"] != _repository(found) or pull["state"] != query.get("state", ["open"])[0]:
            continue
        if branch and (owner, branch) != (found["owner"], pull["head"]["ref"]):
            continue
        rows.append(_shown(double, pull, "pull-request-simple-items"))
    return 200, {}, rows


def _shown(double: Double, pull: Json, example: str) -> Json:
    base = {}
    if double.description:
        base = double.description.example(example)
        base = base[0] if isinstance(base, list) else base
    values = {key: value for key, value in pull.items() if not key.startswith("_")}
    for side in ("head", "base"):
        values[side] = base.get(side, {}) | values[side]
    return base | values


def create_pull(double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json) -> Any:
    del query
    repository = _repository(found)
    head = double.branch(repository, body["head"])
    if head is None:
        return _invalid(f"head {body['head']} does not exist")
    if any(
        one["state"] == "open" and (one["_repository"], one["head"]["ref"]) == (repository, body["head"])
        for one in double.pulls
    ):
        return _invalid(f"A pull request already exists for {found['owner']}:{body['head']}.")
    number = len(double.pulls) + 1
    pull = {
        "_repository": repository,
        "number": number,
        "html_url": f"https://github.com/{repository}/pull/{number}",
        "title": body["title"],
        "body": body["body"],
        "state": "open",
        "head": {"ref": body["head"], "sha": head},
        "base": {"ref": body["base"]},
        "user": double.login(double.user),
        "requested_reviewers": [],
        "requested_teams": [],
    }
    double.pulls.append(pull)
    return 201, {}, _shown(double, pull, "pull-request")


def _pull(double: Double, found: Mapping[str, str]) -> Json | None:
    return next(
        (
            one
            for one in double.pulls
            if (one["_repository"], str(one["number"]))
            == (_repository(found), found.get("pull_number") or found.get("issue_number"))
        ),
        None,
    )


def change_pull(double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json) -> Any:
    del query
    pull = _pull(double, found)
    if pull is None:
        return _missing()
    pull |= body
    return 200, {}, _shown(double, pull, "pull-request")


def list_comments(
    double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json
) -> Any:
    del body
    if _pull(double, found) is None:
        return _missing()
    page = int(query.get("page", ["1"])[0])
    rows = [one for one in double.comments if one["_number"] == found["issue_number"]]
    part = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    path = f"{double.url}/repos/{_repository(found)}/issues/{found['issue_number']}/comments"
    more = (
        {"link": f'<{path}?per_page=100&page={page + 1}>; rel="next"'} if page * PER_PAGE < len(rows) else {}
    )
    return 200, more, [_said(double, one) for one in part]


def _said(double: Double, row: Json) -> Json:
    return double.whole(
        "issue-comment", {key: value for key, value in row.items() if not key.startswith("_")}
    )


def create_comment(
    double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json
) -> Any:
    del query
    if _pull(double, found) is None:
        return _missing()
    row = {
        "_number": found["issue_number"],
        "id": len(double.comments) + 1,
        "body": body["body"],
        "user": double.login(double.user),
    }
    double.comments.append(row)
    return 201, {}, _said(double, row)


def change_comment(
    double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json
) -> Any:
    del query
    row = next((one for one in double.comments if str(one["id"]) == found["comment_id"]), None)
    if row is None:
        return _missing()
    if row["user"]["login"] != double.user:
        return 403, {}, {"message": "Forbidden", "documentation_url": "https://docs.github.com"}
    row["body"] = body["body"]
    return 200, {}, _said(double, row)


def list_reviews(double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json) -> Any:
    del query, body
    if _pull(double, found) is None:
        return _missing()
    return 200, {}, [double.whole("pull-request-review", one) for one in double.reviews]


def ask_reviewers(
    double: Double, found: Mapping[str, str], query: Mapping[str, list[str]], body: Json
) -> Any:
    del query
    pull = _pull(double, found)
    if pull is None:
        return _missing()
    unknown = set(body.get("team_reviewers", ())) - double.teams
    if unknown:
        message = f"Could not resolve to a node: {', '.join(sorted(unknown))}"
        return 422, {}, {"message": message, "documentation_url": "https://docs.github.com"}
    pull["requested_reviewers"] = [double.login(name) for name in body.get("reviewers", ())]
    base = {}
    if double.description:
        base = double.description.example("pull-request-simple-items")[0]["requested_teams"][0]
    pull["requested_teams"] = [
        base | {"slug": slug, "type": "organization"} for slug in body.get("team_reviewers", ())
    ]
    return 201, {}, _shown(double, pull, "pull-request-review-request")


Handler = Callable[[Double, Mapping[str, str], Mapping[str, list[str]], Json], Any]
ROUTES: Mapping[str, Handler] = {
    "GET /repos/{owner}/{repo}/pulls": list_pulls,
    "POST /repos/{owner}/{repo}/pulls": create_pull,
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": change_pull,
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": list_comments,
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": create_comment,
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": change_comment,
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": list_reviews,
    "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers": ask_reviewers,
}


@contextmanager
def github(root: Path, description: Description | None = None) -> Iterator[Double]:
    """The double on a loopback port; repositories are bare ones at `root/<owner>/<name>.git`."""
    double = Double(root, description=description)

    class Answers(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, headers, said = double.answer(
                self.command,
                parts.path,
                parse_qs(parts.query),
                self.headers.get("authorization", ""),
                body,
            )
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the base class names it
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
