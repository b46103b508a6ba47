"""Hazards of other owners: Argo CD and Flux put back what a rollout sets, and a client that applies server-side gets conflicts."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ..._objects.ownership import MANAGER, entries_of
from ..._objects.paths import Path
from ..._objects.refusal import Refused
from ..._objects.resources import POD_DISRUPTION_BUDGET, labels, name_of
from ..._objects.shown import echo
from ..._routing.registry import router_of
from ..._strategies.registry import strategy_of
from ..._workloads import budgets, scaling
from ..desired import desired_traffic
from ..findings import Finding, warning
from .snapshot import ClusterSnapshot, Object

_ARGO, _KUSTOMIZE, _HELM = "argocd.argoproj.io/tracking-id", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
# As whom these tools write, in metadata.managedFields. (The label app.kubernetes.io/instance proves nothing: Helm's charts have it, too.)
_MANAGERS = {
    "argocd-controller": "argo",
    "argocd-application-controller": "argo",
    "kustomize-controller": "kustomize",
    "helm-controller": "helm",
}


@dataclass(frozen=True)
class Owner:
    """A tool (argo, kustomize, helm) and its object that holds the manifest, `its own` where that is not known.

    applier: any other client that applies the object server-side; its name is that of its field manager.
    """

    tool: str
    name: str = ""
    namespace: str = ""


def owned(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """One finding for each object on which another client maintains fields that a rollout sets."""
    for obj, paths in touched(snapshot):
        owner = owner_of(obj, paths)
        if owner is not None:
            tool, remedy = _TOOLS[owner.tool](owner, obj, paths)
            fields = ", ".join(jq(path) for path in paths)
            effect = (
                "which gets conflicts when it applies during the rollout"
                if owner.tool == "applier"
                else "which may put back what the rollout sets"
            )
            yield warning(snapshot.titled(obj["kind"], name_of(obj)), f"is kept by {tool}, {effect} ({fields})", remedy)


def touched(snapshot: ClusterSnapshot) -> list[tuple[Object, list[Path]]]:
    """The user's objects that a rollout changes, and where; a list's element that it adds or takes away stands for the list."""
    found: list[tuple[Object, list[Path]]] = [(snapshot.deployment, [*_of_workload(snapshot), *_of_template(snapshot)])]
    pinned = (snapshot.plan.stable_service, snapshot.plan.canary_service, *snapshot.bystanders)
    found += [(each, [("spec", "selector")]) for each in snapshot.foreign_services if name_of(each) in pinned]
    found += [(each, _of_guard(each)) for each in snapshot.guards]
    for target, objects in snapshot.routers:
        parts = router_of(target).parts(target)
        for key, obj in objects.items():
            if obj is not None and parts[key].required:
                found.append((obj, _edited(snapshot, target, objects, key)))
    return [(obj, paths) for obj, paths in found if paths]


def _of_workload(snapshot: ClusterSnapshot) -> list[Path]:
    return strategy_of(snapshot.plan).workload_fields_changed(snapshot.plan)


def _of_guard(guard: Object) -> list[Path]:
    holding = budgets.covering_edits(guard, 1) if guard["kind"] == POD_DISRUPTION_BUDGET.kind else scaling.holding_edits(guard, "", 0)
    return [edit.path for edit in holding]


def _of_template(snapshot: ClusterSnapshot) -> list[Path]:
    """The images of a version that is described by these alone; else all of the template."""
    if snapshot.plan.revision.carried:
        return []
    revision = snapshot.plan.revision
    if not revision.images or revision.held is not None or snapshot.plan.track_configs:
        return [("spec", "template")]
    containers = {str(each["name"]): key for key in ("initContainers", "containers") for each in snapshot.pods.get(key) or []}
    return [("spec", "template", "spec", containers[name], {"name": name}, "image") for name in revision.images if name in containers]


def _edited(snapshot: ClusterSnapshot, target: Any, objects: Mapping[str, Any], key: str) -> list[Path]:
    """Where the steps change one object of a router; what cannot be written down is refused elsewhere."""
    found: dict[str, Path] = {}
    for wish in desired_traffic(snapshot.plan).values():
        try:
            changes = router_of(target).changes(objects, target, wish)
        except Refused:
            continue
        for path in (edit.path for change in changes if change.part == key for edit in change.edits):
            short = path if isinstance(path[-1], str) else path[:-1]
            found[jq(short)] = short
    return [path for text, path in found.items() if not any(text.startswith((f"{other}.", f"{other}[")) for other in found)]


def owner_of(obj: Object, paths: Sequence[Path]) -> Owner | None:
    """The tool that keeps an object, by its marks, or by whose the fields at the paths are."""
    own = labels(obj)
    tracking = (obj["metadata"].get("annotations") or {}).get(_ARGO)
    if tracking:
        return Owner("argo", str(tracking).partition(":")[0])
    for tool, mark in (("helm", _HELM), ("kustomize", _KUSTOMIZE)):
        if own.get(f"{mark}/name"):
            return Owner(tool, own[f"{mark}/name"], own.get(f"{mark}/namespace", ""))
    found = ""
    for entry in entries_of(obj):
        manager = str(entry.get("manager"))
        if not any(_has(entry.get("fieldsV1"), path) for path in paths):
            continue
        if manager in _MANAGERS:
            return Owner(_MANAGERS[manager])
        if entry.get("operation") == "Apply" and manager != MANAGER:
            found = found or manager
    return Owner("applier", found) if found else None


def _has(fields: Any, path: Path) -> bool:
    """Whether a set of fields of metadata.managedFields holds the path, as far as it leads through mappings only."""
    at: Any = fields
    for step in path:
        if not isinstance(at, Mapping):
            return False
        if not isinstance(step, str):
            return True
        if f"f:{step}" not in at:
            return False
        at = at[f"f:{step}"]
    return True


def _of_argo(owner: Owner, obj: Object, paths: Sequence[Path]) -> tuple[str, str]:
    entry = ignore_difference(obj, paths)
    application = f"Application {owner.name}" if owner.name else "its Application"
    return f"Argo CD ({application})", (
        f"add to spec.ignoreDifferences of {application} {json.dumps(entry)} and RespectIgnoreDifferences=true to its syncOptions, and "
        "have the new version in Git when the rollout has ended"
    )


def ignore_difference(obj: Object, paths: Sequence[Path]) -> dict[str, Any]:
    """The entry of an Application's spec.ignoreDifferences."""
    group = obj["apiVersion"].rpartition("/")[0]
    plain = [pointer(path) for path in paths if all(isinstance(step, str) for step in path)]
    through_lists = [jq(path) for path in paths if not all(isinstance(step, str) for step in path)]
    entry = {"group": group, "kind": obj["kind"], "name": name_of(obj), "jsonPointers": plain, "jqPathExpressions": through_lists}
    return {key: value for key, value in entry.items() if value or key == "group"}


