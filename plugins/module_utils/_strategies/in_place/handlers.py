"""Strategy in_place: the pods of a StatefulSet, or of a DaemonSet, are replaced one part after the other."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._actions import objects, services, workload
from ..._actions.context import Context
from ..._actions.stage import Stage
from ..._objects.refusal import Refused
from ..._objects.resources import CONTROLLER_REVISION, POD, STATEFUL_SET, labels, name_of
from ..._plan.plan import Plan
from ..._steps import actions as kinds
from ..._workloads import in_place, revisions
from ..._workloads.in_place import CONTROLLER_REVISION_HASH
from ..._workloads.label_selectors import pod_selector
from ..handlers import Handlers, Pin, StableVersion
from ..sequence import facts_of, stable_services

Object = dict[str, Any]


def pin(stage: Stage, to: str) -> Pin:
    return Pin({CONTROLLER_REVISION_HASH: _new_hash(stage) if to == "canary" else stage.record.stable["hash"]})


def revision_hash(ctx: Context, live: Object) -> str:
    """What the pods of the present template carry as their controller-revision-hash."""
    if live["kind"] == STATEFUL_SET.kind:
        return str(live["status"]["updateRevision"])
    selector = pod_selector(live)
    owned = revisions.owned(ctx.client.list(CONTROLLER_REVISION, ctx.namespace, selector)[0], live)
    return str(labels(max(owned, key=lambda each: int(each["revision"])))[CONTROLLER_REVISION_HASH])


def _new_hash(stage: Stage) -> str:
    return revision_hash(stage.ctx, _taken_up(stage))


def _taken_up(stage: Stage) -> Object:
    """The workload, once its controller has seen the last change."""

    def missing(found: list[Object]) -> str | None:
        return in_place.not_taken_up(found[0]) if found else f"{stage.plan.title} is not there"

    resource = stage.ref.resource
    return stage.ctx.until(f"{stage.plan.title} taken up", resource, missing, name=stage.plan.workload)[0]


def hold_update(stage: Stage, _action: kinds.HoldUpdate) -> None:
    """The strategy comes first: with it, the new template replaces no pod yet."""
    _hold(stage, stage.workload())
    workload.set_template(stage.ctx, stage.ref, stage.new_template, written=stage.admitted)


def _hold(stage: Stage, live: Object, count: int = 0) -> None:
    edits = in_place.holding_edits(live, count)
    outcome = objects.edit(stage.ctx, stage.ref, lambda _base: edits, annotate=False)
    stage.admitted(outcome.before["spec"]["template"], outcome.after["spec"]["template"])


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    """At least one old pod stays: the stable Services know no others. Blue-green leaves them half, since they have all the traffic."""
    live = _taken_up(stage)
    size = in_place.size_of(live)
    most = size - 1 if stage.plan.bluegreen is None else min(size - 1, (size + 1) // 2)
    wanted = action.pods(size)
    if wanted > most and stage.plan.bluegreen is not None:
        stage.ctx.journal.warnings.append(
            f"{stage.plan.title}: the preview has {most} of its {size} pods, the active version needs the others"
        )
    _replace(stage, live, min(wanted, most))


def _replace(stage: Stage, live: Object, count: int) -> None:
    """So many pods of the workload run the new version and are ready."""
    new = revision_hash(stage.ctx, live)
    if live["kind"] == STATEFUL_SET.kind:
        if count > in_place.size_of(live) - in_place.partition_of(live):
            _hold(stage, live, count)
        _until_ready(stage, [new], count)
        return
    _replace_by_deletion(stage, live, [new], count)


def _replace_by_deletion(stage: Stage, live: Object, wanted: Sequence[str], count: int) -> None:
    """Deletes pods of other versions, the last by name first and no more at a time than the user's own strategy would replace."""
    batch = in_place.batch_of(live)
    while True:
        others = [pod for pod in _pods(stage, live) if _hash_of(pod) not in wanted and not pod["metadata"].get("deletionTimestamp")]
        old = sorted(others, key=in_place.ordinal)
        # Those that are gone or going count, too: a call that died may have deleted them, and their successors are still to come.
        replaced = in_place.size_of(live) - len(old)
        due = old[-min(batch, count - replaced) :] if replaced < count else []
        for pod in due:
            ref = stage.ctx.ref(POD, name_of(pod))
            stage.ctx.ensure_lock_held()
            stage.ctx.client.delete(ref, pod)
            stage.ctx.journal.wrote(ref, pod, None)
        replaced += len(due)
        _until_ready(stage, wanted, min(count, replaced))
        if replaced >= count:
            return


