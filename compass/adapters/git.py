"""Git plumbing without a checkout: objects in, objects out, refs by compare-and-swap.

Repositories may be hostile: no hook, filter, submodule or external transport of theirs is ever run, and no
text from a user reaches Git as an option or an unchecked URL. GitPython serves as process runner only.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from git.cmd import Git

from compass.adapters.commits import CommitInfo, Signature, parse_commit, trailers
from compass.adapters.distrust import options, programs
from compass.errors import ConflictError, OutsideError, UsageError

__all__ = [
    "MAX_BLOB",
    "ZERO",
    "CommitInfo",
    "GitRepository",
    "Landing",
    "Signature",
    "TreeEntry",
    "check_url",
    "parse_commit",
    "run",
    "trailers",
]

ZERO: Final = "0" * 40
MAX_BLOB: Final = 16 * 1024 * 1024
_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_URL: Final = re.compile(
    r"(?:https?|ssh|git|file)://[^\s-][^\s]*|[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9_.-]+:[^\s-][^\s]*"
)
_REF: Final = re.compile(
    r"(?:HEAD|refs/(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.))[A-Za-z0-9_./-]*[A-Za-z0-9_-])"
)
_SAFE: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "push.gpgSign=false"),
)
# What a user asks for may be a folder, and is served by Git's own programs whatever the repository names.
_ASKED: Final = ("-c", "protocol.file.allow=always")
_UPLOAD: Final = "--upload-pack=git-upload-pack"
_RECEIVE: Final = "--receive-pack=git-receive-pack"
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PROXY_COMMAND": "",  # of `core.gitProxy` the first value holds, so a repository's own cannot be replaced
    "LC_ALL": "C",
}


class Landing(NamedTuple):
    """A commit of the main line, when it was made, and the values of two of its trailers."""

    commit: str
    when: datetime
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file in a tree."""

    mode: str
    oid: str
    path: str


def run(
    arguments: Sequence[str],
    *,
    data: bytes = b"",
    where: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> tuple[int, bytes, str]:
    """Run git with the safe settings; status, standard output, standard error."""
    process = start(arguments, where=where, extra=extra)
    out, err = process.communicate(data)
    return int(process.returncode), out, err.decode("utf-8", "replace").strip()


def start(
    arguments: Sequence[str], *, where: Path | None = None, extra: Mapping[str, str] | None = None
) -> Any:
    """A running git with the safe settings and pipes: GitPython's handle, which acts as a `subprocess.Popen`."""
    return Git(where).execute(
        ["git", *_SAFE, *arguments],
        as_process=True,
        istream=subprocess.PIPE,
        env={**_ENVIRONMENT, **(extra or {})},
    )


def _ask(stream: IO[bytes], oids: Sequence[str]) -> None:
    with contextlib.suppress(BrokenPipeError):
        stream.write("".join(f"{oid}\n" for oid in oids).encode())
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := stream.read(min(size, 65536))):
        size -= len(chunk)


def check_url(url: str) -> str:
    """`url` when it is a usual remote URL or a path; UsageError for options and exotic transports."""
    if _URL.fullmatch(url):
        return url
    if "::" in url or url.startswith("-") or "\n" in url:
        raise UsageError(f"{url!r} is not a URL that COMPASS fetches from", "use https, ssh or a path")
    return str(Path(url).expanduser().resolve())


def head(path: Path) -> str | None:
    """The commit that HEAD names in the repository that `path` lies in; None when there is none."""
    if not path.is_dir():
        return None
    status, out, _ = run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], where=path)
    found = out.decode("utf-8", "replace").strip()
    return found if not status and _OID.fullmatch(found) else None


