"""Another client writes a label of the workload before each dry run: a template, and a definition, are tried all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.tests.harness.memory.contract import MERGE_PATCH
from ansible_collections.progressive.delivery.tests.harness.memory.server import MemoryServer
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, stage

IMAGE = "argoproj/rollouts-demo:yellow"
CONTAINER = {"name": NAME, "image": IMAGE, "ports": [{"name": "http", "containerPort": 8080}]}
REVISIONS: dict[str, dict[str, Any]] = {
    "template": {"template": {"spec": {"containers": [{"name": NAME, "image": IMAGE}]}}},
    "definition": {"definition": {"metadata": {"labels": {"app": NAME}}, "spec": {"containers": [CONTAINER]}}},
}


class Labelling:
    """Sends requests on; a dry run of a change comes just after another client's write to the same object."""

    def __init__(self, server: MemoryServer) -> None:
        self.server, self.tried = server, 0
        self.namespace, self.stream = server.namespace, server.stream

    def request(self, method: str, path: str, query: Mapping[str, str] | None = None, *more: Any) -> Response:
        if method == "PATCH" and (query or {}).get("dryRun"):
            self.tried += 1
            self.server.request("PATCH", path, {}, {"metadata": {"labels": {"written": str(self.tried)}}}, MERGE_PATCH)
        return self.server.request(method, path, query, *more)


@pytest.mark.parametrize("style", ["clone", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize("revision", REVISIONS.values(), ids=REVISIONS)
def test_a_template_is_tried(style: str, revision: dict[str, Any]) -> None:
    place = stage(CASES[style])
    crowded = Labelling(place.cluster.server)
    place.call(crowded, options={"revision": revision})  # type: ignore[arg-type]
    assert crowded.tried and place.phase() == "Healthy"
    assert {pod["spec"]["containers"][0]["image"] for pod in place.all("Pod")} == {IMAGE}
