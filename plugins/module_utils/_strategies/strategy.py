"""The description of a strategy (option workload.style): what it can do, as far as other code must know."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

from .._objects.paths import Path

if TYPE_CHECKING:
    from .._plan.plan import Plan
    from .._rollout.hazards.registry import Hazard
    from .._rollout.permissions import Grant
    from .handlers import Handlers
    from .sequence import Program


class Parts(NamedTuple):
    """What stands in the other files of a strategy.

    Attributes:
        sequence: The actions of a release and of the ways back (sequence.py).
        hazards: What may endanger a release of this strategy (preconditions.py).
        grants: What a release must be allowed to do with workloads, in the order of a Role's rules (preconditions.py).
        handlers: What carries out the actions in the cluster (handlers.py).
    """

    sequence: Program
    hazards: tuple[Hazard, ...]
    grants: Callable[[Plan], list[Grant]]
    handlers: Handlers


class Strategy:
    """How a workload's new version runs during a release. The defaults are those of a strategy that can do nothing special.

    Attributes:
        kinds: The kinds of workload that it releases. The first is the default; none where option workload.style cannot name it.
        options: The options that only some strategies accept, of those that this one accepts.
        preview_replicas: The pods of a blue-green preview where the plan does not say; None: as many as the active version has.
        can_share_pods: Router type replicas can split its traffic by numbers of pods.
        carries_revision: An object of the user's can carry the new version's template, so that a plan need not name a version.
        pauses_workload: The workload is paused while its Services are pinned to it.
        creates_second_workload: A release creates the Deployment that runs the new version.
        keeps_second_workload: The user keeps the Deployment that runs the new version.
        keeps_versions: Former versions stay as Deployments without pods.
        replaces_in_place: The workload's own pods run the new version one after the other; a release adds no pods.
        releases_waiting_edit: It can release an edit that waits in the template of a workload which earlier releases held.
    """

    kinds: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    preview_replicas: int | None = None
    can_share_pods = False
    carries_revision = False
    pauses_workload = False
    creates_second_workload = False
    keeps_second_workload = False
    keeps_versions = False
    replaces_in_place = False
    releases_waiting_edit = False

    def second_workload_name(self, workload: str, canary: str) -> str:
        """The name of the Deployment that runs the new version; empty where it has no fixed name.

        Args:
            workload: Option workload.name.
            canary: Option workload.canary, or its default.
        """
        return ""

    def new_workload_name(self, plan: Plan, target: str) -> str:
        """The name of what runs the new version. target: the hash of its template."""
        return self.second_workload_name(plan.workload, plan.canary_workload)

    def user_workloads(self, plan: Plan) -> tuple[str, ...]:
        """The names of the workloads that the user keeps."""
        return (plan.workload, plan.canary_workload) if self.keeps_second_workload else (plan.workload,)

    def workload_fields_changed(self, plan: Plan) -> list[Path]:
        """The fields of the workload, beside its template, that a release changes."""
        return [("spec", "paused")] if self.pauses_workload else []

    def replaces_pods_under_traffic(self, plan: Plan) -> bool:
        """Whether a release ends pods that have traffic."""
        return False

    def parts(self) -> Parts:
        """What stands in the strategy's other files.

        They are imported here, on demand: they need the plan and the cluster, and what reads the plan needs this description.
        """
        raise NotImplementedError
