"""What the patterns of a proposal say of the recordings, for whoever reviews it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from compass.federation.gate import recordings_in
from compass.federation.standing import Standing
from compass.library import load
from compass.model.proposal import Proposal
from compass.rules.replay_report import replay_report


def with_replay(standing: Standing) -> Proposal:
    """The proposal, with its patterns replayed at its head against those at its base; nothing where none changed."""
    target, head = standing.target, standing.head.oid
    with TemporaryDirectory(prefix="compass-") as folder:
        recordings = recordings_in(replace(target, commit=head), {}, Path(folder))
        proposed = replace(load(target.git.root, revision=head), recordings=recordings)
        report = replay_report(proposed, load(target.git.root, revision=standing.root.parents[0]))
    return standing.proposal().model_copy(update={"replay": report if report.patterns else None})
