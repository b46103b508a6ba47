"""Finds, makes and removes the versioned copies of the ConfigMaps and Secrets that a rollout's templates name."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._cluster.errors import ApiError
from .._objects import pages
from .._objects.refusal import Refused
from .._objects.resources import CONFIGS, DEPLOYMENT, POD, Ref, labels
from .._plan.plan import Plan
from .._rollout.program import RELEASE
from .._rollout.record import HEALTHY, Record
from .._steps import actions as kinds
from .._strategies.registry import strategy_of
from .._workloads import configs, revisions
from .._workloads.label_selectors import pod_selector
from .._workloads.marks import ROLLOUT
from . import apply, made, templates
from .context import Context, Failed
from .stage import Stage

Object = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version that is asked for. configs, copies: as a record has them."""

    template: revisions.Template
    configs: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)


def version_of(ctx: Context, plan: Plan, workload: Object, record: Record | None, settled: bool = False, tried: bool = True) -> Version:
    """The version that the plan asks for. Raises Refused for a ConfigMap or a Secret that is missing.

    record: the last one. settled: the call goes on with the revision under way, whatever its ConfigMaps and Secrets hold by now.
    tried: whether images may be sent to the API server in a dry run.
    """
    target = record.target if settled and record is not None else ""
    template = templates.new_template(ctx, plan, workload, workload["spec"]["template"], target, tried)
    if settled and record is not None:
        return Version(configs.renamed(template, record.configs), record.configs, record.copies)
    known = record.copies if record is not None else {}
    if not (plan.track_configs or known):
        return Version(template)
    others = [_template_of_the_other(ctx, plan, template)] if strategy_of(plan).keeps_second_workload else []
    seen = _Seen(ctx, plan, known)
    if plan.revision.held is not None:
        for named, needed in configs.named_in(template).items():
            seen.held(named, needed)
        return Version(template, {}, dict(known))
    for named, needed in (each for found in (template, *others) for each in configs.named_in(found).items()):
        seen.look(named, needed)
    return Version(configs.renamed(template, seen.names), seen.names, seen.copies)


def _template_of_the_other(ctx: Context, plan: Plan, template: revisions.Template) -> revisions.Template:
    return templates.of_canary(plan, ctx.client.get(ctx.ref(DEPLOYMENT, plan.canary_workload)), template)


class _Seen:
    """What was found out of ConfigMaps and Secrets, each read once. names, copies: as a record has them."""

    def __init__(self, ctx: Context, plan: Plan, known: Mapping[str, str]) -> None:
        self._ctx, self._plan = ctx, plan
        self._found: dict[str, Object | None] = {}
        self.names: dict[str, list[str]] = {}
        self.copies = dict(known)

    def look(self, named: str, needed: bool) -> None:
        """Notes what the new version names instead. named: as Ref.key; needed: the pods do not start without it."""
        kind, original = named.partition("/")[0], self._original_of(named)
        found = self._read(f"{kind}/{original}")
        if found is None:
            if needed:
                raise self._missing(f"{kind}/{original}")
            names = [original, original]
        else:
            tracked = self._plan.track_configs and configs.is_tracked(found)
            names = [original, self._copy_name(found) if tracked else original]
        self.names[named] = self.names[f"{kind}/{original}"] = names
        if names[0] != names[1]:
            self.copies[f"{kind}/{names[1]}"] = original

    def _copy_name(self, original: Object) -> str:
        """That of a copy which an earlier release of this collection made of the same content, where there is one: no other is needed."""
        earlier = configs.guessable_name(original, self._ctx.by)
        return earlier if f"{original['kind']}/{earlier}" in self.copies else configs.copy_name(original, self._ctx.by)

    def held(self, named: str, needed: bool) -> None:
        """Makes sure that what an old version names is still there."""
        if needed and self._read(named) is None:
            raise self._missing(named)

    def _original_of(self, named: str) -> str:
        """The name of what this is a copy of, or its own."""
        name = named.partition("/")[2]
        if named in self.copies:
            return self.copies[named]
        found = self._read(named)
        original = configs.original_of(found) if found is not None else None
        if found is not None and original is not None and labels(found).get(ROLLOUT) == self._ctx.by:
            self.copies[named] = original
        return original or name

    def _read(self, named: str) -> Object | None:
        if named not in self._found:
            ref = _ref(self._ctx, named)
            try:
                self._found[named] = self._ctx.client.find(ref)
            except ApiError as problem:
                if problem.status != 403:
                    raise
                found = problem.problem
                remedy = f"{found.remedy} ({pages.RBAC_TRACK_CONFIGS}), or remove track_configs"
                raise Refused(found.object, found.what, remedy) from None
        return self._found[named]

    def _missing(self, named: str) -> Refused:
        problem = f"does not exist, and the new version of {self._plan.title} names it"
        return Refused(str(_ref(self._ctx, named)), problem, "create it first, or mark the reference as optional")


def _ref(ctx: Context, named: str) -> Ref:
    kind, _slash, name = named.partition("/")
    return ctx.ref(CONFIGS[kind], name)


def make(stage: Stage, action: kinds.CopyConfigs) -> None:
    """Makes the copies that are not there yet. What they hold is what the originals held when the revision began."""
    for kind, original, name in action.copies:
        _make(stage.ctx, stage.ctx.ref(CONFIGS[kind], original), stage.ctx.ref(CONFIGS[kind], name))


def _make(ctx: Context, original: Ref, ref: Ref) -> None:
    def make() -> Object:
        found = ctx.client.get(original)
        if ref.name not in (configs.copy_name(found, ctx.by), configs.guessable_name(found, ctx.by)):
            raise Failed(
                str(original),
                "was changed after this revision had begun, and before it was copied",
                "run again with the plan, which then releases it as it is now, or abort",
            )
        return configs.copy_of(found, ctx.by, ref.name)

    apply.create_or_adopt(ctx, ref, make, lambda live: made.refuse_foreign(live, ref, ctx.by, ctx.uid_of(ref.key)))


def remove_unneeded(stage: Stage, action: kinds.RemoveConfigs) -> None:
    """Removes the copies that no template needs."""
    needed = {named for template in _needing(stage, action.history) for named in configs.named_in(template)}
    for named in sorted(set(stage.record.copies) - needed):
        made.remove_copy(stage.ctx, _ref(stage.ctx, named))
    stage.note(copies={named: original for named, original in stage.record.copies.items() if named in needed})


def _needing(stage: Stage, history: bool) -> Iterator[revisions.Template]:
    """The templates of what runs, the pods themselves, and with `history` the templates of versions to which one can go back."""
    ctx, plan = stage.ctx, stage.plan
    old = _history(stage) if history else set()
    for ref in stage.user_workloads:
        live = ctx.client.find(ref)
        if live is None:
            continue
        yield live["spec"]["template"]
        pods, _version = ctx.client.list(POD, ctx.namespace, pod_selector(live))
        yield from (pod for pod in pods if not pod["metadata"].get("deletionTimestamp"))
        yield from (each for each in templates.kept(ctx, plan, live) if revisions.template_hash(each) in old)


def _history(stage: Stage) -> set[str]:
    """The hashes of the templates to which `undo` can go back when this program has ended."""
    record = stage.record
    healthy = [each for each in record.history if each["phase"] == HEALTHY]
    rest = healthy[: stage.plan.history_limit - (record.program == RELEASE)]
    before: Sequence[Mapping[str, Any]] = [record.stable, *(each.get("before") or {} for each in rest)]
    released = [record.target] if record.program == RELEASE else []
    return {*released, *(each["target"] for each in rest), *(each.get("template", "") for each in before)}
