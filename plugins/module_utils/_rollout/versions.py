"""Which revision each workload and pod is of, what its role is, and what state it is in."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._objects.resources import labels, name_of
from .._strategies.registry import strategy_named
from .._strategies.strategy import Strategy
from .._workloads.in_place import CONTROLLER_REVISION_HASH, size_of
from .._workloads.label_selectors import match_labels, takes_pod
from .._workloads.marks import POD_TEMPLATE_HASH, REVISION
from .._workloads.pods import has_ended, is_ready, ready_containers, restarts, state_of, status_of
from .._workloads.revisions import images_of
from .._workloads.services import selector_of, selects
from .._workloads.starting import any_fails
from .observed import BLUEGREEN, Object, Observed, Subject
from .record import HEALTHY, Record

HEALTHY_, PROGRESSING_, DEGRADED_, SCALED_DOWN = "Healthy", "Progressing", "Degraded", "ScaledDown"


@dataclass(frozen=True)
class Waiting:
    """The version (hash of its template) that is scaled down at a time (epoch seconds)."""

    version: str
    at: float


@dataclass(frozen=True)
class RolloutView:
    """What a workload and its pods are judged by."""

    subject: Subject
    record: Record
    observed: Observed
    waiting: Waiting | None = None

    @property
    def old(self) -> str:
        """The version before, as the hash of its template; empty where that is not known."""
        return str(self.record.stable.get("template") or "")

    @property
    def settled(self) -> bool:
        """Whether the new version has become the only one."""
        return not self.record.under_way and self.record.phase == HEALTHY


def workloads_of(view: RolloutView) -> list[Object]:
    """Each workload with all of its pods, the user's first."""
    return [_described(view, each, _own(each, view.observed.pods or []), _version(view, each)) for each in view.observed.workloads or []]


def revisions_of(view: RolloutView) -> list[Object]:
    """The revisions that have workloads, the newest first, each with those and just its own pods. 0: not released by this rollout."""
    parts: dict[int, list[Object]] = {}
    numbers = _numbers(view)
    for workload in view.observed.workloads or []:
        pods = _own(workload, view.observed.pods or [])
        by_version: dict[str, list[Object]] = {}
        for pod in pods:
            by_version.setdefault(_version(view, workload, pod), []).append(pod)
        only = len(by_version) < 2
        for version, own in (by_version or {_version(view, workload): []}).items():
            parts.setdefault(numbers.get(version, 0), []).append(_described(view, workload, own, version, whole=only))
    return [{"revision": number, "workloads": parts[number]} for number in sorted(parts, reverse=True)]


def images_with_roles(revisions: Sequence[Mapping[str, Any]]) -> list[Object]:
    """What runs: each image with the roles of the versions that run it."""
    roles: dict[str, list[str]] = {}
    for part in (part for revision in reversed(revisions) for part in revision["workloads"]):
        if part["pods"] or part["roles"]:
            for image in sorted(set(part["images"].values())):
                roles.setdefault(image, []).extend(part["roles"])
    return [{"image": image, "roles": list(dict.fromkeys(found))} for image, found in roles.items()]


def replicas_in_all(view: RolloutView, workloads: Sequence[Mapping[str, Any]]) -> Object | None:
    """As `kubectl argo rollouts` counts them. updated: those of the new version. None where no workload is known."""
    found = view.observed.workloads or []
    if not found:
        return None
    first, second = view.subject.words
    main = next((each for word in (first, second) for each in workloads if word in each["roles"]), workloads[0])
    status = [each.get("status") or {} for each in found]
    counts: Object = {"desired": main["replicas"]}
    if view.observed.pods is None:
        counts.update(
            current=_sum(status, "replicas", "currentNumberScheduled"), updated=None, ready=_sum(status, "readyReplicas", "numberReady")
        )
    else:
        own = [(each, pod) for each in found for pod in _own(each, view.observed.pods) if not has_ended(pod)]
        live = [(each, pod) for each, pod in own if not pod["metadata"].get("deletionTimestamp")]
        updated = sum(_version(view, each, pod) == view.record.target for each, pod in live)
        counts.update(current=len(live), updated=updated, ready=sum(is_ready(pod) for _each, pod in live))
    return {**counts, "available": _sum(status, "availableReplicas", "numberAvailable")}


