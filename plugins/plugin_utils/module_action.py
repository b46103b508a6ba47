"""What the actions of all modules share: the module's code runs in Ansible's worker process where that is possible, else as a module."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.progressive.delivery.plugins.module_utils._module.in_process import Call, prepare_forks, run

display = Display()

# Ansible imports an action in the process that starts the workers: what is imported here, they all have.
_HAS_CLIENT = prepare_forks()


class ModuleAction(ActionBase):
    """An action whose module is `module`, imported in this process."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    module: ModuleType

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The entry point of every action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return {**result, **self.carry_out(task_vars or {})}

    def carry_out(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the task returns."""
        return self.call(self.module, self._task.args, task_vars)

    def call(self, module: ModuleType, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module says to these options."""
        name = f"progressive.delivery.{module.__name__.rpartition('.')[2]}"
        why = self._not_here(task_vars)
        host = task_vars.get("inventory_hostname")
        if why:
            display.vvv(f"{name} runs as a module of its own: {why}", host=host)
            wrap_async = self._task.async_val and not self._connection.has_native_async
            return dict(self._execute_module(module_name=name, module_args=options, task_vars=task_vars, wrap_async=wrap_async))
        display.vvv(f"{name} runs in the process of this worker", host=host)
        call = Call(name, options, bool(self._task.check_mode), bool(self._task.diff), _shows_traceback())
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        with _surroundings(environment, self._loader.get_basedir()):
            return run(module.main, call)

    def _not_here(self, task_vars: Mapping[str, Any]) -> str:
        """Why the module cannot run in this process; empty where it can."""
        if self._connection.transport != "local":
            return f"the connection is {self._connection.transport}"
        if self._connection.become or self._task.become:
            return "become is set"
        if self._task.async_val:
            return "async is set"
        interpreter = self._interpreter(task_vars)
        if not _is_ours(interpreter):
            return f"its Python is {interpreter}, Ansible's is {sys.executable}"
        return "" if _HAS_CLIENT else f"{sys.executable} has no Python library kubernetes"

    def _interpreter(self, task_vars: Mapping[str, Any]) -> str:
        """The Python that was asked for; empty where none was."""
        of_delegates = task_vars.get("ansible_delegated_vars") or {}
        variables = of_delegates.get(self._task.delegate_to, task_vars) if self._task.delegate_to else task_vars
        wanted = self._templar.template(constants.config.get_config_value("INTERPRETER_PYTHON", variables=variables) or "")
        return "" if str(wanted).startswith("auto") else str(wanted)


def _is_ours(interpreter: str) -> bool:
    """Whether that Python has what this one has: another name of the same program in the same folder, or none that was asked for."""
    folder, ours = os.path.split(interpreter)[0], sys.executable
    same = os.path.isabs(interpreter) and os.path.realpath(folder) == os.path.realpath(os.path.dirname(ours))
    return not interpreter or interpreter == ours or (same and os.path.realpath(interpreter) == os.path.realpath(ours))


def _shows_traceback() -> bool:
    """Whether a failed module says where its code raised the error: asked for from ansible-core 2.19 on, before with -vvv."""
    try:
        asked = constants.config.get_config_value("DISPLAY_TRACEBACK")
    except Exception:  # of ansible-core before 2.19, which raises different ones
        return bool(display.verbosity >= 3)
    return bool({"always", "error"} & set(asked or []))


@contextmanager
def _surroundings(environment: Mapping[str, Any], folder: str) -> Iterator[None]:
    """The environment and the folder that a module would have; afterwards as before."""
    variables = dict(os.environ)
    try:
        before = os.open(".", os.O_RDONLY)
    except OSError:  # a folder that is gone, or not readable
        before = -1
    try:
        os.environ.update({name: str(value) for name, value in environment.items()})
        os.chdir(folder)
        yield
    finally:
        os.environ.clear()
        os.environ.update(variables)
        if before >= 0:
            os.fchdir(before)
            os.close(before)