def _pods(stage: Stage, live: Object) -> list[Object]:
    found, _version = stage.ctx.client.list(POD, stage.ctx.namespace, pod_selector(live))
    return revisions.owned(found, live)


def _hash_of(pod: Object) -> str:
    return labels(pod).get(CONTROLLER_REVISION_HASH, "")


def _until_ready(stage: Stage, wanted: Sequence[str], count: int) -> None:
    """Waits until so many pods of these versions are ready."""
    labels_of_version, title = f"{CONTROLLER_REVISION_HASH} in ({','.join(wanted)})", stage.plan.title
    workload.wait_ready_pods(stage.ctx, f"{count} pods of {title}", labels_of_version, count, title, "correct the new version")


def finish_update(stage: Stage, _action: kinds.FinishUpdate) -> None:
    """All pods run the new version; only then does the user's own strategy come back, which may have left some of them."""
    live = _taken_up(stage)
    _replace(stage, live, in_place.size_of(live))
    _give_strategy_back(stage)


def _give_strategy_back(stage: Stage) -> None:
    """Waits until the status of the workload says that it is rolled out, which the next release or undo asks for, and may do at once."""
    objects.edit(stage.ctx, stage.ref, lambda _base: [], annotate=False)

    def missing(found: list[Object]) -> str | None:
        return in_place.not_rolled_out(found[0]) if found else None

    stage.ctx.until(f"{stage.plan.title} fully rolled out", stage.ref.resource, missing, name=stage.plan.workload)


def roll_back(stage: Stage, _action: kinds.RollWorkload) -> None:
    """Under the strategy that replaces nothing by itself: a StatefulSet waits for ever for a new pod that does not get ready."""
    live = stage.workload()
    if not in_place.is_held(live):
        return  # back already
    present = stage.present_template(live)
    if stage.ours(present):
        _hold(stage, live)
        workload.set_template(stage.ctx, stage.ref, stage.stable_template, written=stage.admitted)
        live = _taken_up(stage)
        _put_pods_back(stage, live)
        _give_strategy_back(stage)
        return
    # Somebody else's template is accepted, and rolls by the strategy that is put back.
    objects.edit(stage.ctx, stage.ref, lambda _base: [], annotate=False)


def _put_pods_back(stage: Stage, live: Object) -> None:
    """All pods run the stable version, or what admission made of its template when that was written."""
    before, now = str(stage.record.stable["hash"]), revision_hash(stage.ctx, live)
    _replace_by_deletion(stage, live, sorted({before, now}), in_place.size_of(live))
    if now == before:
        return
    # The user's own strategy replaces the pods from before, which are all that the Services know.
    for name in stable_services(stage.plan, facts_of(stage.record)):
        services.prove(stage.ctx, services.point(stage.ctx, name, lambda _base: [], min_ready=0).after)


def stable_version(ctx: Context, plan: Plan, live: Object, _held: bool) -> StableVersion:
    problem = in_place.not_rolled_out(live)
    if problem:
        raise Refused(plan.title, f"is not fully rolled out ({problem})", "wait for its own rollout, or undo it (kubectl rollout undo)")
    if in_place.size_of(live) < 2:
        problem = f"has {in_place.size_of(live)} pods, and replacing pods in place while both versions are ready takes at least 2"
        raise Refused(plan.title, problem, "scale it up, or change its template directly")
    found = revision_hash(ctx, live)
    return StableVersion(found, {CONTROLLER_REVISION_HASH: found})


HANDLERS = Handlers(
    pin,
    stable_version,
    {
        kinds.HoldUpdate: hold_update,
        kinds.EnsureCanary: ensure_canary,
        kinds.FinishUpdate: finish_update,
        kinds.RollWorkload: roll_back,
    },
)