@dataclass(frozen=True)
class GitRepository:
    """One repository, bare or not; `root` is the top of its working tree (the git folder when bare)."""

    root: Path
    git_dir: Path
    bare: bool
    prefix: str = ""
    """Where the path it was opened with lies below `root`: `` or `some/folder/`."""
    distrusted: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    """Keys of its own configuration that name programs, with what is used in their place."""
    _trees: dict[str, tuple[TreeEntry, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path) -> GitRepository:
        """The repository that `path` lies in; OutsideError when there is none."""
        if not path.is_dir():
            raise OutsideError(f"{path} is not a folder")
        asked = ("--git-common-dir", "--absolute-git-dir", "--is-bare-repository", "--show-prefix")
        status, out, err = run(["rev-parse", "--path-format=absolute", *asked], where=path)
        if status:
            raise OutsideError(f"{path} is not in a Git repository" if "not a git repository" in err else err)
        common, git_dir, bare, *rest = out.decode("utf-8", "surrogateescape").split("\n")
        listed = ("config", "--list", "--show-scope", "--includes", "-z")
        files = (Path(common) / "config", Path(git_dir) / "config.worktree")
        distrusted = programs(files, lambda: run([f"--git-dir={git_dir}", *listed], where=path)[1])
        if bare == "true":
            return cls(Path(git_dir), Path(git_dir), bare=True, distrusted=distrusted)
        prefix = rest[0] if rest else ""
        absolute = path.resolve()
        root = absolute.parents[prefix.count("/") - 1] if prefix else absolute
        return cls(root, Path(git_dir), bare=False, prefix=prefix, distrusted=distrusted)

    @classmethod
    def init(cls, path: Path, *, bare: bool = False) -> GitRepository:
        """Make (or reopen) a repository whose branch is `main`."""
        path.mkdir(parents=True, exist_ok=True)
        status, _, err = run(
            ["init", "--quiet", "--initial-branch=main", "--template=", *(["--bare"] if bare else [])],
            where=path,
        )
        if status:
            raise OutsideError(f"git init failed in {path}: {err}")
        return cls.open(path)

    def git(self, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """Standard output of a plumbing command; OutsideError with Git's own words when it fails."""
        status, out, err = self.attempt(*arguments, data=data, extra=extra)
        if status:
            raise OutsideError(f"git {arguments[0]} failed in {self.root}: {err or f'status {status}'}")
        return out

    def attempt(
        self, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """As `git`, but a failure is an answer."""
        return run([*self._start, *arguments], data=data, where=self.root, extra=extra)

    @property
    def _start(self) -> list[str]:
        return [*options(self.distrusted), f"--git-dir={self.git_dir}"]

    # Reading

    def resolve(self, revision: str) -> str | None:
        """The commit (or other object) that a revision names, or None."""
        status, out, _ = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        found = out.decode().strip()
        return found if not status and _OID.fullmatch(found) else None

    def tree(self, revision: str, under: str = "") -> tuple[TreeEntry, ...]:
        """Every file (and link, mode 120000) of a commit or tree below the folder `under`; no submodules."""
        key = f"{revision}:{under}"
        if key in self._trees:
            return self._trees[key]
        paths = ["--", under] if under else []
        found = []
        for row in self.git("ls-tree", "-r", "-z", "--full-tree", revision, *paths).split(b"\0"):
            if row:
                head, _, path = row.partition(b"\t")
                mode, kind, oid = head.decode().split()
                if kind == "blob":
                    found.append(TreeEntry(mode, oid, path.decode("utf-8", "surrogateescape")))
        answer = tuple(found)
        if _OID.fullmatch(revision):
            self._trees[key] = answer
        return answer

    def read(self, oid: str) -> bytes:
        """The content of one object; OutsideError when it is missing or larger than 16 MiB."""
        found = self.read_many([oid])
        if oid not in found:
            raise OutsideError(f"{self.root}: object {oid} is missing or too large")
        return found[oid]

    def read_many(self, oids: Iterable[str], limit: int = MAX_BLOB) -> dict[str, bytes]:
        """Objects by id, in one process; those that are missing or over `limit` bytes are left out."""
        wanted = list(dict.fromkeys(oids))
        if not wanted:
            return {}
        process = start([*self._start, "cat-file", "--batch"], where=self.root)
        # Git answers while it is still being asked: asking on a thread of its own keeps either side from waiting.
        asking = threading.Thread(target=_ask, args=(process.stdin, wanted), daemon=True)
        asking.start()
        found: dict[str, bytes] = {}
        while header := process.stdout.readline():
            oid, kind, *size = header.decode().split()
            if kind == "missing" or not size:
                continue
            if int(size[0]) > limit:
                _skip(process.stdout, int(size[0]) + 1)
            else:
                found[oid] = process.stdout.read(int(size[0]) + 1)[:-1]
        asking.join()
        complaint = process.stderr.read().decode("utf-8", "replace").strip()
        if process.proc.wait():
            raise OutsideError(f"git cat-file failed in {self.root}: {complaint}")
        return found

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Refs below prefixes such as `refs/compass/` (or of exactly that name), with what they point at."""
        names = [prefix.rstrip("/") for prefix in prefixes]
        rows = self.git("for-each-ref", "--format=%(objectname) %(refname)", *names).decode().splitlines()
        return {name: oid for oid, _, name in (row.partition(" ") for row in rows)}

    def info(self, revision: str) -> CommitInfo:
        """One commit, parsed; OutsideError when it is not one."""
        oid = self.resolve(f"{revision}^{{commit}}")
        if oid is None:
            raise OutsideError(f"{self.root}: {revision} is not a commit")
        return parse_commit(oid, self.read(oid))

    def history(
        self, revision: str, paths: Sequence[str] = (), *, first_parent: bool = True, since: str | None = None
    ) -> tuple[CommitInfo, ...]:
        """Commits reachable from `revision`, newest first, without those reachable from `since`."""
        arguments = [
            "rev-list",
            *(["--first-parent"] if first_parent else []),
            revision,
            *([f"^{since}"] if since else []),
        ]
        oids = self.git(*arguments, "--", *paths).decode().split()
        objects = self.read_many(oids)
        return tuple(parse_commit(oid, objects[oid]) for oid in oids)

    def landings(self, revision: str, keys: tuple[str, str]) -> dict[str, list[Landing]]:
        """By file, the commits of the main line that changed it, newest first; `keys` names two trailers to read."""
        first, second = (f"%(trailers:key={key},valueonly,separator=%x03)" for key in keys)
        form = f"--format=%x01%H%x02%ct%x02{first}%x02{second}%x02"
        out = self.git(
            "log", "--first-parent", "-m", form, "--name-only", "--no-renames", "-z", "--end-of-options", revision
        )  # fmt: skip
        found: dict[str, list[Landing]] = {}
        for chunk in out.split(b"\x01")[1:]:
            oid, seconds, one, other, names = chunk.split(b"\x02", 4)
            values = tuple(
                tuple(text.decode("utf-8", "replace").split("\x03")) if text else () for text in (one, other)
            )
            landing = Landing(oid.decode(), datetime.fromtimestamp(int(seconds), UTC), values[0], values[1])
            for name in names.replace(b"\n", b"").split(b"\0"):
                if name:
                    found.setdefault(name.decode("utf-8", "surrogateescape"), []).append(landing)
        return found

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor`."""
        return self.attempt("merge-base", "--is-ancestor", ancestor, descendant)[0] == 0

    def merge_tree(self, ours: str, theirs: str) -> tuple[str | None, str]:
        """The tree of a three-way merge of two commits, or None with Git's report when it conflicts."""
        status, out, err = self.attempt("merge-tree", "--write-tree", "--messages", ours, theirs)
        lines = out.decode("utf-8", "replace").splitlines()
        return (lines[0], "") if status == 0 else (None, "\n".join(lines) or err)

    def identity(self) -> tuple[str, str] | None:
        """Name and e-mail that the user set for Git, or None."""
        status, out, _ = self.attempt("var", "GIT_AUTHOR_IDENT", extra={"GIT_OPTIONAL_LOCKS": "0"})
        found = re.fullmatch(r"(.*) <([^<>]+)> \d+ [+-]\d{4}", out.decode("utf-8", "replace").strip())
        return (found[1], found[2]) if status == 0 and found else None

    # Writing

    def write_blob(self, data: bytes) -> str:
        """Store a blob; its id."""
        return self.write_object("blob", data)

    def write_object(self, kind: str, data: bytes) -> str:
        """Store an object of the given kind; its id."""
        return self.git("hash-object", "-t", kind, "-w", "--stdin", data=data).decode().strip()

    def write_tree(self, base: str | None, changes: Mapping[str, bytes | None]) -> str:
        """The tree `base` (a commit or tree, None for empty) with files written, or removed where None."""
        rows = []
        for path, data in sorted(changes.items()):
            _check_path(path)
            rows.append(f"0 {ZERO}\t{path}" if data is None else f"100644 {self.write_blob(data)}\t{path}")
        with tempfile.TemporaryDirectory(prefix="compass-index-") as folder:
            extra = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.git("read-tree", *([base] if base else ["--empty"]), extra=extra)
            self.git(
                "update-index",
                "-z",
                "--index-info",
                data="".join(f"{row}\0" for row in rows).encode(),
                extra=extra,
            )
            return self.git("write-tree", extra=extra).decode().strip()

    def commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        author: Signature,
        committer: Signature | None = None,
    ) -> str:
        """Store a commit; no ref is moved."""
        lines = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in parents),
            f"author {author}",
            f"committer {committer or author}",
        ]
        text = "\n".join(lines) + "\n\n" + message.replace("\0", "").rstrip("\n") + "\n"
        return self.write_object("commit", text.encode())

    def update_ref(self, ref: str, new: str | None, old: str) -> None:
        """Move a ref from `old` (ZERO: it must not exist) to `new` (None: delete); ConflictError if it moved."""
        if not _REF.fullmatch(ref) or not all(_OID.fullmatch(oid) for oid in (new or ZERO, old)):
            raise UsageError(f"{ref!r} is not a ref name that COMPASS writes")
        command = f"delete {ref} {old}\n" if new is None else f"update {ref} {new} {old}\n"
        status, _, err = self.attempt("update-ref", "--stdin", data=command.encode())
        if status:
            raise ConflictError(
                f"{ref} in {self.root} was changed by somebody else: {err}", "run the command again"
            )

    def refresh_worktree(self, old: str | None, new: str) -> bool:
        """Bring a clean checkout of `main` from `old` to `new`; False when there is none or it is not clean."""
        if (
            self.bare
            or self.attempt("symbolic-ref", "--quiet", "HEAD")[1].decode().strip() != "refs/heads/main"
        ):
            return False
        work = [f"--work-tree={self.root}"]
        if old is None:
            return self.attempt(*work, "read-tree", "-u", "--reset", new)[0] == 0
        self.attempt(*work, "update-index", "-q", "--refresh", extra={"GIT_OPTIONAL_LOCKS": "1"})
        for test in (["diff-index", "--quiet", "--cached", old], ["diff-files", "--quiet"]):
            if self.attempt(*work, *test)[0]:
                return False
        return self.attempt(*work, "read-tree", "-m", "-u", old, new)[0] == 0

    # Other repositories

    def ls_remote(self, url: str) -> dict[str, str]:
        """The refs of another repository."""
        status, out, err = self.attempt(*_ASKED, "ls-remote", "--refs", _UPLOAD, "--", check_url(url))
        if status:
            raise OutsideError(f"cannot read {url}: {err}")
        return {name: oid for oid, _, name in (row.partition("\t") for row in out.decode().splitlines())}

    def fetch(self, url: str, refspecs: Sequence[str], *, blobless: bool = False) -> None:
        """Fetch refs of another repository; no tags, no submodules."""
        options = [
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            _UPLOAD,
            *(["--filter=blob:none"] if blobless else []),
        ]
        status, _, err = self.attempt(*_ASKED, "fetch", *options, "--", check_url(url), *refspecs)
        if status:
            raise OutsideError(f"cannot fetch from {url}: {err}")

    def fetch_missing(self, url: str, revision: str, wanted: Iterable[str]) -> None:
        """In one batch, fetch those of the `wanted` objects of a revision that a blobless fetch left out."""
        rows = (
            self.git("rev-list", "--objects", "--missing=print", "--no-object-names", f"{revision}^{{tree}}")
            .decode()
            .split()
        )
        missing = {row[1:] for row in rows if row.startswith("?")} & set(wanted)
        if not missing:
            return
        options = [
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--filter=blob:none",
            "--stdin",
            _UPLOAD,
        ]
        quick = (*_ASKED, "-c", "fetch.negotiationAlgorithm=noop")
        status, _, err = self.attempt(
            *quick, "fetch", *options, "--", check_url(url), data="\n".join(sorted(missing)).encode()
        )
        if status:
            raise OutsideError(f"cannot fetch from {url}: {err}")

    def push(self, url: str, source: str, ref: str, expected: str) -> None:
        """Set `ref` of another repository to `source` if it still is `expected` (ZERO: absent)."""
        lease = f"--force-with-lease={ref}:{'' if expected == ZERO else expected}"
        status, out, err = self.attempt(
            *_ASKED,
            "push",
            "--porcelain",
            "--no-verify",
            _RECEIVE,
            lease,
            "--",
            check_url(url),
            f"{source}:{ref}",
        )
        if status:
            text = f"{out.decode('utf-8', 'replace')}\n{err}"
            if "stale info" in text or "[rejected]" in text:
                raise ConflictError(f"{ref} of {url} was changed by somebody else", "run the command again")
            raise OutsideError(f"cannot push to {url}: {text.strip()}")


def _check_path(path: str) -> None:
    parts = path.split("/")
    if (
        any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts)
        or "\0" in path
        or "\n" in path
    ):
        raise UsageError(f"{path!r} is not a path that COMPASS writes")