def _of_kustomize(owner: Owner, obj: Object, _paths: Sequence[Path]) -> tuple[str, str]:
    name, suspend = _flux(owner, "kustomization")
    return f"Flux ({name})", (
        f"{suspend} until the rollout has ended and Git has the new version, or annotate the {obj['kind']} with "
        f"{_KUSTOMIZE}/reconcile=disabled"
    )


def _of_helm(owner: Owner, obj: Object, paths: Sequence[Path]) -> tuple[str, str]:
    name, suspend = _flux(owner, "helmrelease")
    entry = {"paths": list(dict.fromkeys(map(pointer, paths))), "target": {"kind": obj["kind"], "name": name_of(obj)}}
    return f"Flux ({name})", (
        f"{suspend} until the rollout has ended and Git has the new version, or, where it corrects drift, add to its "
        f"spec.driftDetection.ignore {json.dumps(entry)}"
    )


def _of_applier(owner: Owner, obj: Object, _paths: Sequence[Path]) -> tuple[str, str]:
    manager = echo(owner.name)
    return f"server-side apply by field manager {manager}", (
        f"let it apply the {obj['kind']} before the rollout or after its end, when these fields have no owner any more, and without force: "
        "force puts back what the rollout sets"
    )


def _flux(owner: Owner, kind: str) -> tuple[str, str]:
    """The object, and the command that suspends it."""
    title = {"kustomization": "Kustomization", "helmrelease": "HelmRelease"}[kind]
    if not owner.name:
        return f"its {title}", f"suspend that (flux suspend {kind})"
    where = f" --namespace {owner.namespace}" if owner.namespace else ""
    return f"{title} {owner.name}", f"suspend it (flux suspend {kind} {owner.name}{where})"


_TOOLS: dict[str, Callable[[Owner, Object, Sequence[Path]], tuple[str, str]]] = {
    "argo": _of_argo,
    "kustomize": _of_kustomize,
    "helm": _of_helm,
    "applier": _of_applier,
}


def jq(path: Path) -> str:
    """The path as jq has it: containers by their name, all elements of other lists."""
    text = ""
    for step in path:
        if isinstance(step, str):
            text += f".{step}" if step.isidentifier() else f"[{json.dumps(step)}]"
        elif isinstance(step, Mapping) and text.endswith("ontainers"):
            text += f"[] | select(.name == {json.dumps(step['name'])}) | "
        else:
            text += "[]"
    return text


def pointer(path: Path) -> str:
    """The path as a JSON pointer, which ends at the first list: its elements have no names there."""
    text = ""
    for step in path:
        if not isinstance(step, str):
            break
        text += "/" + step.replace("~", "~0").replace("/", "~1")
    return text
