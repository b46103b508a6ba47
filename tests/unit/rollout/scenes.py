"""Rollouts as they are seen in a cluster: workloads, pods and Services to make pictures of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.observed import Observed
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.picture import picture
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import Record
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.marks import POD_TEMPLATE_HASH, REVISION
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, record_of

Object = dict[str, Any]

NOW = 1760000000.0  # 2025-10-09T08:53:20Z
MADE = "2025-10-09T08:37:20Z"  # 16 minutes before
READY: Object = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"ready": True}]}
CRASHED: Object = {
    "phase": "Running",
    "containerStatuses": [{"ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}],
}
STARTING: Object = {"phase": "Pending", "containerStatuses": [{"ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}]}


def deployment(name: str, image: str, replicas: int, revision: str = "", **spec: Any) -> Object:
    """revision: of one that was made here."""
    labels = {"app": "shop", **({REVISION: revision} if revision else {})}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    whole = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    metadata = {"name": name, "creationTimestamp": MADE}
    return {"kind": "Deployment", "metadata": metadata, "spec": whole, "status": {"availableReplicas": replicas}}


def pods_of(owner: Object, pod_hash: str, *statuses: Object, image: str = "") -> list[Object]:
    """One pod for each of the statuses."""
    template = owner["spec"]["template"]
    containers = [{**template["spec"]["containers"][0], **({"image": image} if image else {})}]
    labels = {**template["metadata"]["labels"], POD_TEMPLATE_HASH: pod_hash}
    return [
        {
            "metadata": {"name": f"{owner['metadata']['name']}-{pod_hash}-{number}", "labels": labels, "creationTimestamp": MADE},
            "spec": {"containers": containers},
            "status": status,
        }
        for number, status in enumerate(statuses, 1)
    ]


def service(name: str, role: str, **selector: str) -> Object:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": "shop", **selector}}, "role": role}


STABLE = {"workload": "shop", "hash": "old", "template": "t1", "images": {"app": "shop:1"}}
HISTORY = [{"revision": 6, "target": "t1", "phase": "Healthy"}, {"revision": 5, "target": "t0", "phase": "Healthy"}]


def canary(weight: int | None = 20, new: Sequence[Object] = (READY,), old: Sequence[Object] = (READY, READY), **more: Any) -> Observed:
    """Style clone, in the middle."""
    workload = deployment("shop", "shop:1", len(old), paused=True)
    clone = deployment("shop-canary", "shop:2", len(new), "t2")
    pods = [*pods_of(workload, "old", *old), *pods_of(clone, "new", *new)]
    services = [service("shop", "stable", **{POD_TEMPLATE_HASH: "old"}), service("shop-canary", "canary", **{REVISION: "t2"})]
    routers = None if weight is None else [{"type": "istio", "name": "shop", "weight": {"stable": 100 - weight, "canary": weight}}]
    return Observed(**{"workloads": [workload, clone], "pods": pods, "services": services, "routers": routers, "now": NOW, **more})


def bluegreen(active: str = "t1", preview: str = "t2") -> Observed:
    """Style revisions; active, preview: the versions to which the Services lead. t0 is kept without pods."""
    workload = deployment("shop", "shop:1", 0)
    versions = {"t2": ("shop:2", 2), "t1": ("shop:1", 2), "t0": ("shop:0", 0)}
    made = {version: deployment(f"shop-{version}", image, replicas, version) for version, (image, replicas) in versions.items()}
    pods = [pod for version in ("t1", "t2") for pod in pods_of(made[version], f"p{version}", READY, READY)]
    services = [service("shop", "active", **{REVISION: active}), service("shop-preview", "preview", **{REVISION: preview})]
    return Observed(workloads=[workload, *made.values()], pods=pods, services=services, now=NOW)


def seen_by(plan: Plan | None, observed: Observed, **changes: Any) -> Object:
    """What is told where the record is that of the plan, with these changes."""
    record: Record | None = None
    if plan is not None:
        record = record_of(plan, **{"target": "t2", "stable": STABLE, "history": HISTORY, **changes})
    return picture("shop", "test", record, plan, observed)


CANARY_PLAN = plan_of({"set_weight": 20}, {"pause": {}}, {"set_weight": 50})
BLUEGREEN_PLAN = plan_of(
    workload={"name": "shop", "style": "revisions"},
    services={"active": "shop", "preview": "shop-preview"},
    canary=None,
    routers=None,
    bluegreen={"scale_down_delay": "30s"},
)
