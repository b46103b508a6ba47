"""What the actions of a rollout work with: the plan, the record, the templates of both versions, and the waits after a move."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Callable

from .._objects.refusal import Drifted
from .._objects.resources import WORKLOADS, Ref
from .._plan.plan import Plan
from .._plan.probes import Probe
from .._rollout.program import ABORT
from .._rollout.record import Record
from .._routing.registry import default_grace
from .._routing.served import Measured
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.configs import renamed
from . import templates, traffic
from .context import Context

Object = dict[str, Any]

_MOST_STORED = 20


def _not_noted(**_changes: Any) -> None:
    """Stands for the record where there is none to be written."""


@dataclass
class Stage:
    """One action's surroundings.

    moved: called as soon as a move of traffic is written, so that the grace can be counted from then if the run dies.
    resumed: an earlier call began this action and did not end it, so it may have moved traffic without living to note it.
    note: writes changes of the record. sealed: only holders of the key can have written the record.
    """

    ctx: Context
    plan: Plan
    record: Record
    moved: Callable[[], None]
    resumed: bool = False
    note: Callable[..., None] = _not_noted
    sealed: bool = False

    @property
    def grace(self) -> float:
        return default_grace(self.plan.routers, self.plan.grace)

    @property
    def drain(self) -> float:
        return self.grace if self.plan.drain is None else self.plan.drain

    @property
    def ref(self) -> Ref:
        """The user's workload."""
        return self.ctx.ref(WORKLOADS[self.plan.kind], self.plan.workload)

    @property
    def user_workloads(self) -> list[Ref]:
        """The workload, and the second one that the user keeps for new versions."""
        return [self.ctx.ref(self.ref.resource, name) for name in strategy_of(self.plan).user_workloads(self.plan)]

    def deployment(self, to: str) -> str:
        """The name of what runs the workload's version, the stable one, or the new one."""
        if to == "canary":
            return strategy_of(self.plan).new_workload_name(self.plan, self.record.target)
        return self.plan.workload if to == "workload" else str(self.record.stable["workload"])

    def workload(self) -> Object:
        """The user's workload, as it is."""
        return self.ctx.client.get(self.ref)

    def new_template(self, workload: Object) -> revisions.Template:
        """The template of the new version, for the user's workload."""
        if self.plan.hold and self.plan.revision.carried:
            return self._waiting_template(workload, self.present_template(workload))
        present = self.present_template(workload)
        return self.with_copies(templates.new_template(self.ctx, self.plan, workload, present, self.record.target))

    def _waiting_template(self, workload: Object, present: revisions.Template) -> revisions.Template:
        """What waited in the workload while that was held; later the canary has it, or the workload again."""
        new = self.with_copies(present)
        if revisions.template_hash(new) == self.record.target:
            return new
        return templates.held(self.ctx, self.plan, workload, self.record.target)

    def with_copies(self, template: revisions.Template) -> revisions.Template:
        """The template with the names of the ConfigMaps and Secrets that the new version has."""
        return renamed(template, self.record.configs) if self.record.configs else template

    def present_template(self, workload: Object) -> revisions.Template:
        """The workload's template; one that another client changed meanwhile is refused, replaced or accepted as on_drift says.

        An abort is never refused for it: it replaces such a template unless it is to be accepted, and says so in a warning.
        """
        live: revisions.Template = workload["spec"]["template"]
        if self.ours(live):
            return live
        aborts = self.record.program == ABORT
        if aborts:
            self._warn_of_foreign(live)
        if self.ctx.on_drift == "accept":
            return live
        if self.ctx.on_drift == "fail" and not aborts:
            problem = "has a template that another client changed during the rollout"
            remedy = "put the template back, or set on_drift to repair (go on without that change) or accept (with it)"
            raise Drifted(self.plan.title, problem, remedy)
        return self.stable_template(workload)

    def _warn_of_foreign(self, live: revisions.Template) -> None:
        """Says what becomes of a template that is neither version's."""
        images = ", ".join(f"{name}={image}" for name, image in sorted(revisions.images_of(live).items()))
        accepted = self.ctx.on_drift == "accept"
        text = f"{self.plan.title}: another client, or admission, changed its template during the rollout ({images}): " + (
            "it stays, as on_drift says: check that this version works"
            if accepted
            else "the abort puts the stable version's template back: make that change again if it is still wanted"
        )
        self.ctx.journal.warn(text)

    def admitted(self, before: revisions.Template, after: revisions.Template) -> None:
        """Notes what admission made of the workload's template in a write of this rollout, so that this does not count as drift.

        Args:
            before: The template that was written, or that the workload had where something else was written.
            after: The template that the API server stored.
        """
        if self.ours(after) or not self.ours(before):
            return
        self.ctx.journal.warnings.append(
            f"{self.plan.title}: admission changed its pod template when the rollout wrote it ({templates.difference(before, after)}), "
            "and did not when the rollout began: check the mutating webhooks and policies of this namespace"
        )
        known = dict(list(self.record.stored.items())[-_MOST_STORED:])
        self.note(stored={**known, revisions.template_hash(before): revisions.template_hash(after)})

    @property
    def edit_waited(self) -> bool:
        """Whether the workload may have another template than its pods: an edit that waits, or what admission made of it since."""
        return self.record.stable["template"] in self.record.stored or bool(
            self.record.stable.get("source", self.record.stable["template"]) != self.record.stable["template"]
        )

    def ours(self, template: revisions.Template) -> bool:
        """Whether it is the stable version's, the new one's, what the workload had at the start, or what admission made of one of these."""
        stable = self.record.stable
        hashes = {revisions.template_hash(each) for each in (template, self.with_copies(template))}
        ours = {stable["template"], stable.get("source", ""), self.record.target}
        return bool(hashes & {*ours, *(also for each in ours for also in self.record.also_stored(each))})

    def stable_template(self, workload: Object) -> revisions.Template:
        """The stable version's template, from the object that keeps it."""
        stable = self.record.stable["template"]
        return templates.stable_template(self.ctx, self.plan, workload, [stable, *self.record.also_stored(stable)])

    def settle(self, changed: bool) -> None:
        """Waits the grace after a move of traffic."""
        self._note(changed)
        if self.record.moved is not None:
            self.ctx.settle(self.grace, self.record.moved)

    def settle_moves(self, moves: Sequence[traffic.Moved]) -> None:
        """Waits after moves on the routers: the grace, or until the probe sees the split served."""
        changed = any(moved.changed for moved in moves)
        self._note(changed)
        probe = self._probe() if len(moves) == 1 else None
        if probe is None or not self._conclusive(traffic.measure(self.ctx, moves[0], probe)):
            self.settle(changed)

    def settle_unseen(self, moves: Sequence[traffic.Moved]) -> None:
        """Waits the grace after moves on the routers that no answer shows."""
        self.settle(any(moved.changed for moved in moves))

    def settle_switch(self, changed: bool, share: float) -> None:
        """Waits after the active Service was switched: the grace, or until the probe sees just the version that it leads to.

        share: of the new version, 0 or 1.
        """
        self._note(changed)
        probe = self._probe()
        if probe is None or not self._conclusive(traffic.measure_share(self.ctx, 1 - share if changed else None, share, probe)):
            self.settle(changed)

    def _probe(self) -> Probe | None:
        """What is asked after a move, where there was one."""
        return self.plan.probe if self.record.moved is not None and self.ctx.wait else None

    def _conclusive(self, measured: Measured) -> bool:
        self.ctx.journal.measured = asdict(measured)
        return measured.conclusive

    def _note(self, changed: bool) -> None:
        if (changed or self.resumed) and self.record.moved is None:
            self.moved()
