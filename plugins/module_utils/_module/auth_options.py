"""The auth options of every module: their argument spec, and which of their values must stay secret."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import AnsibleFallbackNotFound

from .secrets import PARTLY_SECRET, hidden_everywhere, texts_of

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def _first_set(*variables: str) -> str:
    """An environment variable that is set to nothing counts as not set."""
    for variable in variables:
        if os.environ.get(variable):
            return os.environ[variable]
    raise AnsibleFallbackNotFound


def _option(*names: str, **spec: Any) -> dict[str, Any]:
    """Each of the option's names is also the name of an environment variable."""
    return {"type": "str", **spec, "fallback": (_first_set, [f"K8S_AUTH_{name.upper()}" for name in names])}


AUTH_SPEC: dict[str, dict[str, Any]] = {
    # Secret as a whole until `unmask`, so that the log that AnsibleModule writes at its start holds no credentials.
    "kubeconfig": _option("kubeconfig", type="raw", no_log=True),
    "context": _option("context"),
    "host": _option("host"),
    "api_key": _option("api_key", no_log=True),
    "username": _option("username"),
    "password": _option("password", no_log=True),
    "validate_certs": _option("validate_certs", "verify_ssl", type="bool", aliases=["verify_ssl"]),
    "ca_cert": _option("ca_cert", "ssl_ca_cert", type="path", aliases=["ssl_ca_cert"]),
    "client_cert": _option("client_cert", "cert_file", type="path", aliases=["cert_file"]),
    "client_key": _option("client_key", "key_file", type="path", aliases=["key_file"], no_log=False),
    "proxy": _option("proxy"),
    "no_proxy": _option("no_proxy"),
    "proxy_headers": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "proxy_basic_auth": _option("proxy_headers_proxy_basic_auth", no_log=True),
            "basic_auth": _option("proxy_headers_basic_auth", no_log=True),
            "user_agent": _option("proxy_headers_user_agent"),
        },
    },
    "persist_config": _option("persist_config", type="bool"),
    "impersonate_user": _option("impersonate_user"),
    "impersonate_groups": _option("impersonate_groups", type="list", elements="str"),
}
AUTH_REQUIRED_TOGETHER: list[list[str]] = []
AUTH_MUTUALLY_EXCLUSIVE: list[list[str]] = []

_SECRET_KEYS = {"token", "password", "client-key-data", "id-token", "access-token", "refresh-token", "client-secret"}
_SECRET_NAME = re.compile(r"secret|token|password|passwd|credential|(api|access|private)[-_]?key", re.IGNORECASE)


def auth_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The auth options among a module's parameters, as `connect` takes them."""
    return {name: params.get(name) for name in AUTH_SPEC}


def unmask(module: AnsibleModule) -> None:
    """Of options that are secret in part, hides only the secrets: hiding every value, as no_log does, damages messages and results."""
    kubeconfig = module.params.get("kubeconfig")
    partly = [module.params.get(name) for name in PARTLY_SECRET]
    secrets = {*hidden_everywhere(module.params), *_secrets(kubeconfig), *_secret_of_url(module.params.get("proxy"))}
    for name, value in (module.params.get("proxy_headers") or {}).items():
        secrets.update(texts_of(value) if name != "user_agent" else ())
    for name, spec in module.argument_spec.items():
        secrets.update(texts_of(module.params.get(name)) if spec.get("no_log") and name not in ("kubeconfig", *PARTLY_SECRET) else ())
    module.no_log_values -= set(texts_of([kubeconfig, partly]))
    module.no_log_values |= secrets - {""}


def _secrets(node: Any) -> Iterator[str]:
    """The values of a kubeconfig that let somebody in."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _secrets(item)
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        if key in _SECRET_KEYS:
            yield from filter(None, texts_of(value))
        elif key == "exec" and isinstance(value, Mapping):
            yield from _secrets_of_plugin(value)
        elif key == "proxy-url":
            yield from _secret_of_url(value)
        else:
            yield from _secrets(value)


def _secrets_of_plugin(plugin: Mapping[str, Any]) -> Iterator[str]:
    """Environment variables and arguments of an exec plugin, where their names say that they are secret."""
    for variable in plugin.get("env") or []:
        if _SECRET_NAME.search(str(variable.get("name"))) and variable.get("value"):
            yield str(variable["value"])
    before = ""
    for arg in map(str, plugin.get("args") or []):
        name, equals, value = arg.partition("=")
        if equals and value and _SECRET_NAME.search(name):
            yield value
        elif before.startswith("-") and "=" not in before and _SECRET_NAME.search(before) and not arg.startswith("-"):
            yield arg
        before = arg


def _secret_of_url(url: Any) -> Iterator[str]:
    """A URL's password, as it stands there and as it is meant."""
    try:
        password = urlsplit(str(url or "")).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}
