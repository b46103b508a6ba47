"""Decides what a call takes from a record without a seal: what the caller says, or what objects of the cluster show, and no more."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._objects import edits
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, SERVICE, WORKLOADS, labels, name_of
from .._plan.plan import Plan
from .._plan.probes import read_probe
from .._plan.revision import Revision
from .._rollout import trust
from .._rollout.program import RELEASE, program_of
from .._rollout.record import Record
from .._steps.action import Action
from .._strategies.registry import strategy_of
from .._workloads import in_place, revisions
from .._workloads.deployments import replicas_of
from .._workloads.marks import REVISION
from .._workloads.services import selector_of, selects
from . import made, templates, traffic
from .run import Run

Object = dict[str, Any]

NO_PROBE = (
    "the probe of the record is not asked, since whoever may edit ConfigMaps can have written it: each move waits the grace instead (give "
    "probe, name its host in probe_hosts, or set record_key)"
)
NO_HEADERS = "the probe of the record is not asked, since records keep no header values: each move waits the grace instead (give probe)"


def options_of(this: Run, record: Record) -> dict[str, Any]:
    """The plan of the record, without what the call does not take from it."""
    options = trust.bounded(record.plan)
    if options.get("probe") is None or this.wish.plan.get("probe") is not None:
        return options
    why = _why_not_asked(this, options["probe"])
    if why:
        options.pop("probe")
        this.ctx.journal.warn(why)
    return options


def _why_not_asked(this: Run, raw: Any) -> str:
    """Why the probe of the record is not asked; empty where it is."""
    try:
        probe = read_probe(raw)
    except Refused:
        return NO_PROBE
    if probe is None or not this.may_ask(probe):
        return NO_PROBE
    return NO_HEADERS if probe.needs_headers else ""


def require_own(this: Run, plan: Plan) -> None:
    """Raises Refused where only a record without a seal says that the rollout is about this workload.

    It is where the rollout or the call bears the workload's name, or where what the rollout made or changed stands before its pods.
    """
    workload = this.wish.plan.get("workload") or {}
    named = workload.get("name")
    known = (this.wish.name, named, workload.get("canary"))
    second = not strategy_of(plan).keeps_second_workload or plan.canary_workload in (*known, f"{plan.workload}-canary", f"{named}-canary")
    if this.store.sealed or (plan.workload in known[:2] and second) or _is_marked(this, plan):
        return
    raise Refused(
        f"rollout {this.wish.name}: only its record, which has no seal, says that it is about {plan.title}: give workload with that name, "
        f"{'and canary with the name of the second one, ' if not second else ''}or set record_key"
    )


def _is_marked(this: Run, plan: Plan) -> bool:
    """Whether an object shows that the rollout works on this workload: one that it made for that, or the Service before its pods."""
    ctx = this.ctx
    created = [] if strategy_of(plan).keeps_second_workload else made.deployments(ctx, this.wish.name)
    if any(name_of(each).startswith(f"{plan.workload}-") for each in created):
        return True
    service = ctx.client.find(ctx.ref(SERVICE, plan.stable_service))
    workload = ctx.client.find(ctx.ref(WORKLOADS[plan.kind], plan.workload))
    if service is None or workload is None or not any(each.by == this.wish.name for each in edits.fields_of(service)):
        return False
    return selects(selector_of(edits.base_of(service, this.wish.name, "repair")), labels(workload["spec"]["template"]))


def require_known_routers(this: Run) -> None:
    """Raises Refused where only a record without a seal says which fields of which objects a router's definition changes."""
    described = [target.name for target in this.plan.routers if target.definition is not None]
    if described and not (this.store.sealed or this.planned):
        raise Refused(
            f"rollout {this.wish.name}: the definition of router {described[0]} stands only in the record, which has no seal: "
            "give the plan, or set record_key"
        )


def require_asked_version(this: Run) -> None:
    """Raises Refused where a release would begin, and only a record without a seal names its version."""
    if not (this.store.sealed or _asks_for_version(this)):
        raise Refused(
            f"rollout {this.wish.name}: its record, which has no seal, names a version that does not run: give the plan, or the revision, "
            "or set record_key"
        )


def require_known_version(this: Run) -> None:
    """Raises Refused where only a record without a seal names the images of the new version, and nothing in the cluster runs them yet."""
    if this.store.sealed or this.planned or this.record.program != RELEASE:
        return
    wanted = _images(this.plan)
    unknown = _unknown(wanted, _new_version(this)) if wanted else []
    if unknown:
        raise Refused(
            f"rollout {this.wish.name}: its record, which has no seal, names an image for container {unknown[0]} that no object of this "
            "rollout runs yet: give the plan, or set record_key"
        )


def _asks_for_version(this: Run) -> bool:
    return this.planned or this.wish.undo is not None or this.wish.plan.get("revision") is not None


def _images(plan: Plan) -> Mapping[str, str]:
    """The images by which the plan names its version; one that an object of the cluster holds is found there by its hash instead."""
    return plan.revision.images if plan.revision.held is None else {}


def _unknown(wanted: Mapping[str, str], runs: Object) -> list[str]:
    """The containers whose images are other ones in what runs."""
    images = revisions.images_of(runs)
    return sorted(name for name, image in wanted.items() if images.get(name) != image)


