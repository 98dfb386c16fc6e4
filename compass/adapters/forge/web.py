"""Where a forge shows the files of a repository to people: one line at one commit, the history, the editor.

Nothing is asked of the forge: the addresses follow from the remote's URL, or from what the repository says of itself.
Forms: https://docs.github.com/repositories, https://docs.gitlab.com/user/project/repository, https://forgejo.org/docs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

_SCP: Final = re.compile(r"[\w.-]+@(?P<host>[\w.-]+):(?P<path>[^\s:]+)")
_PATH: Final = re.compile(r"[A-Za-z0-9_.~-]+(?:/[A-Za-z0-9_.~-]+)+")
_HOSTED: Final = {"github.com": "github", "gitlab.com": "gitlab", "codeberg.org": "forgejo"}
_FIRST_LABEL: Final = {"github": "github", "gitlab": "gitlab", "forgejo": "forgejo", "gitea": "forgejo"}
_WEB: Final = {"https": "https", "http": "http", "ssh": "https", "git": "https"}


@dataclass(frozen=True)
class Web:
    """One repository in a browser; `url` has no slash at its end, and no name or password in it."""

    forge: str
    url: str
    branch: str = "main"

    def line(self, commit: str, path: str, first: int, last: int) -> str:
        """The lines `first` to `last` of a file as it was at a commit."""
        where = {"github": "blob", "gitlab": "-/blob", "forgejo": "src/commit"}[self.forge]
        # The forges show Markdown as a page, which has no lines, unless asked for its text.
        plain = {"github": "?plain=1", "gitlab": "?plain=1", "forgejo": "?display=source"}[self.forge]
        to = f"-{'' if self.forge == 'gitlab' else 'L'}{last}" if last > first else ""
        return f"{self.url}/{where}/{commit}/{quote(path)}{plain}#L{first}{to}"

    def editor(self, path: str) -> str:
        """Where a change of the file is proposed: the forge makes a branch or a fork, and then a pull request."""
        where = {"github": "edit", "gitlab": "-/edit", "forgejo": "_edit"}[self.forge]
        return f"{self.url}/{where}/{quote(self.branch)}/{quote(path)}"

    def history(self, path: str) -> str:
        """Every change of the file."""
        where = {"github": "commits", "gitlab": "-/commits", "forgejo": "commits/branch"}[self.forge]
        return f"{self.url}/{where}/{quote(self.branch)}/{quote(path)}"

    def commit(self, commit: str) -> str:
        """One commit."""
        return f"{self.url}/{'-/commit' if self.forge == 'gitlab' else 'commit'}/{commit}"


def web_of(remote: str, branch: str = "main") -> Web | None:
    """What the URL of a remote says, or None: only well-known hosts, and those whose name begins with their forge's."""
    if found := _SCP.fullmatch(remote):
        scheme, host, path = "https", found["host"], found["path"]
    else:
        parts = urlsplit(remote)
        # The host alone: a remote's URL may hold a password.
        scheme, host, path = _WEB.get(parts.scheme, ""), parts.hostname or "", parts.path
        if scheme and parts.scheme in {"http", "https"} and parts.port:
            host += f":{parts.port}"
    name = path.strip("/").removesuffix(".git")
    bare = host.partition(":")[0].lower()
    forge = _HOSTED.get(bare) or _FIRST_LABEL.get(bare.partition(".")[0])
    if not (scheme and forge and _PATH.fullmatch(name) and ".." not in name.split("/")):
        return None
    return Web(forge, f"{scheme}://{host.lower()}/{name}", branch)
