"""Advice of rollout_preflight_info alone: what a release cannot see or prevent, as far as its plan shows."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

from ..._strategies.registry import strategy_of
from ..findings import Finding, info, warning
from .snapshot import ClusterSnapshot


def advice_in(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """All of it."""
    for advice in (one_canary_pod, without_probe, kept_connections):
        yield from advice(snapshot)


def one_canary_pod(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A node that is drained evicts it, and its share of the requests fails until another pod is ready."""
    alone = snapshot.min_replicas == 1 and min(snapshot.sizes_under_traffic, default=2) == 1
    if alone and snapshot.plan.min_replicas is None and snapshot.replicas > 1 and not snapshot.plan.by_pods:
        problem = "has a single canary pod in some steps: if that pod is evicted, the canary's requests fail until another one is ready"
        yield warning(snapshot.title, problem, "set canary.min_replicas to 2, or protect the workload with a PodDisruptionBudget")


def without_probe(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Status of pods, EndpointSlices and routers is what a release goes by."""
    if snapshot.plan.probe is None:
        problem = "has no probe, so it sees whether pods are ready and stand in the EndpointSlices, but not whether requests are answered"
        yield info(f"rollout {snapshot.plan.name}", problem, "set probe, or send requests in a hook or a check of the role")


def kept_connections(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """kube-proxy chooses the pod of a connection once; what a router balances is not concerned."""
    containers = (snapshot.stable["spec"]["template"].get("spec") or {}).get("containers") or []
    if strategy_of(snapshot.plan).replaces_pods_under_traffic(snapshot.plan):
        return  # A warning says so.
    if not any((each.get("lifecycle") or {}).get("preStop") for each in containers):
        problem = (
            "has no preStop hook: connections that clients keep open through a Service's cluster address stay on their pod, "
            "and requests on them fail if the pod ends before they do"
        )
        yield info(snapshot.title, problem, "give its containers a preStop sleep, or a drain as long as clients keep connections")