def seconds_since(stamp: Any, now: float | None) -> float | None:
    """How long ago that was; stamp: as the API writes times. None where one of the two is not known."""
    try:
        then = datetime.strptime(str(stamp).replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        return None
    return None if now is None else max(0.0, now - then)


def _sum(statuses: Sequence[Mapping[str, Any]], *keys: str) -> int:
    return sum(int(status.get(key) or 0) for status in statuses for key in keys)


def _own(workload: Mapping[str, Any], pods: Sequence[Object]) -> list[Object]:
    """The pods of a Deployment of the rollout keep all labels of the workload's pods."""
    return [pod for pod in pods if is_pod_of(workload, labels(pod))]


def is_pod_of(workload: Mapping[str, Any], pod_labels: Mapping[str, str]) -> bool:
    """Whether a pod with these labels is the workload's; a Deployment of the rollout has the workload's selector and the revision."""
    return takes_pod(workload, pod_labels) and (REVISION in pod_labels) == (REVISION in match_labels(workload))


def _numbers(view: RolloutView) -> dict[str, int]:
    """The number under which each version was released last."""
    record = view.record
    numbers = {record.target: record.revision}
    for entry in record.history:
        target, number = entry.get("target"), entry.get("revision")
        if isinstance(target, str) and isinstance(number, int):
            numbers.setdefault(target, number)
    return numbers


def _strategy(view: RolloutView) -> Strategy:
    return strategy_named(view.subject.style)


def _version(view: RolloutView, workload: Mapping[str, Any], pod: Mapping[str, Any] | None = None) -> str:
    """The hash of the template of a workload's pod; without one, of the version that the workload stands for."""
    selector = match_labels(workload)
    if REVISION in selector:
        return selector[REVISION]
    record = view.record
    if view.settled or (name_of(workload) == view.subject.beside and _strategy(view).keeps_second_workload):
        return record.target
    known = record.stable.get("hash")
    if pod is None or not known or not record.under_way or record.target == view.old:
        return view.old
    own = [labels(pod).get(POD_TEMPLATE_HASH), labels(pod).get(CONTROLLER_REVISION_HASH)]
    return view.old if known in own else record.target


def _roles(view: RolloutView, version: str, pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of a canary by the record; of blue and green by where the Services lead, which is what counts there."""
    first, second = view.subject.words
    if view.subject.strategy == BLUEGREEN and view.observed.services is not None:
        services = [each for each in view.observed.services if each["role"] in (first, second)]
        return sorted({each["role"] for each in services if any(selects(selector_of(each), labels(pod)) for pod in pods)})
    if version == (view.record.target if view.settled else view.old):
        return [first]
    return [second] if version == view.record.target and view.record.under_way else []


def _described(view: RolloutView, workload: Object, pods: Sequence[Object], version: str, whole: bool = True) -> Object:
    """A workload with these of its pods. whole: these are all."""
    images, waiting = _images(workload, pods)
    desired = size_of(workload) if whole else len(pods)
    services = [name_of(each) for each in view.observed.services or [] if any(selects(selector_of(each), labels(pod)) for pod in pods)]
    delay = view.waiting if view.waiting is not None and view.waiting.version == version and pods else None
    now = view.observed.now
    status = _status(desired, pods, view.observed.pods is not None, workload)
    kept = status == SCALED_DOWN and _strategy(view).keeps_versions
    return {
        "kind": workload["kind"],
        "name": name_of(workload),
        "version": view.subject.words[int(_is_new(view, workload, version))],
        "revision": _numbers(view).get(version, 0),
        "roles": [] if kept else _roles(view, version, pods),
        "status": status,
        "replicas": desired,
        "ready": sum(map(is_ready, pods)),
        "paused": bool(workload["spec"].get("paused")),
        "images": images,
        "waiting": waiting if whole or version == view.old else {},
        "services": services,
        "delay": None if delay is None or now is None else max(0.0, delay.at - now),
        "created": workload["metadata"].get("creationTimestamp"),
        "age": seconds_since(workload["metadata"].get("creationTimestamp"), now),
        "pods": [_pod(pod, now) for pod in pods],
    }


def _is_new(view: RolloutView, workload: Mapping[str, Any], version: str) -> bool:
    """Whether it runs the new version beside the stable one; what style revisions has kept has become the stable one in the end."""
    if view.subject.beside:
        return name_of(workload) == view.subject.beside
    return version == view.record.target and not view.settled and view.record.target != view.old


def _pod(pod: Mapping[str, Any], now: float | None) -> Object:
    created = pod["metadata"].get("creationTimestamp")
    return {
        "name": name_of(pod),
        "state": state_of(pod),
        "status": status_of(pod),
        "ready": ready_containers(pod),
        "restarts": restarts(pod),
        "created": created,
        "age": seconds_since(created, now),
    }


def _status(desired: int, pods: Sequence[Object], known: bool, workload: Mapping[str, Any]) -> str:
    if not known:
        status = workload.get("status") or {}
        ready = _sum([status], "readyReplicas", "numberReady")
        return SCALED_DOWN if not desired and not ready else HEALTHY_ if ready == desired else PROGRESSING_
    if not desired and not pods:
        return SCALED_DOWN
    if any_fails(pods):
        return DEGRADED_
    running = [pod for pod in pods if not has_ended(pod)]  # an evicted pod stays beside the one that replaces it
    return HEALTHY_ if len(running) == desired and all(map(is_ready, running)) else PROGRESSING_


def _images(workload: Mapping[str, Any], pods: Sequence[Object]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that run, and those of a template that waits while the Deployment is paused; by container."""
    images = images_of(workload["spec"]["template"])
    if not pods:
        return images, {}
    found = images_of(dict(pods[0]))  # what is injected into pods is none of the user's
    running = {name: found.get(name, image) for name, image in images.items()}
    return running, images if workload["spec"].get("paused") and running != images else {}
