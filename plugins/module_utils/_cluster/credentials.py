"""Finds the credentials as kubectl and kubernetes.core do (options, kubeconfig, pod), and lets the official client load them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import logging
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable

from . import shared_tokens
from .official_client import client_module
from .transport import TransportError

_DEFAULT_KUBECONFIG = "~/.kube/config"
# With a host, each of these is enough to log in without a kubeconfig.
_COMPLETE = (("api_key",), ("username", "password"), ("client_cert", "client_key"))


class AuthError(TransportError):
    """The credentials cannot be found or used."""


@dataclass
class Source:
    """Where the credentials come from, and what of it the client leaves to us."""

    what: str
    namespace: str = "default"
    cluster: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)


def load(given: Mapping[str, Any], configuration: Any, anew: bool = False) -> Source:
    """Puts the credentials into the configuration: from the options alone, a kubeconfig, or the pod this runs in.

    anew: the API server refused those that it was given before.
    """
    if "host" in given and any(all(name in given for name in names) for names in _COMPLETE):
        return Source("the options")
    kubeconfig = given.get("kubeconfig")
    if kubeconfig:
        return _load_kubeconfig(kubeconfig, "kubeconfig", given, configuration, anew)
    if os.environ.get("KUBECONFIG"):
        return _load_kubeconfig(os.environ["KUBECONFIG"], "the environment variable KUBECONFIG", given, configuration, anew)
    if "context" not in given and os.environ.get("KUBERNETES_SERVICE_HOST"):
        source = _load_from_pod(configuration)
        if source:
            return source
    if "context" in given or os.path.exists(os.path.expanduser(_DEFAULT_KUBECONFIG)):
        return _load_kubeconfig(_DEFAULT_KUBECONFIG, "the default kubeconfig", given, configuration, anew)
    if "host" in given:
        return Source("the options")
    problem = f"is not named ({_DEFAULT_KUBECONFIG} does not exist, and this is not a pod with a service account)"
    raise AuthError("the cluster", problem, "set kubeconfig, or host and api_key, or the environment variable KUBECONFIG")


def _load_from_pod(configuration: Any) -> Source | None:
    incluster = client_module("config.incluster_config")
    try:
        incluster.load_incluster_config(client_configuration=configuration)
    except incluster.ConfigException:  # a pod without a service account
        return None
    namespace = os.environ.get("POD_NAMESPACE", "")
    try:
        with open(os.path.join(os.path.dirname(incluster.SERVICE_TOKEN_FILENAME), "namespace"), encoding="utf-8") as file:
            namespace = namespace or file.read().strip()
    except OSError:
        pass
    return Source("the pod's service account", namespace or "default")


def _load_kubeconfig(kubeconfig: Any, origin: str, given: Mapping[str, Any], configuration: Any, anew: bool) -> Source:
    what = f"{origin}={kubeconfig}" if isinstance(kubeconfig, str) and "\n" not in kubeconfig else origin
    kube_config = client_module("config.kube_config")
    try:
        documents, merged, save = _read_kubeconfig(kubeconfig, what, kube_config)
        context_name = given.get("context") or next((str(d["current-context"]) for d in documents if d.get("current-context")), "")
        context = _entry(documents, "context", context_name, what)
        cluster = _entry(documents, "cluster", context.get("cluster"), what)
        user = _entry(documents, "user", context["user"], what) if context.get("user") else {}
        source = Source(what, context.get("namespace") or "default", cluster, user)
        persister = save if given.get("persist_config") else None
        key = shared_tokens.key_of(what, context_name, cluster, user["exec"]) if user.get("exec") else ""
        with shared_tokens.turn(key, anew) as token, complaints_raised(source):
            if token:
                _replace_user(merged, context["user"], {"token": token})
            loader = kube_config.KubeConfigLoader(merged, active_context=context_name, config_base_path=None, config_persister=persister)
            loader.load_and_set(configuration)
            if key and not token:
                shared_tokens.keep(key, getattr(loader, "token", "").partition("Bearer ")[2], getattr(loader, "expiry", None))
    except (AuthError, ImportError):
        raise
    except Exception as error:  # the loader trips in its own way over each thing that can be wrong in a kubeconfig
        raise AuthError(what, f"cannot be used ({reason_of(error)})", "correct the kubeconfig") from error
    return source


def _read_kubeconfig(kubeconfig: Any, what: str, kube_config: Any) -> tuple[list[dict[str, Any]], Any, Callable[[], None] | None]:
    """The documents in order of precedence, the same merged as the client wants it, and what saves a refreshed token."""
    if isinstance(kubeconfig, dict):
        document = copy.deepcopy(kubeconfig)  # the client writes refreshed tokens into it
        return [document], document, None
    if not isinstance(kubeconfig, str) or "\n" in kubeconfig:
        raise AuthError(what, "must be a path or a dictionary", "use the filter from_yaml for the text of a kubeconfig")
    paths = [os.path.expanduser(path) for path in kubeconfig.split(kube_config.ENV_KUBECONFIG_PATH_SEPARATOR) if path]
    if not any(os.path.exists(path) for path in paths):
        raise AuthError(what, "does not exist", "set the path of a kubeconfig")
    merger = kube_config.KubeConfigMerger(kubeconfig)
    return list(merger.config_files.values()), merger.config, merger.save_changes


def _replace_user(merged: Any, name: str, user: dict[str, Any]) -> None:
    """Only in what the client reads, not in the documents, which it may save."""
    config = getattr(merged, "value", merged)
    config["users"] = [{"name": name, "user": user} if each["name"] == name else each for each in config["users"]]


def _entry(documents: list[dict[str, Any]], kind: str, name: Any, what: str) -> Mapping[str, Any]:
    """The context, cluster or user of that name; the first one counts, as in kubectl."""
    entries = [entry for document in documents for entry in document.get(f"{kind}s") or []]
    for entry in entries:
        if entry["name"] == name:
            return entry.get(kind) or {}
    known = ", ".join(str(entry["name"]) for entry in entries) or "none"
    if not name:
        problem = f"names no {'current-context' if kind == 'context' else kind}"
        raise AuthError(what, problem, f"set context to one of its contexts ({known})")
    if kind == "context":
        raise AuthError(what, f"has no context {name!r}", f"set context to one of {known}")
    raise AuthError(what, f"has no {kind} {name!r}, only {known}", "correct the context")


@contextmanager
def complaints_raised(source: Source) -> Iterator[None]:
    """The client only logs that an exec plugin failed, and goes on without credentials: this makes it an error."""
    complaints: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: complaints.append(record.getMessage()) if record.name == "root" else None  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    if complaints:
        plugin = source.user.get("exec") or {}
        hint = " ".join(f"{complaints[0]}; {plugin.get('installHint') or ''}".split()).removesuffix(";")
        problem = f"has the exec plugin {plugin.get('command')!r}, which failed ({hint})"
        raise AuthError(source.what, problem, "run the plugin by hand on the machine that runs the module")


def reason_of(error: Exception) -> str:
    """One line that gives away nothing of a file's contents."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"not valid YAML, line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', '')}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text file"
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    if isinstance(error, (AttributeError, KeyError, TypeError)):
        return f"it is not laid out as a kubeconfig ({type(error).__name__}: {error})"
    return " ".join(str(error).split()) or type(error).__name__
