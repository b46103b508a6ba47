"""The ten worst attacks on the real API server: what the attacker writes into the namespace gains nothing by the operator's next call.

Each with the rights of the Role that is shipped, and with those of an administrator, who could do all that the attacker wants.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of
from ansible_collections.progressive.delivery.tests.harness.application import Application, application
from ansible_collections.progressive.delivery.tests.harness.namespace import fresh_namespace
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user

Object = dict[str, Any]

EVIL = "registry.example/evil:1"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 80}]
MERGE = "application/merge-patch+json"


class Victims:
    """What lies in another namespace, and what the cluster as a whole grants."""

    def __init__(self, app: Application, namespace: str) -> None:
        self.app, self.namespace = app, namespace
        container = {"name": "app", "image": "argoproj/rollouts-demo:blue"}
        template = {"metadata": {"labels": {"app": "bank"}}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "bank"}}, "template": template}
        self._make(
            "/apis/apps/v1", "deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bank"}, "spec": spec}
        )
        labels = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": app.name}
        self._make("/api/v1", "secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bank", "labels": labels}})
        self.before = self.state()

    def _make(self, root: str, plural: str, manifest: Object) -> None:
        made = self.app.transport.request("POST", f"{root}/namespaces/{self.namespace}/{plural}", None, manifest)
        assert made.status == 201, made.body

    def state(self) -> Any:
        paths = [f"/apis/apps/v1/namespaces/{self.namespace}/deployments", f"/api/v1/namespaces/{self.namespace}/secrets", BINDINGS]
        found = [item for path in paths for item in self.app.transport.request("GET", path).body["items"]]
        return [{key: value for key, value in item.items() if key not in ("metadata", "status")} | _named(item) for item in found]


def _named(item: Object) -> Object:
    metadata = item["metadata"]
    return {
        "name": metadata["name"],
        "uid": metadata["uid"],
        "labels": metadata.get("labels"),
        "annotations": metadata.get("annotations", {}).get("x"),
    }


@pytest.fixture(scope="module")
def paused_app() -> Iterator[Application]:
    """The seed's application; `pause` has it paused at 20 %."""
    with application(os.environ["KUBECONFIG"]) as app:
        app.scale(2)
        yield app


