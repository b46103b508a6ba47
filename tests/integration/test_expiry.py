"""Pauses that expire: the next call acts on them, whoever makes it, and so does the playbook sweep for all rollouts of a namespace."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects.seals import place_of, read_key
from ansible_collections.progressive.delivery.tests.harness.application import Application

KEY = "a key that only the users of the application have"


def steps(expires: str, then: str) -> list[Any]:
    return [{"set_weight": 20}, {"pause": {"expires": expires, "then": then}}, {"set_weight": 60}, {"pause": {}}]


def pause(app: Application, expires: str, then: str = "abort", **options: Any) -> dict[str, Any]:
    paused = app.module("rollout_step", app.plan(steps=steps(expires, then), grace=0, **options))
    assert (paused.get("phase"), paused.get("at_expiry")) == ("Paused", then), paused["msg"]
    return paused


def without_record(app: Application) -> dict[str, Any]:
    return {key: value for key, value in app.snapshot().items() if not key.endswith(".rollout")}


def test_who_promotes_too_late_aborts(app: Application) -> None:
    before = without_record(app)
    paused = pause(app, "1s")
    time.sleep(max(0.0, paused["expires_at"] - time.time()))
    preview = app.module("rollout_step", {"name": app.name, "promote": {}}, check=True)
    assert preview["changed"] and "put the routers back" in preview["actions"]
    late = app.module("rollout_step", {"name": app.name, "promote": {"revision": 1, "step": 1}})
    assert (late["failed"], late["phase"], late["safe_to_abort"]) == (True, "Aborted", False), late
    assert "aborted, since the pause at step 2 expired after 1s; all traffic is on the stable version" in late["msg"]
    assert late["actions"][0] == "aborted, since the pause at step 2 expired after 1s"
    assert without_record(app) == before


def expire(app: Application, name: str, **plan: Any) -> dict[str, Any]:
    """The application's record as that of the rollout of this name, whose pause began long ago; as one who has the key writes it."""
    found = app.get("ConfigMap", f"{app.name}.rollout")
    record = json.loads(found["data"]["record"])
    record.update(name=name, began=0.0, plan={**record["plan"], **plan})
    labels = {**found["metadata"]["labels"], "progressive.delivery/rollout": name}
    metadata = {"name": f"{name}.rollout", "labels": labels}
    text, seal = json.dumps(record), read_key(KEY)
    assert seal is not None
    data = {"record": text, "seal": seal.of(place_of(app.namespace, "ConfigMap", f"{name}.rollout", "record"), text)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_sweep(app: Application) -> None:
    sweep = {"rollout_namespace": app.namespace, "rollout_record_key": KEY}
    pause(app, "1h", record_key=KEY)
    before = app.snapshot()
    code, out = app.playbook("sweep", sweep)
    assert code == 0 and app.snapshot() == before, out

    # One that cannot go back, before the one that can.
    app.request("POST", "ConfigMap", body=expire(app, "a-broken-one", workload={"name": "gone"}))
    app.request("POST", "ConfigMap", body={**expire(app, "an-unreadable-one"), "data": {}})
    app.patch("ConfigMap", f"{app.name}.rollout", expire(app, app.name))
    code, out = app.playbook("sweep", sweep)
    assert code != 0 and f"Deployment {app.namespace}/gone does not exist" in out, out
    assert "rollout an-unreadable-one has a record that cannot be read" in out
    assert app.module("rollout_info", {"name": app.name})["rollouts"][0]["phase"] == "Aborted" and app.weights() == (100, 0)

    app.request("DELETE", "ConfigMap", "a-broken-one.rollout")
    pause(app, "1h", "promote", retry=True, record_key=KEY)
    app.patch("ConfigMap", f"{app.name}.rollout", expire(app, app.name))
    code, out = app.playbook("sweep", sweep)
    assert code == 0 and app.weights() == (40, 60), out
