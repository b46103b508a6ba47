"""How a call of rollout_step ended: its result, and what makes a failure of it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._actions import info
from .._actions.run import Run
from .._actions.trust import options_of
from .._actions.turning import was_undone
from .._objects.refusal import Refused
from .._plan.plan import Plan, read_plan
from .._rollout.decide import refuse_contradiction
from .._rollout.program import RELEASE
from .._rollout.report import report
from .._steps.action import describe
from .results import EXPECTED_ERRORS


def result_of(this: Run) -> dict[str, Any]:
    """What the module returns, however the call ended."""
    plan = _plan_of(this)
    told = report(this.found, plan, this.wish.name)
    if this.found is not None and plan is None:
        told.update(phase=this.record.phase, revision=this.record.revision, steps_skipped=this.record.skips, weight=None)
    if this.nothing_to_do:
        told.update(phase="Healthy", msg=f"rollout {this.wish.name}: {this.nothing_to_do}")
    if this.ctx.check:
        told["begins"] = this.expected is not None
    if this.expected is not None:
        told["steps_skipped"] = this.expected.skips
    if this.found is not None and this.working not in (None, this.record.revision):
        told["revision"] = this.working  # What follows from this result must not go at the release of another run.
    measured = this.ctx.journal.measured
    told.update({} if measured is None else {"measured": measured})
    planned = [describe(action, plan.strategy if plan else "") for action in this.ahead]
    return {**told, "actions": planned or this.ctx.journal.actions}


def tree_of(this: Run) -> str:
    """The rollout as a picture. Of a call that did nothing just the head, which asks for nothing; so where it cannot be looked at."""
    told, plan, journal = result_of(this), _plan_of(this), this.ctx.journal
    if this.found is not None and plan is not None and not this.ctx.check and (journal.acting or journal.changed):
        try:
            return info.render(this.ctx, plan, this.found, told)
        except EXPECTED_ERRORS:
            pass  # What the call itself has to tell is what the user must see.
    return info.render_without_reading(this.wish.name, this.ctx.namespace, plan, this.found, told)


def state_of(this: Run) -> dict[str, Any]:
    """The result but for its message; empty where the record could not be read, since nothing is known of the rollout then."""
    if not this.read:
        return {}
    return {**{key: value for key, value in result_of(this).items() if key != "msg"}, "tree": tree_of(this)}


def _plan_of(this: Run) -> Plan | None:
    """The plan by which the record came to where it is, where the call asked for another one.

    None where no plan has been read, or the record's cannot be, or does not fit the rest of the record: anybody may have written that.
    """
    if this.found is None or this.agreed is None:
        return this.agreed
    try:
        recorded = this.record.plan_hash != this.agreed.hash
        plan = read_plan(this.wish.name, this.ctx.namespace, options_of(this, this.record)) if recorded else this.agreed
        report(this.record, plan, this.wish.name)
        refuse_contradiction(this.record, plan)
    except Refused:
        return None
    return plan


def refused(this: Run) -> bool:
    """Whether the call began nothing, neither a revision nor a write.

    What its result says of the rollout may then be the release of another run.
    """
    journal = this.ctx.journal
    return this.working is None and not (journal.acting or journal.changed or journal.actions)


def not_as_asked(this: Run) -> str | None:
    """What somebody else, or a deadline, made of a release that was to go on; None where it went as asked."""
    if this.ctx.check or this.nothing_to_do or this.wish.state != "present":
        return None
    told = result_of(this)
    if this.found is None:
        return f"rollout {this.wish.name}: it was handed back while this run worked on it: nothing is released"
    if this.working not in (None, this.record.revision):
        return (
            f"rollout {this.wish.name}: revision {this.record.revision} has taken the place of revision {this.working} "
            "while this run worked on that: nothing more is released here"
        )
    if told["phase"] == "Aborted":
        return None if was_undone(this) else str(told["msg"])
    if told["phase"] == "Progressing" and (this.wish.until != "step" or this.record.program != RELEASE):
        why = f" ({this.record.msg})" if this.record.msg else ""
        return f"rollout {this.wish.name}: another run went on with it meanwhile{why}: see how it stands with rollout_info"
    return None
