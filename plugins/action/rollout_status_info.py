"""Prints rollouts, and what becomes of them: asks module rollout_info again and again, which returns when something has changed."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils import color
from ansible.utils.display import Display
from ansible_collections.progressive.delivery.plugins.module_utils._objects.durations import seconds
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.shown import shown
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import tree
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import ended, fitted, status_in, told
from ansible_collections.progressive.delivery.plugins.modules import rollout_info
from ansible_collections.progressive.delivery.plugins.plugin_utils.module_action import ModuleAction

Rollouts = Sequence[Mapping[str, Any]]

# Whoever ends this play leaves the call that runs at that moment to itself: it must not last.
_LONGEST_CALL = 5.0
_NO_TERMINAL = 79  # the columns that Ansible goes by then
_OWN = {"watch": False, "watch_timeout": None, "idle_timeout": "1m", "every": "30s"}
_NOT_OURS = {"changed_from"}
_COLOURS = {
    "Healthy": constants.COLOR_OK,
    "Progressing": constants.COLOR_CHANGED,
    "Paused": constants.COLOR_CHANGED,
    "Degraded": constants.COLOR_ERROR,
    "Aborted": constants.COLOR_ERROR,
    "Unknown": constants.COLOR_ERROR,
    "problem": constants.COLOR_WARN,
}

display = Display()


class ActionModule(ModuleAction):
    """The action of the task."""

    _supports_async = False

    def carry_out(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Prints, and returns what was seen last."""
        own = {key: self._task.args.get(key, default) for key, default in _OWN.items()}
        try:
            watch = boolean(own["watch"])
            limit = float("inf") if own["watch_timeout"] is None else seconds(own["watch_timeout"], "watch_timeout")
            patience, every = (seconds(own[key], key) for key in ("idle_timeout", "every"))
        except (Refused, TypeError) as problem:
            return {"failed": True, "msg": shown(problem)}
        self._vars = task_vars
        foreign = sorted(_NOT_OURS & set(self._task.args))
        if foreign:
            return {"failed": True, "msg": f"{', '.join(foreign)}: an option of rollout_info: leave it out here"}
        found = self._look("", 0)
        if found.get("failed"):
            return found
        self._draw(found["rollouts"])
        if not watch:
            return {"changed": False, "rollouts": found["rollouts"]}
        return self._follow(found, limit, patience, max(every, 1.0))

    def _look(self, changed_from: str, wait: float) -> dict[str, Any]:
        """What rollout_info says, as soon as it differs, or after so many seconds."""
        options = {key: value for key, value in self._task.args.items() if key not in _OWN}
        return self.call(rollout_info, {**options, "changed_from": changed_from, "wait_timeout": str(wait)}, self._vars)

    def _follow(self, found: dict[str, Any], limit: float, patience: float, every: float) -> dict[str, Any]:
        began = printed = time.monotonic()
        lines: dict[str, str] = {}
        busy: dict[str, float] = {}  # when somebody was seen at work on each
        while True:
            now = time.monotonic()
            for each in found["rollouts"]:
                if (each["progress"] or {}).get("holder") or each["name"] not in busy:
                    busy[each["name"]] = now
            idle = {each["name"]: now - busy[each["name"]] for each in found["rollouts"]}
            due = now - printed >= every
            for each in found["rollouts"]:
                if due or lines.get(each["name"]) != each["line"]:
                    self._print(told(each, time.strftime("%H:%M:%S")), each["phase"])
                    lines[each["name"]], printed = each["line"], now
            why = {each["name"]: ended(each, idle[each["name"]], patience, time.time()) for each in found["rollouts"]}
            if all(why.values()) or now - began >= limit:
                return self._end(found["rollouts"], why, now - began)
            left = min(_LONGEST_CALL, began + limit - now, printed + every - now, max(1.0, patience))
            again = self._look(found["mark"], max(0.0, left))
            if again.get("failed"):
                return again
            found = again

    def _end(self, rollouts: Rollouts, why: Mapping[str, str | None], after: float) -> dict[str, Any]:
        reasons = {shown(name): shown(reason) if reason else f"the time is over, after {after:.0f} s" for name, reason in why.items()}
        if [each["line"] for each in rollouts] != self._drawn:
            self._draw(rollouts)
        for each in rollouts:
            self._print(f"{each['name']}: not followed any further: {reasons[shown(each['name'])]}", each["phase"])
        return {"changed": False, "rollouts": list(rollouts), "ended": reasons}

    def _draw(self, rollouts: Rollouts) -> None:
        self._drawn = [each["line"] for each in rollouts]
        width = self._width()
        for each in rollouts:
            display.display("")
            for line in tree(each, None if width is None else width - len(self._host())).splitlines():
                display.display(shown(f"{self._host()}{line}"), color=_COLOURS.get(status_in(line)))
        display.display("" if rollouts else "there are no rollouts in this namespace")

    def _print(self, text: str, phase: str) -> None:
        for line in fitted(shown(f"{self._host()}{text}"), self._width()):
            display.display(line, color=_COLOURS.get(phase))

    def _host(self) -> str:
        """What stands before each line where several hosts are asked at once."""
        return f"{self._vars.get('inventory_hostname')}: " if len(self._vars.get("ansible_play_batch") or []) > 1 else ""

    def _width(self) -> int | None:
        """Of the terminal; None where there is none: an action runs below a worker, which has none itself."""
        at_terminal = display.columns > _NO_TERMINAL or (color.ANSIBLE_COLOR and not constants.ANSIBLE_FORCE_COLOR)
        return int(display.columns) if at_terminal else None
