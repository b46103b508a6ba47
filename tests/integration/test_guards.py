"""Autoscalers and disruption budgets during a release, by the real controllers: held, led after the traffic, grown, and given back."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.objects import guards
from ansible_collections.progressive.delivery.tests.harness.watch import Watch

GUARDS = ("HorizontalPodAutoscaler", "PodDisruptionBudget")
REVISION = "progressive.delivery/revision"
QUOTA: dict[str, Any] = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}


@pytest.fixture
def guarded(app: Application) -> Application:
    """Three pods, an autoscaler that could take one of them, and a budget that lets one of them be evicted."""
    app.scale(3)
    for manifest in guards(app.name, 2):
        app.make(manifest)
    return app


def _all(app: Application) -> dict[str, Any]:
    kinds = ("VirtualService", "Service", "Deployment", "ConfigMap", *GUARDS)
    return {key: value for key, value in app.snapshot(*kinds).items() if not key.endswith(".rollout")}


def _limits(app: Application) -> tuple[str, int, int]:
    """Whom the autoscaler scales, the fewest pods that it leaves, and those that the budget keeps."""
    scaling = app.get(GUARDS[0])["spec"]
    return scaling["scaleTargetRef"]["name"], scaling["minReplicas"], app.get(GUARDS[1])["spec"]["minAvailable"]


def _targets(watch: Watch) -> list[str]:
    return [name for name, _same in groupby(item["spec"]["scaleTargetRef"]["name"] for item in watch.items)]


def _at(*weights: int) -> list[dict[str, Any]]:
    pause: dict[str, Any] = {"pause": {}}
    return [step for weight in weights for step in ({"set_weight": weight}, pause)]


def test_the_autoscaler_follows_the_traffic_and_the_budget_grows_with_the_canary(guarded: Application) -> None:
    app, before, clone = guarded, _all(guarded), f"{guarded.name}-canary"
    with app.load() as load, Watch(app.path(GUARDS[0]), app.kubeconfig) as watch:
        assert app.module("rollout_step", app.plan(steps=_at(20, 60), grace="1s"))["phase"] == "Paused"
        assert _limits(app) == (app.name, 3, 2 + 2)  # a canary of a protected workload has two pods
        assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Paused"
        assert _limits(app) == (clone, 3, 2 + 3) and app.get("Deployment", clone)["spec"]["replicas"] == 3
        # As the autoscaler would, had it metrics that ask for that.
        app.scale(5, clone)
        assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    assert not load.results().failures, load.results().failures[:3]
    assert _targets(watch) == [app.name, clone, app.name]
    assert app.get("Deployment")["spec"]["replicas"] == 5, "what gets all the traffic has as many pods as what had it"
    after = _all(app)
    assert {key: after[key] for key in before if not key.startswith("Deployment")} == {
        key: before[key] for key in before if not key.startswith("Deployment")
    }
    assert set(after) == set(before)


@pytest.mark.parametrize(("weight", "state"), [(20, "aborted"), (60, "aborted"), (60, "absent")])
def test_the_way_back_gives_all_back_to_the_letter(guarded: Application, weight: int, state: str) -> None:
    app, before = guarded, _all(guarded)
    assert app.module("rollout_step", app.plan(steps=_at(weight)))["phase"] == "Paused"
    assert _limits(app)[1:] == (3, 2 + (2 if weight == 20 else 3))
    back = app.module("rollout_step", {"name": app.name, "state": state})
    assert back["changed"] and not back.get("failed"), back["msg"]
    assert _all(app) == before


def test_pods_that_have_traffic_cannot_all_be_evicted(guarded: Application) -> None:
    """As many may go as without the release: 2 of 3 must stay, and 2 of 3 + 3 would let go all that run one version."""
    app = guarded
    _serve_on(app)
    with app.load() as load:
        assert app.module("rollout_step", app.plan(steps=_at(100), grace="1s"))["phase"] == "Paused"
        until("the budget counts six pods", lambda: app.get(GUARDS[1])["status"].get("currentHealthy") == 6)
        assert app.get(GUARDS[1])["status"]["disruptionsAllowed"] == 1
        with app.holding([QUOTA]):
            # Until it is gone there is no pod in the place of one that was evicted, however long this takes.
            until("the quota counts", lambda: app.get("ResourceQuota", "full").get("status", {}).get("hard"))
            assert sorted(_evict(app, name) for name in _pods(app)) == [201, 429, 429]
        assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    assert not load.results().failures, load.results().failures[:3]


@pytest.mark.parametrize(("canary", "lost"), [({}, False), ({"min_replicas": 1}, True)])
@pytest.mark.parametrize("style", ["clone", "revisions"])
def test_a_canary_pod_is_evicted_under_load(guarded: Application, style: str, canary: dict[str, Any], lost: bool) -> None:
    """20 % of three pods is one pod, which the budget lets go; two are what a protected workload has."""
    app = guarded
    _serve_on(app)
    own: dict[str, Any] = {"workload": {"name": app.name, "style": style}, "canary": {"steps": _at(20), **canary}}
    with app.load() as load:
        assert app.module("rollout_step", app.plan(grace="1s", **own))["phase"] == "Paused"
        until("the budget allows an eviction", lambda: app.get(GUARDS[1])["status"].get("disruptionsAllowed") == 1)
        before = len(load.results().failures)
        with app.holding([QUOTA]):
            until("the quota counts", lambda: app.get("ResourceQuota", "full").get("status", {}).get("hard"))
            assert _evict(app, _pods(app, canary=True)[0]) == 201
            until("the canary Service has one pod less", lambda: len(_pods(app, canary=True)) == (0 if lost else 1))
            sent = len(load.results().requests)
            until("requests were sent", lambda: len(load.results().requests) > sent + 150)
        until("the pod is replaced", lambda: len(_pods(app, canary=True)) == (1 if lost else 2))
    failures = load.results().failures
    assert (before, bool(failures)) == (0, lost), f"{len(failures)} of {len(load.results().requests)}: {failures[:3]}"


def _serve_on(app: Application) -> None:
    """The application's pods, and those of a new version, serve for 4 s after they were told to go."""
    sleep = {"name": app.name, "lifecycle": {"preStop": {"sleep": {"seconds": 4}}}}
    app.patch("Deployment", app.name, {"spec": {"template": {"spec": {"containers": [{**_container(app), **sleep}]}}}})
    app.wait_for_pods(3)
    until("no request comes to the former pods", lambda: len(_pods(app)) == 3 and set(app.ask(50)) == {"blue"})


