"""How a module ends: results, diffs, and every foreseen trouble as one clear line."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from .._actions.context import Context, Failed, Journal, NotYet
from .._actions.lease import Lost
from .._cluster.auth import AuthError
from .._cluster.errors import ApiError
from .._cluster.transport import TransportError
from .._objects.patches import merge_diffs
from .._objects.problem import ProblemError
from .._objects.refusal import Refused

# What is foreseen; anything else is a bug and keeps its traceback.
EXPECTED_ERRORS = (Refused, Failed, Lost, NotYet, ApiError, AuthError, TransportError)


def one_line(problem: BaseException) -> str:
    """The message of a foreseen trouble."""
    return " ".join(str(problem).split())


def failure_of(error: BaseException) -> dict[str, Any]:
    """What a foreseen error adds to a failed result: `msg`, one line, and `problem` with `object`, `what` and `remedy`."""
    problem = error.problem if isinstance(error, ProblemError) else None
    return {"msg": one_line(error), **({"problem": asdict(problem)} if problem is not None and problem.object else {})}


def journal_of(module: AnsibleModule, journal: Journal) -> dict[str, Any]:
    """What a journal adds to a result."""
    for warning in journal.warnings:
        module.warn(warning)
    result: dict[str, Any] = {"changed": journal.changed}
    if module._diff:  # pylint: disable=protected-access
        result["diff"] = merge_diffs(journal.diff)
    return result


def finish(module: AnsibleModule, context: Callable[[AnsibleModule], Context], work: Callable[[Context], dict[str, Any]]) -> None:
    """Does the work of a module and exits with its result."""
    ctx: Context | None = None
    try:
        ctx = context(module)
        result = work(ctx)
    except EXPECTED_ERRORS as problem:
        module.fail_json(**failure_of(problem), **(journal_of(module, ctx.journal) if ctx else {"changed": False}))
    else:
        module.exit_json(**{**journal_of(module, ctx.journal), **result})
