"""Hazards of placement: pods of the clone that would find no node, or not their volumes."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._objects.resources import NODE, PERSISTENT_VOLUME_CLAIM, labels, name_of
from ..._workloads.label_selectors import matches
from ..._workloads.marks import POD_TEMPLATE_HASH
from ..findings import Finding, fatal, warning
from .snapshot import ClusterSnapshot, Object

_HOSTNAME = "kubernetes.io/hostname"
_REMEDY = "make sure that there are so many, with room, or ease that rule"


def apart(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The clone's pods have the labels of the workload's, and so keep away from these, too."""
    for why, key in keeping_apart(snapshot.pods, snapshot.plan.namespace, snapshot.new_labels):
        problem = (
            f"must not have two pods on one {'node' if key == _HOSTNAME else key} ({why}), and its {snapshot.peak} pods in the promotion"
        )
        if NODE not in snapshot.found:
            remedy = f"{_REMEDY}; to have them counted, grant the verb list on nodes with a ClusterRole"
            yield warning(snapshot.title, f"{problem} need as many", remedy)
            continue
        there = {labels(node)[key] for node in snapshot.all(NODE) if key in labels(node) and takes(node, snapshot.pods)}
        if len(there) < snapshot.peak:
            yield warning(snapshot.title, f"{problem} find {len(there)}", _REMEDY)


def on_the_hosts_network(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Kubernetes knows of the ports that are declared, and of no others."""
    if snapshot.pods.get("hostNetwork") and not _host_ports(snapshot.pods):
        problem = "has hostNetwork and declares no ports: a pod of the clone on a node with one of the workload finds its ports taken"
        yield warning(snapshot.title, problem, "declare the ports, so that pods are kept apart")


def volumes(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The pods of both versions use the same claims."""
    used = {(each.get("persistentVolumeClaim") or {}).get("claimName") for each in snapshot.pods.get("volumes") or []}
    for claim in snapshot.all(PERSISTENT_VOLUME_CLAIM):
        modes = set((claim.get("spec") or {}).get("accessModes") or [])
        title = snapshot.titled(PERSISTENT_VOLUME_CLAIM.kind, name_of(claim))
        if name_of(claim) not in used:
            continue
        if modes == {"ReadWriteOncePod"}:
            problem = f"is ReadWriteOncePod: no pod of the clone can have it while one of Deployment {snapshot.plan.workload} has"
            yield fatal(title, problem, "release without a clone, or use a volume that several pods can have")
        elif modes <= {"ReadWriteOnce", "ReadWriteOncePod"}:
            problem = "is ReadWriteOnce: pods of the clone can only run on the node that has it, and both versions write to it at once"
            yield warning(title, problem, "make sure of room on that node and that the versions get along, or use ReadWriteMany")


def keeping_apart(pod: Mapping[str, Any], namespace: str, pod_labels: dict[str, str]) -> list[tuple[str, str]]:
    """What keeps such pods from each other, and the label of nodes of which each pod needs its own value."""
    terms = ((pod.get("affinity") or {}).get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or []
    keys = [str(term.get("topologyKey")) for term in terms if _against(term, namespace, pod_labels)]
    ports = [(f"hostPort {', '.join(map(str, _host_ports(pod)))}", _HOSTNAME)] if _host_ports(pod) else []
    return [("podAntiAffinity", key) for key in dict.fromkeys(keys)] + ports


def _against(term: Mapping[str, Any], namespace: str, pod_labels: dict[str, str]) -> bool:
    """Whether the term is against pods of the other version; one by their hash is only against their own."""
    here = not term.get("namespaces") or namespace in term["namespaces"]
    return here and POD_TEMPLATE_HASH not in (term.get("matchLabelKeys") or []) and matches(term.get("labelSelector"), pod_labels)


def _host_ports(pod: Mapping[str, Any]) -> list[int]:
    ports = [port for each in pod.get("containers") or [] for port in each.get("ports") or []]
    # On the host's network each port that is declared is one of the host.
    taken = [port.get("hostPort") or (port.get("containerPort") if pod.get("hostNetwork") else None) for port in ports]
    return sorted({int(port) for port in taken if port})


def takes(node: Object, pod: Mapping[str, Any]) -> bool:
    """Whether a node takes new pods like this, as far as its taints and the pod's nodeSelector say."""
    spec, own = node.get("spec") or {}, labels(node)
    wanted = pod.get("nodeSelector") or {}
    taints = [each for each in spec.get("taints") or [] if each.get("effect") in ("NoSchedule", "NoExecute")]
    tolerated = all(any(_tolerates(each, taint) for each in pod.get("tolerations") or []) for taint in taints)
    return not spec.get("unschedulable") and tolerated and all(own.get(key) == value for key, value in wanted.items())


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return toleration.get("key") == taint.get("key") and (toleration.get("value") or "") == (taint.get("value") or "")
