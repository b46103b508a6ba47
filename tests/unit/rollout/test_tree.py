"""The picture of a rollout, for both strategies and in every phase."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.observed import Observed
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import age, tree
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import position_of, record_of, release_of
from ansible_collections.progressive.delivery.tests.unit.rollout.scenes import (
    BLUEGREEN_PLAN,
    CANARY_PLAN,
    CRASHED,
    NOW,
    READY,
    STABLE,
    STARTING,
    bluegreen,
    canary,
    deployment,
    pods_of,
    seen_by,
)

Object = dict[str, Any]
DONE = {"began": 1.0, "ended": 2.0}
RELEASE = release_of(CANARY_PLAN, record_of(CANARY_PLAN))
SWITCHES = release_of(BLUEGREEN_PLAN, record_of(BLUEGREEN_PLAN, stable={**STABLE, "made": True}))
RUNS = position_of(RELEASE, "run the canary for 20 % of the traffic")
PAUSE = {"phase": "Paused", "position": position_of(RELEASE, "pause"), "steps": [DONE, {"began": 1.0}], "began": NOW - 960}

CANARY = """
Name:            shop
Namespace:       test
Status:          ॥ Paused: waiting for promotion
Message:         rollout shop, revision 7: paused after 20 %, step 2 of 3:
                 promote it with promote: {revision: 7, step: 1}, or abort it
                 with state: aborted
Strategy:        Canary
  Step:          2/3 pause until promoted
  SetWeight:     20
  ActualWeight:  20
Progress:        pause (7/21), for 16m
  Waiting for:   promotion
Images:          shop:1 (stable)
                 shop:2 (canary)
Replicas:
  Desired:       2
  Current:       3
  Updated:       1
  Ready:         3
  Available:     3

NAME                       KIND        STATUS     AGE  INFO
⟳ shop                     Rollout     ॥ Paused   16m
├──# revision:7
│  └──⧉ shop-canary        Deployment  ✔ Healthy  16m  canary,ready:1/1,service:shop-canary
│     └──□ shop-canary-new-1  Pod         ✔ Running  16m  ready:1/1
└──# revision:6
   └──⧉ shop               Deployment  ✔ Healthy  16m  stable,ready:2/2,paused,service:shop
      ├──□ shop-old-1      Pod         ✔ Running  16m  ready:1/1
      └──□ shop-old-2      Pod         ✔ Running  16m  ready:1/1
