"""An approval in Git: a commit signed with a person's SSH key, bound to the head and tree that they saw."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from compass.adapters import sshsig
from compass.adapters.git import CommitInfo, GitRepository, Signature, parse_commit
from compass.federation.approvals import Approval
from compass.federation.messages import message
from compass.federation.roster import Roster

_SIGNATURE: Final = re.compile(rb"^gpgsig [^\n]*\n(?: [^\n]*\n)*", re.MULTILINE)


def write_approval(
    git: GitRepository, pid: str, head: CommitInfo, by: Signature, key: sshsig.SigningKey
) -> str:
    """Store the approval of `head` as a signed commit on top of it with the same tree; no ref is moved."""
    trailers = [("Compass-Approve", pid), ("Compass-Head", head.oid), ("Compass-Tree", head.tree)]
    top = f"tree {head.tree}\nparent {head.oid}\nauthor {by}\ncommitter {by}\n"
    text = message(f"Approve {pid}", (), trailers)
    armor = key.sign(f"{top}\n{text}".encode()).rstrip("\n").replace("\n", "\n ")
    return git.write_object("commit", f"{top}gpgsig {armor}\n\n{text}".encode())


def read_approval(raw: bytes, pid: str, roster: Roster) -> Approval:
    """The approval that a commit object is; SignatureError when it is none, or by nobody whom the roster knows."""
    try:
        commit = parse_commit("", raw)
    except KeyError as error:
        raise sshsig.SignatureError("the approval is not a commit") from error
    if commit.signature is None or len(commit.parents) != 1:
        raise sshsig.SignatureError("the approval is not signed, or not made on one head")
    head, _, rest = raw.partition(b"\n\n")
    public = sshsig.signer(commit.signature, _SIGNATURE.sub(b"", head + b"\n", count=1) + b"\n" + rest)
    who = roster.by_key(public)
    if who is None:
        raise sshsig.SignatureError("the approval is signed with a key of nobody in people.yaml")
    named = {key: value for key, value in commit.trailers if key.startswith("Compass-")}
    if named != {"Compass-Approve": pid, "Compass-Head": commit.parents[0], "Compass-Tree": commit.tree}:
        raise sshsig.SignatureError("the approval is of another proposal")
    return Approval(who, commit.parents[0], commit.tree)


def signature_of(roster: Roster, who: str, when: datetime) -> Signature:
    """How a principal stands in a commit: by id and address, never by name."""
    return Signature(who, roster.mail_of(who), when)
