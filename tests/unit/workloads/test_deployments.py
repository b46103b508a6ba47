"""What the status of a Deployment says: rolled out, not yet, never."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import deployments

Object = dict[str, Any]
DONE: Object = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}


def deployment(status: Any, replicas: Any = 3, generation: int = 2) -> Object:
    return {"metadata": {"name": "shop", "generation": generation}, "spec": {"replicas": replicas}, "status": status}


@pytest.mark.parametrize(("spec", "replicas"), [({}, 1), ({"replicas": None}, 1), ({"replicas": 0}, 0), ({"replicas": 5}, 5)])
def test_replicas_of(spec: Object, replicas: int) -> None:
    assert deployments.replicas_of({"spec": spec}) == replicas


@pytest.mark.parametrize(
    ("obj", "lacking"),
    [
        pytest.param(deployment(DONE), None, id="done"),
        pytest.param(deployment({"observedGeneration": 2}, replicas=0), None, id="none wanted, none there"),
        pytest.param(deployment({**DONE, "observedGeneration": 1}), "its last change has not been taken up yet", id="an old status"),
        pytest.param(deployment({}), "its last change has not been taken up yet", id="no status yet"),
        pytest.param(deployment(None), "its last change has not been taken up yet", id="status null"),
        pytest.param(deployment({**DONE, "updatedReplicas": 2}), "2 of 3 replicas are updated", id="updating"),
        pytest.param(deployment({"observedGeneration": 2}), "0 of 3 replicas are updated", id="no pods yet"),
        pytest.param(deployment({**DONE, "replicas": 5}), "2 old replicas are still there", id="old ones left"),
        pytest.param(deployment({**DONE, "replicas": 5}, replicas=0), "2 old replicas are still there", id="scaling to none"),
        pytest.param(deployment({**DONE, "availableReplicas": 1}), "1 of 3 replicas are available", id="not available"),
        pytest.param(
            deployment({key: value for key, value in DONE.items() if key != "availableReplicas"}),
            "0 of 3 replicas are available",
            id="none available",
        ),
        pytest.param(deployment(DONE, replicas=None), None, id="replicas by default"),
    ],
)
def test_not_rolled_out(obj: Object, lacking: str | None) -> None:
    assert deployments.not_rolled_out(obj) == lacking


STUCK = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "shop-1" has timed out progressing.',
}


@pytest.mark.parametrize(
    ("obj", "verdict"),
    [
        pytest.param(deployment({**DONE, "conditions": [{"type": "Available"}, STUCK]}), STUCK["message"], id="stuck"),
        pytest.param(deployment({**DONE, "conditions": [{**STUCK, "message": ""}]}), "ProgressDeadlineExceeded", id="stuck without words"),
        pytest.param(deployment({**DONE, "conditions": [{**STUCK, "reason": "ReplicaSetUpdated"}]}), None, id="progressing"),
        pytest.param(deployment({**DONE, "conditions": [{**STUCK, "type": "Available"}]}), None, id="another condition"),
        pytest.param(deployment({**DONE, "conditions": None}), None, id="no conditions"),
        pytest.param(deployment({}), None, id="no status"),
        # An abort rolls a workload back whose new version was stuck: that verdict must not end the way back.
        pytest.param(
            deployment({**DONE, "conditions": [STUCK]}, generation=3), None, id="a verdict on what was there before the last change"
        ),
    ],
)
def test_failed(obj: Object, verdict: str | None) -> None:
    assert deployments.failed(obj) == verdict


@pytest.mark.parametrize(
    ("strategy", "replicas", "waits"),
    [
        pytest.param(None, 1, True, id="the defaults spare none of one"),
        pytest.param({}, 3, True, id="nor of three"),
        pytest.param({}, 4, False, id="one of four"),
        pytest.param({"type": "Recreate"}, 1, False, id="all go first"),
        pytest.param({"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}, 1, False, id="in place"),
        pytest.param({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"}}, 9, True, id="never one less"),
        pytest.param({"rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}}, 5, False, id="both none count as one spared"),
    ],
)
def test_waits_for_surge(strategy: Any, replicas: int, waits: bool) -> None:
    assert deployments.waits_for_surge({"spec": {"replicas": replicas, "strategy": strategy}}) is waits