"""


def words(text: str) -> list[str]:
    """The lines without what just aligns them."""
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def test_a_canary() -> None:
    drawn = tree(seen_by(CANARY_PLAN, canary(), **PAUSE))
    assert words(drawn) == words(CANARY)
    table = drawn[drawn.index("NAME") :].splitlines()
    assert {line.find(kind) for line in table for kind in ("Rollout ", "Deployment ", "Pod ", "KIND ") if kind in line} == {27 + 3}
    assert all(line == line.rstrip() and "\x1b" not in line for line in table)


def test_blue_green_while_the_old_version_waits_for_its_end() -> None:
    at = {"position": position_of(SWITCHES, "wait 30s"), "resume_at": NOW + 8.4, "began": NOW - 21, "steps": [DONE, DONE, DONE]}
    drawn = words(tree(seen_by(BLUEGREEN_PLAN, bluegreen("t2", "t2"), stable={**STABLE, "made": True}, **at)))
    assert drawn[2] == "Status: ◌ Progressing: wait 30s" and "Strategy: BlueGreen" in drawn and "Step: 3/3" in drawn
    assert "Images: shop:1" in drawn and "shop:2 (active, preview)" in drawn
    assert drawn[drawn.index("NAME KIND STATUS AGE INFO") :] == [
        "NAME KIND STATUS AGE INFO",
        "⟳ shop Rollout ◌ Progressing 16m",
        "├──# revision:7",
        "│ └──⧉ shop-t2 Deployment ✔ Healthy 16m active,preview,ready:2/2,service:shop,service:shop-preview",
        "│ ├──□ shop-t2-pt2-1 Pod ✔ Running 16m ready:1/1",
        "│ └──□ shop-t2-pt2-2 Pod ✔ Running 16m ready:1/1",
        "├──# revision:6",
        "│ ├──⧉ shop Deployment • ScaledDown 16m",
        "│ └──⧉ shop-t1 Deployment ✔ Healthy 16m ready:2/2,delay:8s",
        "│ ├──□ shop-t1-pt1-1 Pod ✔ Running 16m ready:1/1",
        "│ └──□ shop-t1-pt1-2 Pod ✔ Running 16m ready:1/1",
        "└──# revision:5",
        "└──⧉ shop-t0 Deployment • ScaledDown 16m",
    ]


def test_blue_green_while_the_preview_waits() -> None:
    at = {"phase": "Paused", "position": position_of(SWITCHES, "pause"), "steps": [DONE, {"began": 1.0}], "began": NOW - 5}
    drawn = words(tree(seen_by(BLUEGREEN_PLAN, bluegreen(), stable={**STABLE, "made": True}, **at)))
    assert {"Images: shop:1 (active)", "shop:2 (preview)", "Step: 2/3 pause until promoted"} <= set(drawn)
    at = {"position": position_of(SWITCHES, "run the canary for 100 % of the traffic"), "steps": [DONE]}
    drawn = words(tree(seen_by(BLUEGREEN_PLAN, bluegreen(), stable={**STABLE, "made": True}, **at)))
    assert "Status: ◌ Progressing: run the preview for 100 % of the traffic" in drawn


ROLLING = deployment("shop", "shop:2", 2)
PHASES = [
    pytest.param(seen_by(None, Observed(now=NOW)), ["✔ Healthy", "nothing is under way"], ["NAME", "Replicas", "Strategy"], id="nothing"),
    pytest.param(
        seen_by(CANARY_PLAN, canary(0, (READY, STARTING, STARTING)), position=RUNS),
        [
            "◌ Progressing: run the canary for 20 %",
            "1/3 ready",
            "pod shop-canary-new-2: container ? is waiting: ContainerCreating, and 1",
            "◌ Progressing 16m",
        ],
        [],
        id="starting",
    ),
    pytest.param(
        seen_by(CANARY_PLAN, canary(20, (CRASHED,)), phase="Degraded", msg="no progress: x", position=6, began=NOW),
        ["✖ Degraded: no progress: x", "✖ CrashLoopBackOff", "restarts:3", "ready:0/1", "somebody who mends the cause"],
        [],
        id="stuck",
    ),
    pytest.param(
        seen_by(CANARY_PLAN, canary(0), program="", phase="Aborted", msg="aborted by ann"),
        ["✖ Aborted: aborted by ann", "# revision:6"],
        ["Progress:", "SetWeight"],
        id="aborted",
    ),
    pytest.param(
        seen_by(
            CANARY_PLAN, Observed(workloads=[ROLLING], pods=pods_of(ROLLING, "new", READY, READY), now=NOW), program="", phase="Healthy"
        ),
        ["✔ Healthy", "shop:2 (stable)", "# revision:7"],
        ["# revision:6", "Progress:"],
        id="complete",
    ),
    pytest.param(
        seen_by(
            CANARY_PLAN,
            Observed(
                workloads=[ROLLING],
                pods=[*pods_of(ROLLING, "old", READY, image="shop:1"), *pods_of(ROLLING, "new", READY)],
                now=NOW,
            ),
            position=position_of(RELEASE, "roll the workload to the new version"),
        ),
        ["shop:1 (stable)", "shop:2 (canary)", "# revision:7", "# revision:6"],
        [],
        id="one workload with pods of both",
    ),
    pytest.param(
        seen_by(
            CANARY_PLAN,
            Observed(
                workloads=[deployment("shop", "shop:3", 1, paused=True)],
                pods=pods_of(ROLLING, "new", READY),
                now=NOW,
            ),
            program="",
            phase="Healthy",
        ),
        ["paused,waits:shop:3", "shop:2 (stable)"],
        ["shop:3 ("],
        id="held, and a version waits",
    ),
    pytest.param(
        seen_by(CANARY_PLAN, Observed(problems=["not allowed to list pods"], services=[], now=NOW)),
        ["⚠ not allowed to list pods", "⚠ Service test/shop (stable) does not exist"],
        ["NAME"],
        id="broken",
    ),
]


@pytest.mark.parametrize(("info", "there", "missing"), PHASES)
def test_every_phase(info: Object, there: list[str], missing: list[str]) -> None:
    drawn = " ".join(tree(info).split())
    assert [each for each in there if each not in drawn] == [], tree(info)
    assert [each for each in missing if each in drawn] == [], tree(info)


@pytest.mark.parametrize("width", [40, 60, 79, 120])
def test_it_fits_a_terminal(width: int) -> None:
    info = seen_by(CANARY_PLAN, canary(), **PAUSE)
    table = tree(info, width).split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= width and len(table) == len(tree(info).split("\n\n")[1].splitlines())
    assert ("INFO" in table[0]) == (width > 40) and ("KIND" in table[0]) == (width > 79)


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0, "0s"), (8.9, "8s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d")]
)
def test_ages(seconds: float | None, said: str) -> None:
    assert age(seconds) == said
