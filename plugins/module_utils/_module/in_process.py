"""Runs a module's `main` inside the process that called it: a stand-in for AnsibleModule that returns the result instead of printing it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Callable, NoReturn

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from .._cluster.official_client import delete_temporary_files, is_importable
from .._cluster.shared_tokens import share
from .options import Discreet, module_class


@dataclass(frozen=True)
class Call:
    """What Ansible passes to a module. name: as in messages; traceback: whether a failure shows where the code raised it."""

    name: str
    options: Mapping[str, Any]
    check: bool = False
    diff: bool = False
    traceback: bool = False


class Ended(BaseException):
    """A module has ended. As with SystemExit, no `except Exception` of the module stops it."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = result
        super().__init__()


def prepare_forks() -> bool:
    """Imports what every call needs, for the forks of this process, which share tokens then. Whether the Kubernetes client is there."""
    share()
    return is_importable()


def run(main: Callable[[], None], call: Call) -> dict[str, Any]:
    """The result of a module: what Ansible would have read from its standard output."""
    token = module_class.set(partial(ModuleHere, call))
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            main()
        return {"failed": True, "msg": f"module {call.name} ended without a result"}
    except Ended as ended:
        return plain(ended.result)
    except (Exception, SystemExit) as error:  # a bug: Ansible reports it as a failed task, as it does of a module
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        msg = f"module {call.name} failed, {type(error).__name__}: {error}"
        return {"failed": True, "changed": False, "msg": msg, "exception": text}
    finally:
        module_class.reset(token)
        delete_temporary_files()


def plain(value: Any) -> Any:
    """The same as JSON has it: without the types that Ansible gives its own values, its marks of trusted templates among them."""
    return json.loads(json.dumps(value, default=_jsonable))


def _jsonable(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, Mapping):
        return dict(value)
    # A value from a vault is a sequence of characters in ansible-core 2.16.
    if isinstance(value, (Sequence, set, frozenset)) and not hasattr(value, "__ENCRYPTED__"):
        return list(value)
    return str(value)


class InProcessModule:
    """What the modules use of AnsibleModule, with the same results and messages."""

    def __init__(self, call: Call, argument_spec: dict[str, Any], supports_check_mode: bool = False, **rules: Any) -> None:
        if not supports_check_mode:
            raise ValueError("every module of this collection supports check mode")
        self._call = call
        self.argument_spec, self.check_mode, self._diff = argument_spec, call.check, call.diff
        self._warnings: list[str] = []
        self._deprecations: list[dict[str, Any]] = []
        options = {name: value for name, value in plain(call.options).items() if not name.startswith("_ansible_")}
        outcome = ArgumentSpecValidator(argument_spec, **rules).validate(options)
        self.params: dict[str, Any] = outcome.validated_parameters
        self.no_log_values: set[str] = set(outcome._no_log_values)  # pylint: disable=protected-access
        self._report(outcome._warnings, outcome._deprecations)  # pylint: disable=protected-access
        if outcome.error_messages:
            unsupported = isinstance(outcome.errors[0], UnsupportedError)
            self.fail_json(f"Unsupported parameters for ({call.name}) module: {outcome.errors.msg}" if unsupported else outcome.errors.msg)

    def _report(self, aliases: Iterable[Mapping[str, Any]], deprecations: Iterable[Mapping[str, Any]]) -> None:
        for each in aliases:
            self.warn(f"Both option {each['option']} and its alias {each['alias']} are set.")
        self._deprecations += [
            {"collection_name": None, **{key: each[key] for key in ("msg", "version", "date", "collection_name") if each.get(key)}}
            for each in deprecations
        ]

    def warn(self, warning: str, **_more: Any) -> None:
        """Adds a warning to the result."""
        self._warnings += [] if warning in self._warnings else [warning]

    def exit_json(self, **result: Any) -> NoReturn:
        """Ends with a result."""
        ending = {"invocation": {"module_args": self.params}, **result}
        if self._warnings:
            ending["warnings"] = self._warnings
        if self._deprecations:
            ending["deprecations"] = self._deprecations
        kept = {key: value for key, value in ending.items() if value is None or isinstance(value, bool)}
        raise Ended({**remove_values(ending, self.no_log_values), **kept})

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """Ends with a failure."""
        error = sys.exc_info()[1]
        if error is not None and self._call.traceback:
            result.setdefault("exception", "".join(traceback.format_tb(error.__traceback__)))
        InProcessModule.exit_json(self, failed=True, msg=msg, **result)


class ModuleHere(Discreet, InProcessModule):
    """A module of this collection within the process that called it."""
