"""Reads what the checks before a start need, each object once; objects that only hazards concern may stay unread."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from .._cluster.errors import ApiError, NotFound
from .._objects import edits, pages
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, NODE, SECRET, SERVICE, WORKLOADS, Ref, Resource, name_of
from .._plan.plan import Plan
from .._rollout.findings import Finding, warning
from .._rollout.hazards import pod_labels
from .._rollout.hazards.placement import keeping_apart
from .._rollout.hazards.registry import LOOKS, ClusterSnapshot, RouterObjects
from .._rollout.permissions import full_name
from .._rollout.record import Record
from .._routing.target import Target
from .._strategies.handlers import StableVersion
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.configs import changed_since, named_in
from . import declared
from .configs import Version, version_of
from .context import Context
from .running import is_held
from .workload_preconditions import of_revision

Object = dict[str, Any]


class PreflightInputs:
    """What the checks of one plan read.

    Args:
        workload: The user's workload, where the caller has read it.
        template: Of the new version, likewise.
        running: What the record says of the stable version; None: there is no record.
        held: The workload is paused between releases.
    """

    def __init__(
        self,
        ctx: Context,
        plan: Plan,
        workload: Object | None = None,
        template: revisions.Template | None = None,
        running: Mapping[str, Any] | None = None,
        held: bool = False,
    ) -> None:
        self.ctx, self.plan = ctx, plan
        self.running: Mapping[str, Any] = running or {}
        self.has_record = running is not None
        self._held = held
        self.unread: list[Finding] = []
        self._workload, self._template = workload, template
        self._record: Record | None = None
        self._routers: dict[Target, tuple[RouterObjects, bool]] = {}

    def recall(self, record: Record) -> None:
        """There is a record."""
        self._record = record
        self.has_record, self.running = True, record.stable if record.stable.get("made") else {}
        self._held = is_held(self.plan, record, self.workload)

    @property
    def record(self) -> Record | None:
        """The rollout's, where the caller has found one."""
        return self._record

    @property
    def held(self) -> bool:
        """Whether the workload is paused between releases."""
        return self._held or is_held(self.plan, None, self.workload)

    @cached_property
    def workload(self) -> Object:
        """The user's; raises NotFound."""
        return self._workload or self.ctx.client.get(self.ctx.ref(WORKLOADS[self.plan.kind], self.plan.workload))

    @cached_property
    def template(self) -> revisions.Template:
        """The new version's; raises Refused where what the plan says does not fit the workload."""
        return self._template or self.version.template

    @cached_property
    def version(self) -> Version:
        """The same with what it says of ConfigMaps and Secrets."""
        return version_of(self.ctx, self.plan, self.workload, self._record)

    def reconfigured(self, record: Record) -> bool:
        """Whether ConfigMaps and Secrets hold something else than at the start of the record's revision, as far as they can be read."""
        try:
            return changed_since(record.configs, self.version.configs)
        except Refused:
            return False

    @property
    def copies_secrets(self) -> bool:
        """Whether the new version names copies of Secrets."""
        return self.plan.track_configs and any(named.startswith(f"{SECRET.kind}/") for named in named_in(self.template_or_present))

    @property
    def template_or_present(self) -> revisions.Template:
        """The same, or the present one instead of raising."""
        try:
            return self.template
        except Refused:
            return dict(self.workload["spec"]["template"])

    @cached_property
    def _services(self) -> list[Object]:
        return [edits.base_of(each, self.ctx.by) for each in self.ctx.client.list(SERVICE, self.ctx.namespace)[0]]

    @cached_property
    def made_service(self) -> Object | None:
        """The stable Service as it will be made, None where it is there; raises Refused where it cannot be made."""
        if any(name_of(each) == self.plan.stable_service for each in self._services):
            return None
        return declared.service_to_make(self.ctx, self.plan, self.workload)

    @property
    def services(self) -> list[Object]:
        """All of the namespace, the stable one that will be made too, without our pins, of which some styles leave some after a release."""
        try:
            return [*self._services, *([self.made_service] if self.made_service else [])]
        except Refused:
            return self._services  # A check of its own says so.

    @cached_property
    def deployments(self) -> list[Object]:
        """All of the namespace."""
        return self.ctx.client.list(DEPLOYMENT, self.ctx.namespace)[0]

    @cached_property
    def stable(self) -> StableVersion:
        """How the pods of the version that runs are known; raises Failed or Refused where the strategy cannot release the workload."""
        if self.running.get("made"):
            return of_revision(self.running)
        return strategy_of(self.plan).parts().handlers.stable_version(self.ctx, self.plan, self.workload, self.held)

    @property
    def runs(self) -> Object:
        """What runs the stable version."""
        if not self.running.get("made"):
            return self.workload
        return next((each for each in self.deployments if name_of(each) == self.running["workload"]), self.workload)

    def router(self, target: Target) -> tuple[RouterObjects, bool]:
        """A router's objects, and whether the first is yet to be made; raises NotFound, or Refused where it cannot be made."""
        if target not in self._routers:
            self._routers[target] = declared.objects_to_be(self.ctx, self.plan, target)
        return self._routers[target]

    @property
    def made(self) -> dict[Ref, Object]:
        """What will be made before anything else, in that order."""
        found = {self.ctx.ref(SERVICE, self.plan.stable_service): self.made_service} if self.made_service else {}
        for target in self.plan.routers:
            objects, made = self.router(target)
            ref, key = declared.routers_object(self.ctx, target)
            found.update({ref: objects[key] or {}} if made else {})
        return found

    @cached_property
    def snapshot(self) -> ClusterSnapshot:
        """All of it. Which of the plan's images and routers are not there is for other checks to say."""
        template, services = self.template_or_present, self.services
        routers, looks = self._routers_there(), self._looks(template)
        made = len(services) > len(self._services)
        return ClusterSnapshot(self.plan, self.workload, template, services, self.deployments, routers, looks, self.runs, self.held, made)

    def _routers_there(self) -> list[tuple[Target, RouterObjects]]:
        there = []
        for target in self.plan.routers:
            try:
                there.append((target, self.router(target)[0]))
            except Refused:
                continue
            except ApiError as problem:
                if problem.status not in (403, 404):
                    raise
        return there

    def _looks(self, template: revisions.Template) -> dict[Resource, list[Object]]:
        found = {look.resource: self._list(look.resource, look.unknown) for look in LOOKS if look.wanted(self.plan, template)}
        labels = (template.get("metadata") or {}).get("labels") or {}
        if pod_labels.change(self.workload, template):
            found.update(self._of_other_labels(tuple(found)))
        if keeping_apart(template.get("spec") or {}, self.plan.namespace, labels):
            found[NODE] = self._list(NODE, None)
        return {resource: items for resource, items in found.items() if items is not None}

    def _of_other_labels(self, read: Sequence[Resource]) -> dict[Resource, list[Object] | None]:
        """What may know the present pods by their labels; one finding says which kinds may not be listed. read: what was read already."""
        found: dict[Resource, list[Object] | None] = {}
        hidden = []
        for resource in (each for each in pod_labels.RESOURCES if each not in read):
            try:
                found[resource] = self.ctx.client.list(resource, self.ctx.namespace)[0]
            except NotFound:
                continue
            except ApiError as problem:
                if problem.status != 403:
                    raise
                hidden.append(full_name(resource))
        if hidden:
            unknown = (
                f"does not allow list {', '.join(hidden)}, so it is not known whether any of them selects the present pods by their labels"
            )
            remedy = f"grant the verb with a Role ({pages.RBAC} has the whole of it), or make sure of that yourself"
            self.unread.append(warning(f"namespace {self.ctx.namespace}", unknown, remedy))
        return found

    def _list(self, resource: Resource, unknown: str | None) -> list[Object] | None:
        """The objects, none of a kind that the cluster does not serve; None where they cannot be read. unknown: what stays unknown then."""
        try:
            return self.ctx.client.list(resource, "" if resource == NODE else self.ctx.namespace)[0]
        except NotFound:
            return []
        except ApiError as problem:
            said = "does not allow" if problem.status == 403 else f"answers {problem.status} to"
            if unknown is not None:
                self.unread.append(
                    warning(
                        f"namespace {self.ctx.namespace}",
                        f"{said} list {full_name(resource)}, so it is not known {unknown}",
                        f"grant the verb with a Role ({pages.RBAC} has the whole of it), or make sure of that yourself",
                    )
                )
            return None
