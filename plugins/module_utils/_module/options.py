"""Options that several modules share, and the context that they make."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.parameters import remove_values

from .._actions.context import Context
from .._cluster.auth import connect
from .._cluster.client import Client
from .._cluster.clock import Clock
from .._cluster.official_client import is_importable
from .._cluster.shared_tokens import share
from .._objects.durations import seconds
from .._objects.edits import ON_DRIFT
from .._objects.names import is_namespace
from .._objects.refusal import Refused
from .._objects.seals import read_key
from .._objects.shown import shown, shown_all
from .auth_options import AUTH_MUTUALLY_EXCLUSIVE, AUTH_REQUIRED_TOGETHER, AUTH_SPEC, auth_of, unmask
from .in_process import InProcessModule, current_call
from .secrets import printed

NAMESPACE_SPEC: dict[str, Any] = {"namespace": {"type": "str"}}
# Given as a variable of Ansible (from a vault), or by the environment, so that hooks and ad-hoc calls have it, too.
KEY_SPEC: dict[str, Any] = {
    "record_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["PROGRESSIVE_DELIVERY_RECORD_KEY"])},
}
COMMON_SPEC: dict[str, Any] = {
    **NAMESPACE_SPEC,
    **KEY_SPEC,
    "record_unsealed": {"type": "str", "default": "refuse", "choices": ["refuse", "accept"]},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "str", "default": "600s"},
    "on_drift": {"type": "str", "default": "fail", "choices": list(ON_DRIFT)},
}
IGNORED_SPEC: dict[str, Any] = {
    "record_unsealed": {"type": "str", "choices": ["refuse", "accept"]},
    "wait": {"type": "bool"},
    "wait_timeout": {"type": "str"},
    "on_drift": {"type": "str", "choices": list(ON_DRIFT)},
}


# What a result holds as it is: objects, which are data; diffs, which Ansible prints as JSON; pictures, whose parts are safe already.
_AS_IT_IS = ("resource", "resources", "diff", "tree")


class _Discreet:
    """Returns no secret values of the options, however the module ends, and no text that is not safe to print."""

    params: dict[str, Any]

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """Ends with a result."""
        self.params = printed(self.params)  # returned as `invocation`, which Ansible prints at -vvv
        super().exit_json(**shown_all(kwargs, but=_AS_IT_IS))  # type: ignore[misc]
        raise SystemExit(0)  # for type checkers: the line before has ended it

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Ends with a failure."""
        self.params = printed(self.params)
        super().fail_json(shown(msg), **shown_all(kwargs, but=_AS_IT_IS))  # type: ignore[misc]
        raise SystemExit(1)

    def warn(self, warning: str, **kwargs: Any) -> None:
        """Adds a warning to the result. From ansible-core 2.19 on, AnsibleModule hides no values in warnings."""
        super().warn(remove_values(shown(warning), getattr(self, "no_log_values", set())), **kwargs)  # type: ignore[misc]


class Module(_Discreet, AnsibleModule):
    """The module as a process of its own."""


class ModuleHere(_Discreet, InProcessModule):
    """The module within the process that called it."""


def make_module(spec: dict[str, Any], **more: Any) -> AnsibleModule:
    """An AnsibleModule with the module's own options, the common ones and those for authentication."""
    return _make_module({**COMMON_SPEC, **spec}, **more)


def make_info_module(spec: dict[str, Any]) -> AnsibleModule:
    """The same for a module that only reads. What only the others use it takes too and ignores, so that one module_defaults serves all."""
    return _make_module({**NAMESPACE_SPEC, **KEY_SPEC, **IGNORED_SPEC, **spec})


def _make_module(spec: dict[str, Any], **more: Any) -> AnsibleModule:
    module: AnsibleModule = (Module if current_call() is None else ModuleHere)(
        argument_spec={**AUTH_SPEC, **spec},
        supports_check_mode=True,
        required_together=AUTH_REQUIRED_TOGETHER,
        mutually_exclusive=AUTH_MUTUALLY_EXCLUSIVE,
        **more,
    )
    unmask(module)
    return module


def make_context(module: AnsibleModule, by: str) -> Context:
    """The context of this call; `by` owns the edits. Raises Refused and AuthError for options that cannot be used."""
    wait_timeout = seconds(module.params["wait_timeout"], "wait_timeout")
    context = make_reading_context(module)
    context.by, context.check, context.on_drift = by, module.check_mode, module.params["on_drift"]
    context.wait, context.wait_timeout = module.params["wait"], wait_timeout
    context.accept_unsealed = module.params["record_unsealed"] == "accept"
    return context


def make_reading_context(module: AnsibleModule) -> Context:
    """The context of a call that only reads. Raises Refused and AuthError for options that cannot be used."""
    _refuse_no_namespace(module.params["namespace"], "namespace")
    seal = read_key(module.params["record_key"])
    clock = Clock()
    transport = connect(auth_of(module.params))
    client = Client(transport, clock)
    namespace = module.params["namespace"] or client.namespace
    _refuse_no_namespace(namespace, "the namespace of the kubeconfig's context")
    context = Context(client=client, clock=clock, namespace=namespace, by="", seal=seal)
    context.journal.warnings.extend(transport.warnings)
    return context


def _refuse_no_namespace(namespace: Any, where: str) -> None:
    """Raises Refused before the first request: a survey of AWX, for example, lets anybody write this option."""
    if namespace not in (None, "") and not is_namespace(namespace):
        problem = f"must be the name of a namespace, not {str(namespace)[:80]!r}"
        raise Refused(where, problem, "use at most 63 lower-case letters, digits and '-'")


def prepare_forks() -> bool:
    """Imports what every call needs, for the forks of this process, which share tokens then. Whether the Kubernetes client is there."""
    share()
    return is_importable()
