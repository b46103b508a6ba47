"""Options that several modules share, and the context that they make."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._actions.context import Context
from .._cluster.auth import connect
from .._cluster.client import Client
from .._cluster.clock import Clock
from .._objects.edits import ON_DRIFT
from .._plan.durations import seconds
from .auth_options import AUTH_MUTUALLY_EXCLUSIVE, AUTH_REQUIRED_TOGETHER, AUTH_SPEC, auth_of, unmask

NAMESPACE_SPEC: dict[str, Any] = {"namespace": {"type": "str"}}
COMMON_SPEC: dict[str, Any] = {
    **NAMESPACE_SPEC,
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "str", "default": "600s"},
    "on_drift": {"type": "str", "default": "fail", "choices": list(ON_DRIFT)},
}
IGNORED_SPEC: dict[str, Any] = {
    "wait": {"type": "bool"},
    "wait_timeout": {"type": "str"},
    "on_drift": {"type": "str", "choices": list(ON_DRIFT)},
}


def make_module(spec: dict[str, Any], **more: Any) -> AnsibleModule:
    """An AnsibleModule with the module's own options, the common ones and those for authentication."""
    return _make_module({**COMMON_SPEC, **spec}, **more)


def make_info_module(spec: dict[str, Any]) -> AnsibleModule:
    """The same for a module that only reads. What only the others use it takes too and ignores, so that one module_defaults serves all."""
    return _make_module({**NAMESPACE_SPEC, **IGNORED_SPEC, **spec})


def _make_module(spec: dict[str, Any], **more: Any) -> AnsibleModule:
    module = AnsibleModule(
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
    return context


def make_reading_context(module: AnsibleModule) -> Context:
    """The context of a call that only reads. Raises AuthError for options that cannot be used."""
    clock = Clock()
    client = Client(connect(auth_of(module.params)), clock)
    return Context(client=client, clock=clock, namespace=module.params["namespace"] or client.namespace, by="")