def version_shown(this: Run) -> tuple[Plan, bool]:
    """The plan, with a version that only a record without a seal names taken from what runs it, and whether to try that version.

    Admission may have rewritten the images of the record, so that nothing runs them. The record's target then names what does. Images that
    nothing runs are not sent to the API server, not even in a dry run.
    """
    plan, wanted = this.plan, _images(this.plan)
    if this.store.sealed or _asks_for_version(this) or this.found is None or not wanted:
        return plan, True
    under_way = this.record.under_way
    if under_way and this.record.program != RELEASE:
        return plan, False
    runs = _new_version(this) if under_way else dict(this.workload["spec"]["template"])
    if not _unknown(wanted, runs):
        return plan, True
    pair = strategy_of(plan).keeps_second_workload
    of_workload = {**runs, "metadata": this.workload["spec"]["template"].get("metadata") or {}} if pair else runs
    if revisions.template_hash(of_workload) != this.record.target:
        return plan, False
    carried = under_way and pair  # By the second Deployment.
    return replace(plan, revision=Revision() if carried else Revision(held=this.record.target)), True


def _new_version(this: Run) -> Object:
    """The template of what runs the new version."""
    found = _beside(this)
    if found is not None and strategy_of(this.plan).creates_second_workload:
        ref = this.ctx.ref(DEPLOYMENT, name_of(found))
        made.refuse_foreign(found, ref, this.ctx.by, this.ctx.uid_of(ref.key))
    # In place, and at the end of a release, the workload itself runs it.
    return dict((found or this.workload)["spec"]["template"])


def _beside(this: Run) -> Object | None:
    """The Deployment that runs the new version beside the workload."""
    name = strategy_of(this.plan).new_workload_name(this.plan, this.record.target)
    return this.ctx.client.find(this.ctx.ref(DEPLOYMENT, name)) if name else None


def require_approval(this: Run) -> None:
    """Raises Refused where only a record without a seal says that somebody has approved a pause, or that the steps are skipped."""
    record = this.record
    if this.store.sealed or record.program != RELEASE:
        return
    promote = this.wish.promote
    if promote is not None and (promote.get("full") or promote.get("step") is None):
        return
    if record.skips:
        if not ran_before(this, record.target):
            raise Refused(
                f"rollout {this.wish.name}: its record, which has no seal, says that revision {record.revision} skips its steps, and no "
                "object shows that this version ran before: promote it with full, abort it, or set record_key"
            )
        return
    program = program_of(record, this.plan)
    pause = trust.last_open_pause(program, record.position)
    step = program[pause].step if pause is not None else None
    if (
        pause is None
        or step is None
        or step <= _granted(this)
        or any(_shows(this, each, pause) for each in trust.visible_since(program, pause, record.position))
    ):
        return
    raise Refused(
        f"rollout {this.wish.name}: its record, which has no seal, says that the pause at step {step + 1} was passed, and nothing in the "
        f"cluster shows it: approve it with promote: {{revision: {record.revision}, step: {step}}}, abort, or set record_key"
    )


def _granted(this: Run) -> int:
    """The last step (from 0) up to which this call approves pauses."""
    promote, ensured = this.wish.promote, this.wish.ensure_step
    by_promotion = int(promote["step"]) if promote is not None and promote.get("step") is not None else -1
    return max(by_promotion, ensured - 2 if ensured is not None else -1)


def _shows(this: Run, action: Action, pause: int) -> bool:
    """Whether the cluster looks as after this action, and not as at the pause (a place in the program) before it."""
    if action.evidence == "split":
        found = [traffic.look(this.ctx, target) for target in this.plan.routers]
        return any(split.total and split.canary * 100 == (action.weight_after or 0) * split.total for split in found)
    if action.evidence == "selector":
        service = this.ctx.client.find(this.ctx.ref(SERVICE, this.plan.stable_service))
        live = selector_of(service or {})
        canary = (
            this.ctx.client.find(this.ctx.ref(SERVICE, this.plan.canary_service)) if strategy_of(this.plan).keeps_second_workload else None
        )
        return live.get(REVISION) == this.record.target or (canary is not None and bool(live) and live == selector_of(canary))
    if action.evidence == "template":
        if this.plan.hold and this.plan.revision.carried:
            return False  # What waits in the template says nothing.
        return bool(revisions.template_hash(this.workload["spec"]["template"]) == this.record.target)
    return _has_size(this, action, pause)


def _has_size(this: Run, action: Action, pause: int) -> bool:
    """Whether as many pods are asked for of the new version as an action, EnsureCanary or SharePods, asks for."""
    if strategy_of(this.plan).replaces_in_place:
        size = in_place.size_of(this.workload)
        new = size - in_place.partition_of(this.workload)
        return new >= min(_pods_more(this, action, pause, size), size - 1) > 0
    found = _beside(this)
    if found is None:
        return False
    if action.evidence == "share":
        total = replicas_of(found) + replicas_of(this.workload)
        return total > 0 and abs(100 * replicas_of(found) - (action.weight_after or 0) * total) <= 50
    wanted = _pods_more(this, action, pause, replicas_of(this.workload))
    return replicas_of(found) >= wanted > 0


def _pods_more(this: Run, action: Action, pause: int, live: int) -> int:
    """How many pods of the new version an action asks for, where that is more than there were at the pause; else 0."""
    wanted = action.pods(live) or 0
    return wanted if wanted > trust.pods_at(program_of(this.record, this.plan), pause, live) else 0


def ran_before(this: Run, target: str) -> bool:
    """Whether an object shows that the workload ran this version before the one that runs now."""
    ctx, plan = this.ctx, this.plan
    if not strategy_of(plan).keeps_versions:
        return any(revisions.template_hash(each) == target for each in templates.own_versions(ctx, plan, this.workload))
    found = {labels(each["spec"]["template"]).get(REVISION, ""): each for each in made.deployments(ctx, plan.name)}
    stable = found.get(str(this.record.stable.get("template"))) if this.found is not None else None
    return target in found and (stable is None or _created(found[target]) < _created(stable))


def _created(obj: Object) -> str:
    return str(obj["metadata"].get("creationTimestamp") or "")
