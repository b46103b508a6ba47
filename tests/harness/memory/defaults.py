"""What the API server fills in where a manifest leaves it open, and what it refuses as invalid."""

from __future__ import annotations

import copy
from typing import Any

from .kinds import DAEMON_SET, DEPLOYMENT, REPLICA_SET, SERVICE, STATEFUL_SET, Kind
from .selectors import matching

Object = dict[str, Any]

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET)


def completed(kind: Kind, obj: Object, address: str) -> Object:
    """The object with its defaults. address: a cluster IP that is free."""
    if kind not in (*WORKLOADS, SERVICE):
        return obj
    spec = copy.deepcopy(obj.get("spec") or {})
    if kind is SERVICE:
        _service(spec, address)
    else:
        _workload(kind, spec)
    return {**obj, "spec": spec}


def _workload(kind: Kind, spec: Object) -> None:
    if kind is not DAEMON_SET:
        _default(spec, replicas=1)
    if kind is DEPLOYMENT:
        _default(spec, progressDeadlineSeconds=600, revisionHistoryLimit=10, strategy={})
        strategy = spec["strategy"]
        _default(strategy, type="RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            _default(strategy, rollingUpdate={})
            _default(strategy["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
        if spec.get("paused") is False:
            del spec["paused"]
    if kind in (STATEFUL_SET, DAEMON_SET):
        _default(spec, revisionHistoryLimit=10, updateStrategy={})
        _default(spec["updateStrategy"], type="RollingUpdate")
    if kind is STATEFUL_SET:
        retain = {"whenDeleted": "Retain", "whenScaled": "Retain"}
        _default(spec, podManagementPolicy="OrderedReady", persistentVolumeClaimRetentionPolicy=retain)
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            _default(spec["updateStrategy"], rollingUpdate={})
            _default(spec["updateStrategy"]["rollingUpdate"], partition=0)
    if kind is DAEMON_SET and spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], maxSurge=0, maxUnavailable=1)
    pod_spec(spec.get("template", {}).get("spec", {}))


def pod_spec(spec: Object) -> None:
    """Gives the spec of a pod its defaults."""
    _default(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        schedulerName="default-scheduler",
        securityContext={},
        terminationGracePeriodSeconds=30,
    )
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        latest = ":" not in container.get("image", "").rpartition("/")[2] or container["image"].endswith(":latest")
        _default(
            container,
            imagePullPolicy="Always" if latest else "IfNotPresent",
            resources={},
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
        )
        for port in container.get("ports") or []:
            _default(port, protocol="TCP")


def _service(spec: Object, address: str) -> None:
    _default(spec, type="ClusterIP", sessionAffinity="None")
    for port in spec.get("ports") or []:
        _default(port, protocol="TCP", targetPort=port["port"])
    if spec["type"] != "ExternalName":
        _default(spec, clusterIP=address, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
        _default(spec, clusterIPs=[spec["clusterIP"]])


def _default(target: Object, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def trouble(kind: Kind, before: Object | None, after: Object) -> tuple[str, str] | None:
    """The field and what is wrong with it, None for a valid object."""
    spec = after.get("spec") or {}
    if kind in WORKLOADS:
        labels = (spec.get("template", {}).get("metadata") or {}).get("labels") or {}
        if not spec.get("selector"):
            return "spec.selector", "Required value"
        if not matching(spec["selector"], labels):
            return "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"
        if before is not None and before["spec"]["selector"] != spec["selector"]:
            return "spec.selector", "Invalid value: field is immutable"
        if int(spec.get("replicas") or 0) < 0:
            return "spec.replicas", "Invalid value: must be greater than or equal to 0"
    if kind is SERVICE and spec.get("type") != "ExternalName" and not spec.get("ports") and spec.get("clusterIP") != "None":
        return "spec.ports", "Required value"
    return None
