"""What the status of a pod says: ready, terminating, or why it is not ready."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

# States of a container that is being started as it should be.
_STARTING = ("ContainerCreating", "PodInitializing")
# Reasons of a container's end that say no more than its exit code.
_PLAIN_ENDS = ("", "Error", "Completed")
_GATES_NOT_READY = "ReadinessGatesNotReady"
_LONGEST_TEXT = 300


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Ready, and not on its way out."""
    ready = condition_of(pod, "Ready").get("status") == "True"
    return ready and not pod["metadata"].get("deletionTimestamp")


def ready_uids(pods: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The uids of the pods that can take requests."""
    return frozenset(str(pod["metadata"]["uid"]) for pod in pods if is_ready(pod))


def troubles(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each pod that is not ready, with the reason; a pod that has failed comes last, since another one replaces it."""
    found = [pod for pod in pods if not is_ready(pod) and not pod["metadata"].get("deletionTimestamp")]
    return [f"pod {pod['metadata']['name']}: {reason_of(pod)}" for pod in sorted(found, key=has_ended)]


def state_of(pod: Mapping[str, Any]) -> str:
    """In a few words, for people."""
    if pod["metadata"].get("deletionTimestamp"):
        return "is going"
    return "is ready" if is_ready(pod) else reason_of(pod)


def status_of(pod: Mapping[str, Any]) -> str:
    """In one word, as kubectl has it."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    if has_ended(pod):
        return str(status.get("reason") or status["phase"])
    waiting = next((waiting_reason(each) for _name, each in containers_of(pod) if waiting_reason(each)), "")
    unscheduled = condition_of(pod, "PodScheduled").get("status") == "False"
    return waiting or ("Unschedulable" if unscheduled else str(status.get("phase") or "Pending"))


def ready_containers(pod: Mapping[str, Any]) -> str:
    """How many of its containers are ready, as `1/2`."""
    wanted = len((pod.get("spec") or {}).get("containers") or [])
    found = (pod.get("status") or {}).get("containerStatuses") or []
    return f"{sum(bool(each.get('ready')) for each in found)}/{max(wanted, len(found))}"


def restarts(pod: Mapping[str, Any]) -> int:
    """How often its containers were started again."""
    return sum(restart_count(each) for each in (pod.get("status") or {}).get("containerStatuses") or [])


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether none of its containers will run again, as after an eviction. Its controller makes another pod."""
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded")


def containers_of(pod: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The statuses of all containers in the order of their start, each with the name that messages use."""
    status = pod.get("status") or {}
    for key, kind in (("initContainerStatuses", "init container"), ("containerStatuses", "container")):
        for each in status.get(key) or []:
            yield f"{kind} {_words(each.get('name')) or '?'}", each


def waiting_reason(container: Mapping[str, Any]) -> str:
    """Why a container waits, as the kubelet calls it; empty where it does not wait."""
    return _words(((container.get("state") or {}).get("waiting") or {}).get("reason"))


def last_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """How a container ended the last time: exitCode, reason, finishedAt; empty where it has not ended yet."""
    return (container.get("state") or {}).get("terminated") or (container.get("lastState") or {}).get("terminated") or {}


def restart_count(container: Mapping[str, Any]) -> int:
    """How often a container was started again; 0 where the status does not say."""
    count = container.get("restartCount")
    return max(0, count) if isinstance(count, int) else 0


def epoch_of(stamp: Any) -> float | None:
    """Converts a time of the API to seconds since the epoch.

    Returns:
        The seconds, None where it is not a time.
    """
    try:
        return datetime.strptime(str(stamp).replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (ValueError, OverflowError):
        return None


def started_at(pod: Mapping[str, Any]) -> float | None:
    """Returns when a kubelet accepted the pod, or else when the pod was created (epoch seconds), None where neither is known."""
    taken_up = epoch_of((pod.get("status") or {}).get("startTime"))
    return epoch_of(pod["metadata"].get("creationTimestamp")) if taken_up is None else taken_up


def reason_of(pod: Mapping[str, Any]) -> str:
    """Why the pod is not ready, in its own words as far as it has any."""
    for reason in (_ended, _of_a_container, _unscheduled, _starting, _gates, _unready):
        text = reason(pod)
        if text:
            return text
    return f"{_words((pod.get('status') or {}).get('phase')) or 'Pending'} and not ready"


def _ended(pod: Mapping[str, Any]) -> str:
    status = pod.get("status") or {}
    if not has_ended(pod):
        return ""
    reason = str(status.get("reason") or "")
    if reason == "Evicted":
        return _with("was evicted", status.get("message"))
    ended = next((_crash(pod, name, each) for name, each in containers_of(pod) if last_end(each)), "")
    return _with(f"has ended ({reason or status['phase']})", status.get("message") or ended)


def _of_a_container(pod: Mapping[str, Any]) -> str:
    """The first container that fails."""
    for name, container in containers_of(pod):
        if not fails(name, container):
            continue
        if crashes(container) and last_end(container):
            return _crash(pod, name, container)
        message = _words(((container.get("state") or {}).get("waiting") or {}).get("message"))
        return f"{name} is waiting: {waiting_reason(container)}" + (f" ({message})" if message else "")
    return ""


def crashes(container: Mapping[str, Any]) -> bool:
    """Whether a container that fails has been running: its restarts are counted."""
    reason = waiting_reason(container)
    return reason in ("", "CrashLoopBackOff") or (reason == "RunContainerError" and bool(last_end(container)))


def fails(name: str, container: Mapping[str, Any]) -> bool:
    """Returns whether a container has failed to start, or has ended though it should run.

    Args:
        name: As containers_of returns it.
        container: The container's status.
    """
    reason = waiting_reason(container)
    if reason:
        return reason not in _STARTING
    end = (container.get("state") or {}).get("terminated") or {}
    if end:
        return not (name.startswith("init ") and end.get("exitCode") == 0)
    return restart_count(container) > 0 and not container.get("ready") and bool(last_end(container))


def _crash(pod: Mapping[str, Any], name: str, container: Mapping[str, Any]) -> str:
    """As `container app restarted 3 times in 40 s, last exit code 1, OOMKilled (CrashLoopBackOff)`."""
    count, end, waiting = restart_count(container), last_end(container), waiting_reason(container)
    began, ended = started_at(pod), epoch_of(end.get("finishedAt"))
    took = f" in {ended - began:.0f} s" if began is not None and ended is not None and ended > began else ""
    parts = [f"{name} restarted {count} time{'' if count == 1 else 's'}{took}" if count else f"{name} ended"]
    if end.get("exitCode") is not None:
        parts.append(f"{'last ' if count else ''}exit code {_words(end['exitCode'])}")
    why = _words(end.get("reason"))
    if why not in _PLAIN_ENDS:
        parts.append(why)
    message = _words(end.get("message"))
    noted = ": ".join([*([waiting] if waiting else []), *([message] if message else [])])
    return ", ".join(parts) + (f" ({noted})" if noted else "")


def _unscheduled(pod: Mapping[str, Any]) -> str:
    condition = condition_of(pod, "PodScheduled")
    if condition.get("status") != "False":
        return ""
    said = _words(condition.get("message") or condition.get("reason"))
    return _with("cannot be scheduled", said) if said else "is not scheduled yet"


def _starting(pod: Mapping[str, Any]) -> str:
    """The first container that is still on its way."""
    for name, container in containers_of(pod):
        if waiting_reason(container):
            return f"{name} is waiting: {waiting_reason(container)}"
        if name.startswith("init ") and "running" in (container.get("state") or {}) and not container.get("started"):
            return f"{name} is still running"
    return ""


def _gates(pod: Mapping[str, Any]) -> str:
    """The readiness gates that are not met, where nothing else is missing."""
    ready = condition_of(pod, "Ready")
    gates = [str(each.get("conditionType")) for each in (pod.get("spec") or {}).get("readinessGates") or []]
    unmet = [gate for gate in gates if condition_of(pod, gate).get("status") != "True"]
    if not unmet or (condition_of(pod, "ContainersReady").get("status") != "True" and ready.get("reason") != _GATES_NOT_READY):
        return ""
    condition = condition_of(pod, unmet[0])
    said = ": ".join(filter(None, (_words(condition.get("reason")), _words(condition.get("message")))))
    return f"waits for its readiness gate {_words(unmet[0])}: {said or ('it is False' if condition else 'nothing has set it')}"


def _unready(pod: Mapping[str, Any]) -> str:
    """The containers that run and are not ready, or what condition Ready says."""
    unready = [name for name, each in containers_of(pod) if "running" in (each.get("state") or {}) and not each.get("ready")]
    unready = [name for name in unready if not name.startswith("init ")]
    if unready:
        return f"{unready[0]} runs and is not ready" + (f", and {len(unready) - 1} more" if unready[1:] else "")
    ready = condition_of(pod, "Ready")
    said = _words(ready.get("message")) or _words(ready.get("reason"))
    return _with("is not ready", said) if ready.get("status") != "True" and said else ""


def condition_of(pod: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The pod's condition of this type; empty without it."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


def _with(text: str, message: Any) -> str:
    said = _words(message)
    return f"{text}: {said}" if said else text


def _words(message: Any) -> str:
    """A text of the cluster on one line, and not too long for a message."""
    text = "" if message is None else str(message)
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split()).rstrip(".")
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
