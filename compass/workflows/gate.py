"""The gate of a knowledge repository on GitHub: one workflow, written by `compass init`."""

from __future__ import annotations

from typing import Final

from compass import __version__
from compass.federation.comment import MARK

GATE: Final = ".github/workflows/compass.yml"

_TEXT: Final = """\
# Made by `compass init`. Every proposal is checked; what is found stands beside its lines, and in one comment.
# No third-party action is used. Whatever a proposal brings (title, branch, files) is data: it reaches no shell but
# through the environment, and nothing of it is run. A proposal from a fork gets no token that could write.
name: compass
on:
  pull_request:
  push:
    branches: [main]
  schedule:
    - cron: "23 5 * * 1"
permissions: {}
concurrency:
  group: compass-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
defaults:
  run:
    shell: bash
env:
  # Where COMPASS is installed from: set the variable of this name for a mirror or another version.
  COMPASS_PACKAGE: ${{ vars.COMPASS_PACKAGE || 'compass-memory==@VERSION@' }}
jobs:
  check:
    name: check
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read
    steps:
      - name: Check out
        env:
          TOKEN: ${{ github.token }}
        run: |
          git init --quiet .
          header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)"
          export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraheader GIT_CONFIG_VALUE_0="$header"
          git fetch --quiet --no-tags "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" \\
            "+refs/heads/*:refs/remotes/origin/*" "+$GITHUB_SHA:refs/remotes/checked"
          git checkout --quiet refs/remotes/checked
      - name: Install COMPASS
        run: pipx install --quiet "$COMPASS_PACKAGE"
      - name: Context from above
        # A parent that this job may not read is a warning of the check, not the end of it.
        run: compass sync || true
      - name: Check
        env:
          BASE: ${{ github.event.pull_request.base.sha }}
        run: compass check ${BASE:+"--changed-since=$BASE"} --format github
      - name: Report
        if: always() && github.event_name == 'pull_request'
        env:
          BASE: ${{ github.event.pull_request.base.sha }}
        run: compass check --changed-since "$BASE" --format markdown >>"$GITHUB_STEP_SUMMARY" || true
  comment:
    name: comment
    needs: check
    if: >-
      always() && github.event_name == 'pull_request'
      && github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read
      pull-requests: write
    steps:
      - name: Check out
        env:
          TOKEN: ${{ github.token }}
        run: |
          git init --quiet .
          header="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)"
          export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraheader GIT_CONFIG_VALUE_0="$header"
          git fetch --quiet --no-tags "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" \\
            "+refs/heads/*:refs/remotes/origin/*" "+$GITHUB_SHA:refs/remotes/checked"
          git checkout --quiet refs/remotes/checked
      - name: Write the comment
        env:
          BASE: ${{ github.event.pull_request.base.sha }}
        run: |
          pipx install --quiet "$COMPASS_PACKAGE"
          compass sync || true
          compass check --changed-since "$BASE" --format markdown >"$RUNNER_TEMP/comment.md" || true
      - name: Keep one comment up to date
        env:
          GH_TOKEN: ${{ github.token }}
          NUMBER: ${{ github.event.pull_request.number }}
        run: |
          cd "$RUNNER_TEMP"
          comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
          old=$(gh api --paginate "$comments" --jq \\
            '.[] | select(.user.type == "Bot" and (.body | startswith("@MARK@"))) | .id' | head -n 1)
          if [ -n "$old" ]; then
            gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$old" -F body=@comment.md
          else
            gh api --silent --method POST "$comments" -F body=@comment.md
          fi
"""


def workflow() -> str:
    """The text of the workflow, for this version of COMPASS."""
    return _TEXT.replace("@VERSION@", __version__).replace("@MARK@", MARK)
