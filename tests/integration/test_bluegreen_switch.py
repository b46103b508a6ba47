"""bluegreen_switch against the real API server and its controllers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.two_versions import TwoVersions

Manifest = dict[str, Any]
ACTIVE, PREVIEW, BLUE, YELLOW = "active", "preview", "shop", "shop-canary"
OPTIONS: dict[str, Any] = {
    "active_service": ACTIVE,
    "preview_service": PREVIEW,
    "target": YELLOW,
    "grace": "0.3s",
    "scale_down_delay": "1s",
}


def service(name: str, app: str = BLUE, **spec: Any) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": app}, "ports": ports, **spec}}


@pytest.fixture
def store(shop: TwoVersions) -> Iterator[TwoVersions]:
    """Both versions running, the Service of the harness for the second one out of the way, and two for the switch."""
    own = {name: shop.get("Service", name)["spec"]["selector"] for name in (BLUE, YELLOW)}
    for name in own:
        shop.patch("Service", name, {"spec": {"selector": {"app": "nobody"}}})
    with shop.holding([service(ACTIVE), service(PREVIEW, YELLOW)]):
        for name in (ACTIVE, PREVIEW):
            shop.wait_for_endpoints(name)
        yield shop
    for name, selector in own.items():
        shop.patch("Service", name, {"spec": {"selector": selector}})
        shop.scale(2, name)


def call(store: TwoVersions, check: bool = False, **options: Any) -> dict[str, Any]:
    result = store.module("bluegreen_switch", {**OPTIONS, **options}, check=check, diff=True)
    assert not result.get("failed"), result["msg"]
    return result


def essence(diff: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without times and the names of calls, which a preview cannot know."""
    diff = json.loads(json.dumps(diff))
    for side in [entry[side] for entry in diff for side in ("before", "after")]:
        annotations = side["metadata"].get("annotations", {})
        for key in [key for key in annotations if key.startswith("progressive.delivery/")]:
            memory = json.loads(annotations[key])
            annotations[key] = {name: value for name, value in memory.items() if name not in ("at", "run", "waiting")}
    return sorted(diff, key=lambda entry: str(entry["before_header"]))


def pods(store: TwoVersions) -> set[str]:
    return {pod["metadata"]["uid"] for pod in store.request("GET", "Pod")["items"] if not pod["metadata"].get("deletionTimestamp")}


def test_check_run_check_run_and_back(store: TwoVersions) -> None:
    before = store.snapshot()
    preview = call(store, check=True)
    assert preview["changed"] and store.snapshot() == before
    real = call(store)
    assert essence(preview["diff"]) == essence(real["diff"])
    assert [entry["before_header"].split()[0] for entry in real["diff"]] == ["Service", "Deployment"]
    for result in (preview, real):
        assert (result["active"], result["previous"]) == ({"kind": "Deployment", "name": YELLOW}, {"kind": "Deployment", "name": BLUE})
        assert result["scale_down_at"] is None
    assert real["endpoints"] == {"ready": 2, "total": 2} and 0 < real["switch_seconds"] < 60
    assert store.get("Service", ACTIVE)["spec"]["selector"] == {"app": YELLOW} and store.get("Deployment", BLUE)["spec"]["replicas"] == 0
    again = call(store)
    assert (again["changed"], again["diff"], again["active"]) == (False, [], real["active"])
    absent: dict[str, Any] = {"state": "absent", "target": None}
    gone = call(store, **absent)
    assert gone["changed"] and gone["active"] == {"kind": "Deployment", "name": BLUE} and store.snapshot() == before
    assert not call(store, **absent)["changed"]


def test_a_switch_back_within_the_delay_starts_no_pod(store: TwoVersions) -> None:
    before, there = store.snapshot(), pods(store)
    assert call(store, scale_down=False)["active"]["name"] == YELLOW
    again = call(store, scale_down_delay="10m", wait=False)
    assert not again["changed"] and again["scale_down_at"] > time.time()
    back = call(store, target=BLUE, scale_down=False)
    assert (back["active"]["name"], back["previous"]["name"], back["scale_down_at"]) == (BLUE, YELLOW, None)
    assert call(store, state="absent", target=None)["changed"]
    assert pods(store) == there and store.snapshot() == before


def test_bad_input_is_one_clear_line_and_writes_nothing(store: TwoVersions) -> None:
    """One of the table in tests/unit/deaths/test_switch_input.py."""
    before = store.snapshot()
    result = store.module("bluegreen_switch", {**OPTIONS, "target": "nope"})
    assert result["msg"] == f"Deployment {store.namespace}/nope does not exist: check its name and the namespace"
    assert not result.get("changed") and store.snapshot() == before