def _container(app: Application) -> dict[str, Any]:
    return dict(app.get("Deployment")["spec"]["template"]["spec"]["containers"][0])


def _pods(app: Application, canary: bool = False) -> list[str]:
    """The pods of the stable version, or of the canary, those that are there and not going."""
    items = [each["metadata"] for each in app.request("GET", "Pod")["items"]]
    return [each["name"] for each in items if (REVISION in each["labels"]) == canary and not (canary and each.get("deletionTimestamp"))]


def _evict(app: Application, name: str) -> int:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": app.namespace}}
    return int(app.transport.request("POST", f"{app.path('Pod', name)}/eviction", None, body).status)


def test_a_style_that_keeps_revisions_leads_the_autoscaler_to_the_one_that_runs(guarded: Application) -> None:
    app, before = guarded, _all(guarded)
    own = {"workload": {"name": app.name, "style": "revisions"}}
    names = []
    for image in ("yellow", "green"):
        done = app.module("rollout_step", app.plan(image, [], **own, canary={"steps": [], "scale_down_delay": 0}))
        assert done["phase"] == "Healthy", done["msg"]
        names.append(_limits(app)[0])
        assert _limits(app)[1:] == (2, 2) and app.get("Deployment", names[-1])["spec"]["replicas"] == 3
    assert len({app.name, *names}) == 3
    app.scale(4, names[-1])
    assert app.module("rollout_step", {"name": app.name, "state": "absent"})["changed"]
    assert app.get("Deployment")["spec"]["replicas"] == 4
    after = _all(app)
    assert set(after) == set(before)
    assert {key: after[key] for key in before if key.startswith(GUARDS)} == {key: before[key] for key in before if key.startswith(GUARDS)}
