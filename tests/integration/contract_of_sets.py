"""What StatefulSets and DaemonSets do, as scenarios for the cluster in memory and the real one."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api, Seen, image, pods, workload


def a_stateful_set(api: Api) -> Seen:
    """Pods are replaced from the last one down to the partition."""
    api.make("StatefulSet", "shop", spec=workload(replicas=3, serviceName="shop"))
    _set_rested(api, 3)
    seen: Seen = {"at rest": _set_status(api), "pods": pods(api)}
    api.patch("StatefulSet", "shop", spec={"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}})
    api.patch("StatefulSet", "shop", spec=image("green"))
    for partition in (3, 2, 0):
        api.patch("StatefulSet", "shop", spec={"updateStrategy": {"rollingUpdate": {"partition": partition}}})
        _set_rested(api, 3 - partition)
        seen[f"partition {partition}"] = _set_status(api)
    api.patch("StatefulSet", "shop", spec=image("blue"))
    _set_rested(api, 3)
    seen["back"] = (_set_status(api), len(api.all("ControllerRevision")))
    return seen


def _set_rested(api: Api, updated: int) -> None:
    def done() -> bool:
        live = api.get("StatefulSet", "shop")
        status = live.get("status", {})
        of_new = [pod for pod in api.all("Pod") if pod["metadata"]["labels"]["controller-revision-hash"] == status.get("updateRevision")]
        taken_up = status.get("observedGeneration") == live["metadata"]["generation"]
        return bool(
            taken_up and status.get("readyReplicas") == 3 and len(of_new) == updated and status.get("updatedReplicas", 0) == updated
        )

    api.until(done)


def _set_status(api: Api) -> Seen:
    status = api.get("StatefulSet", "shop")["status"]
    keys = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas")
    new = [pod["metadata"]["labels"]["controller-revision-hash"] == status["updateRevision"] for pod in api.all("Pod")]
    return {**{key: status.get(key, 0) for key in keys}, "one version": status["currentRevision"] == status["updateRevision"], "new": new}


def a_daemon_set(api: Api) -> Seen:
    """With OnDelete old pods stay until somebody deletes them."""
    api.make("DaemonSet", "shop", spec=workload(updateStrategy={"type": "OnDelete"}))
    nodes = _daemons(api, lambda status: status.get("numberReady") and status["numberReady"] == status["desiredNumberScheduled"])
    api.patch("DaemonSet", "shop", spec=image("green"))
    _daemons(api, lambda status: not status.get("updatedNumberScheduled"))
    versions = api.all("ControllerRevision")
    new = max(versions, key=lambda each: each["revision"])["metadata"]["labels"]["controller-revision-hash"]
    api.ask("DELETE", "Pod", api.all("Pod")[0]["metadata"]["name"])
    _daemons(api, lambda status: status.get("updatedNumberScheduled") == 1 and status["numberReady"] == nodes)
    updated = [pod for pod in api.all("Pod") if pod["metadata"]["labels"]["controller-revision-hash"] == new]
    data = sorted(versions[0]["data"]["spec"]["template"])
    return {"versions": len(versions), "updated": len(updated), "pods": len(api.all("Pod")) == nodes, "seen": pods(api)[0], "data": data}


def _daemons(api: Api, wanted: Callable[[Seen], object]) -> int:
    def done() -> Seen | None:
        live = api.get("DaemonSet", "shop")
        status = live.get("status", {})
        return status if status.get("observedGeneration") == live["metadata"]["generation"] and wanted(status) else None

    return int(api.until(done)["desiredNumberScheduled"])