def pause(app: Application) -> Object:
    """The record of the application, paused at 20 %, as it was written."""
    result = app.module("rollout_step", {**app.plan(steps=STEPS), "drain": "0.2s", "retry": True})
    assert result["phase"] == "Paused", (result["msg"], result)
    return dict(json.loads(app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"]))


def _start_anew(app: Application) -> None:
    app.module("rollout_step", {"name": app.name, "state": "absent"})
    app.change_container(image="argoproj/rollouts-demo:blue")
    app.wait_for_pods(2)


@pytest.fixture(scope="module")
def victims(paused_app: Application) -> Iterator[Victims]:
    app = paused_app
    with fresh_namespace(app.transport) as name:
        yield Victims(app, name)


@pytest.fixture(scope="module", params=["the shipped Role", "an administrator"])
def operator(request: pytest.FixtureRequest, paused_app: Application) -> Iterator[str]:
    app = paused_app
    own = app.kubeconfig
    app.kubeconfig = user(app, shipped_rules()) if request.param == "the shipped Role" else own
    yield str(request.param)
    app.kubeconfig = own


Change = Callable[[Object, Victims], Object]


def _plan(**changes: Any) -> Change:
    return lambda record, _victims: {**record, "plan": {**record["plan"], **changes}}


def _up(plural: str, victims: Victims) -> str:
    return f"../../../../../{plural}".replace("NAMESPACE", victims.namespace)


def _definition(record: Object, victims: Victims) -> Object:
    definition = {
        "apiVersion": "example.org/v1",
        "kind": "Road",
        "plural": _up("apis/rbac.authorization.k8s.io/v1/clusterrolebindings", victims),
        "destinations": "subjects[]",
        "destination": {"service": "name"},
    }
    return _plan(routers=[{"type": "road", "name": "cluster-admin", "definition": definition}])(record, victims)


def _secret_elsewhere(record: Object, victims: Victims) -> Object:
    return {**record, "tracks": True, "copies": {_up("Secret/../NAMESPACE/secrets/bank", victims).replace("../../../../../", ""): "bank"}}


def _original(key: str, path: list[Any], was: Any) -> Change:
    field = {"by": "rollouts-demo", "depth": 1, "path": path, "was": was}
    return lambda record, _victims: {**record, "originals": {key: [field]}}


def _behind_the_pause(record: Object, victims: Victims) -> Object:
    steps = [{"began": 1.0, "ended": 2.0}] * 2
    now = records.load({"record": json.dumps(record)}, "rollouts-demo")
    program = program_of(now, read_plan("rollouts-demo", victims.app.namespace, now.plan))
    [here] = [index for index, entry in enumerate(program) if entry.id == now.position]
    return {**record, "position": program[here + 1].id, "phase": "Progressing", "began": None, "steps": steps}


PROMOTE: Object = {"promote": {}, "until": "end"}
ABORT: Object = {"state": "aborted"}
POD = ["spec", "template", "spec"]
# What is written into the record, and what the operator calls then.
RECORDS: dict[str, tuple[Change, Object]] = {
    "ClusterRoleBinding by the plural of a definition": (_definition, ABORT),
    "a Secret of another namespace as a copy": (_secret_elsewhere, ABORT),
    "a pod template": (_plan(revision={"template": {"spec": {"serviceAccountName": "admin"}}}), PROMOTE),
    "another image": (_plan(revision={"images": {"rollouts-demo": EVIL}}), PROMOTE),
    "another workload": (_plan(workload={"name": "other"}), PROMOTE),
    "an image as the original": (_original("Deployment/rollouts-demo", [*POD, "containers", 0, "image"], EVIL), ABORT),
    "hostPID as the original": (_original("Deployment/rollouts-demo", [*POD, "hostPID"], True), ABORT),
    "a place behind the pause": (_behind_the_pause, {"until": "end"}),
}


@contextmanager
def restored(app: Application, record: Object) -> Iterator[None]:
    """Whatever is written into the record and into annotations within is taken back."""
    service = app.get("Service")["metadata"].get("annotations")
    yield
    now = json.loads(app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"])
    if now.get("phase") in ("Aborted", "Healthy"):
        # What a record of somebody else does not remember, an abort cannot put back; the next call says so.
        app.patch("Deployment", app.name, {"spec": {"paused": None}})
        return
    app.patch("ConfigMap", f"{app.name}.rollout", {"data": {"record": json.dumps(record)}})
    app.patch("Service", app.name, {"metadata": {"annotations": {"progressive.delivery/bluegreen": None, **(service or {})}}})


def _snapshot(app: Application) -> Object:
    found = app.snapshot("Deployment", "Service", "VirtualService")
    return {key: value["spec"] for key, value in found.items()}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record(paused_app: Application, victims: Victims, operator: str, name: str) -> None:
    app, record = paused_app, pause(paused_app)
    change, call = RECORDS[name]
    with restored(app, record):
        app.patch("ConfigMap", f"{app.name}.rollout", {"data": {"record": json.dumps(change(record, victims))}})
        before = _snapshot(app)
        template = app.get("Deployment")["spec"]["template"]
        result = app.module("rollout_step", {"name": app.name, "wait_timeout": 20, **call})
        assert "\n" not in result["msg"] and "Traceback" not in json.dumps(result), f"{operator}: {result}"
        assert victims.state() == victims.before
        if result.get("failed"):
            assert _snapshot(app) == before
            return
        if name == "another image":
            # The release that was approved goes on by what runs, and the application is given back for the next attack.
            assert EVIL not in json.dumps(app.get("Deployment")["spec"]["template"])
        else:
            # Only the way back goes on, without what the record asks for.
            assert call == ABORT and result["phase"] == "Aborted", f"{operator}: {result}"
            assert app.get("Deployment")["spec"]["template"] == template
    if result["phase"] == "Healthy":
        _start_anew(app)


class _Counting(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        _Counting.asked += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


def test_a_probe_out_of_a_record_is_not_asked(paused_app: Application, operator: str) -> None:
    """The call itself goes on, and waits the grace instead. Last of all that need the pause with this operator: it ends the abort."""
    app, record = paused_app, pause(paused_app)
    server = HTTPServer(("127.0.0.1", 0), _Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        probe = {"url": f"http://127.0.0.1:{server.server_port}/latest/meta-data", "headers": {"X": "y"}, "expect": {"canary": "(x|xx)+y"}}
        with restored(app, record):
            app.patch("ConfigMap", f"{app.name}.rollout", {"data": {"record": json.dumps(_plan(probe=probe)(record, None))}})  # type: ignore[arg-type]
            seen = app.module("rollout_step", {"name": app.name, "promote": {}}, check=True)
            assert not seen.get("failed"), seen["msg"]
            assert any("probe" in json.dumps(warning) for warning in seen.get("warnings", [])), (operator, seen)
        assert _Counting.asked == 0
    finally:
        server.shutdown()
        server.server_close()


def test_a_service_s_annotation(paused_app: Application, victims: Victims, operator: str) -> None:
    """The next switch scaled a Deployment of another namespace to 0."""
    app, record = paused_app, pause(paused_app)
    elsewhere = f"Deployment/../../{victims.namespace}/deployments/bank"
    memories: list[Object] = [
        {"active": f"Deployment/{app.name}", "run": "a", "at": 1.0, "waiting": {elsewhere: 1.0}},
        {"active": f"Deployment/{app.name}", "run": "a", "at": 1.0, "replicas": {elsewhere: 500}},
    ]
    for memory in memories:
        with restored(app, record):
            app.patch("Service", app.name, {"metadata": {"annotations": {"progressive.delivery/bluegreen": json.dumps(memory)}}})
            options = {"active_service": app.name, "target": app.name, "scale_down_delay": "0s", "grace": "0s", "wait_timeout": 10}
            result = app.module("bluegreen_switch", options)
            assert result.get("failed") and "cannot be read" in result["msg"], (operator, result)
            assert victims.state() == victims.before


def test_a_scheduled_sweep(paused_app: Application, victims: Victims, operator: str) -> None:
    """Whoever may create a ConfigMap makes a release that waits for a sweep: without a seal it acts on no rollout that it is not told."""
    app, record = paused_app, pause(paused_app)
    expired = [{"set_weight": 5}, {"pause": {"expires": "1s", "then": "promote"}}, {"set_weight": 100}]
    forged = {**record, "name": "forged", "plan": {**record["plan"], "canary": {"steps": expired}}, "began": 1.0}
    labels = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": "forged"}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "forged.rollout", "labels": labels}}
    before = _snapshot(app)
    app.make({**manifest, "data": {"record": json.dumps(forged)}})
    try:
        _code, out = app.playbook("sweep", {"rollout_namespace": app.namespace})
        assert "forged" in out and _snapshot(app) == before, (operator, out)
        code, out = app.playbook("sweep", {"rollout_namespace": app.namespace, "rollout_name": "forged"})
        assert code != 0 and _snapshot(app) == before, (operator, out)
    finally:
        app.delete("ConfigMap", "forged.rollout")
    assert victims.state() == victims.before


def test_the_honest_call_still_works(paused_app: Application) -> None:
    app = paused_app
    pause(app)
    result = app.module("rollout_step", {"name": app.name, "promote": {"full": True}, "until": "end", "wait_timeout": 60})
    assert result["phase"] == "Healthy", result
