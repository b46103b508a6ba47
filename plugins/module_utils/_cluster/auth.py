"""From the auth options to a Transport: finds the credentials as kubectl and kubernetes.core do, and lets the official client load them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import copy
import ipaddress
import logging
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from .official_client import client_module
from .transport import Login, Transport, TransportError

USER_AGENT = "progressive.delivery/0.1.0"

_DEFAULT_KUBECONFIG = "~/.kube/config"
_EMPTY = (None, "", [], {})


class AuthError(TransportError):
    """The credentials cannot be had or used; says which, where they were looked for, and what to do."""


@dataclass
class _Source:
    """Where the credentials come from, and what of it the client leaves to us."""

    what: str
    namespace: str = "default"
    cluster: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)


def connect(auth: Mapping[str, Any]) -> Transport:
    """A way to the cluster that the auth options name. Raises AuthError; sends no request."""
    given = {name: value for name, value in auth.items() if value not in _EMPTY}
    return Transport(lambda: _log_in(given))


def _log_in(given: Mapping[str, Any]) -> Login:
    try:
        # Its own one: the client's process-wide default stays as it is.
        configuration = client_module("client.configuration").Configuration()
        configuration.host = ""
        source = _load(given, configuration)
    except ImportError as error:
        raise AuthError(_missing_client(error)) from error
    _apply_options(given, configuration)
    _check_host(configuration.host, source)
    proxy = _set_proxy(given, configuration, source)
    # As in kubectl, the name belongs to the server in the kubeconfig, not to another host.
    tls_name = "" if "host" in given else source.cluster.get("tls-server-name") or ""
    _check_certificates(configuration, source)
    return Login(
        host=configuration.host.rstrip("/"),
        namespace=source.namespace,
        proxy=proxy,
        pool=_pool(configuration, tls_name, proxy),
        headers=_header_maker(given, configuration, source),
    )


def _load(given: Mapping[str, Any], configuration: Any) -> _Source:
    """Puts the credentials into the configuration: from the options alone, a kubeconfig, or the pod this runs in."""
    if "host" in given and any(all(name in given for name in names) for names in _COMPLETE):
        return _Source("the options")
    kubeconfig = given.get("kubeconfig")
    if kubeconfig:
        return _load_kubeconfig(kubeconfig, "kubeconfig", given, configuration)
    if os.environ.get("KUBECONFIG"):
        return _load_kubeconfig(os.environ["KUBECONFIG"], "the environment variable KUBECONFIG", given, configuration)
    if "context" not in given and os.environ.get("KUBERNETES_SERVICE_HOST"):
        source = _load_from_pod(configuration)
        if source:
            return source
    if "context" in given or os.path.exists(os.path.expanduser(_DEFAULT_KUBECONFIG)):
        return _load_kubeconfig(_DEFAULT_KUBECONFIG, "the default kubeconfig", given, configuration)
    if "host" in given:
        return _Source("the options")
    raise AuthError(
        f"no cluster is named: give kubeconfig, or host with api_key, or set KUBECONFIG (there is no {_DEFAULT_KUBECONFIG}, "
        "and this is no pod with a service account)"
    )


# With a host, each of these is enough to log in without a kubeconfig.
_COMPLETE = (("api_key",), ("username", "password"), ("client_cert", "client_key"))


def _load_from_pod(configuration: Any) -> _Source | None:
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
    return _Source("the pod's service account", namespace or "default")


def _load_kubeconfig(kubeconfig: Any, origin: str, given: Mapping[str, Any], configuration: Any) -> _Source:
    what = f"{origin}={kubeconfig}" if isinstance(kubeconfig, str) and "\n" not in kubeconfig else origin
    kube_config = client_module("config.kube_config")
    try:
        documents, merged, save = _read_kubeconfig(kubeconfig, what, kube_config)
        context_name = given.get("context") or next((str(d["current-context"]) for d in documents if d.get("current-context")), "")
        context = _entry(documents, "context", context_name, what)
        cluster = _entry(documents, "cluster", context.get("cluster"), what)
        user = _entry(documents, "user", context["user"], what) if context.get("user") else {}
        source = _Source(what, context.get("namespace") or "default", cluster, user)
        loader = kube_config.KubeConfigLoader(
            merged, active_context=context_name, config_base_path=None, config_persister=save if given.get("persist_config") else None
        )
        with _complaints_raised(source):
            loader.load_and_set(configuration)
    except (AuthError, ImportError):
        raise
    except Exception as error:  # the loader trips in its own way over each thing that can be wrong in a kubeconfig
        raise AuthError(f"{what} cannot be used: {_reason(error)}") from error
    return source


def _read_kubeconfig(kubeconfig: Any, what: str, kube_config: Any) -> tuple[list[dict[str, Any]], Any, Callable[[], None] | None]:
    """The documents in order of precedence, the same merged as the client wants it, and what saves a refreshed token."""
    if isinstance(kubeconfig, dict):
        document = copy.deepcopy(kubeconfig)  # the client writes refreshed tokens into it
        return [document], document, None
    if not isinstance(kubeconfig, str) or "\n" in kubeconfig:
        raise AuthError(f"{what} is neither a path nor a dictionary: where it is the text of a kubeconfig, pass it through from_yaml")
    paths = [os.path.expanduser(path) for path in kubeconfig.split(kube_config.ENV_KUBECONFIG_PATH_SEPARATOR) if path]
    if not any(os.path.exists(path) for path in paths):
        raise AuthError(f"{what}: there is no such file; give the path of a kubeconfig")
    merger = kube_config.KubeConfigMerger(kubeconfig)
    return list(merger.config_files.values()), merger.config, merger.save_changes


def _entry(documents: list[dict[str, Any]], kind: str, name: Any, what: str) -> Mapping[str, Any]:
    """The context, cluster or user of that name; the first one counts, as in kubectl."""
    entries = [entry for document in documents for entry in document.get(f"{kind}s") or []]
    for entry in entries:
        if entry["name"] == name:
            return entry.get(kind) or {}
    known = ", ".join(str(entry["name"]) for entry in entries) or "none"
    if not name:
        raise AuthError(f"{what} names no {'current-context' if kind == 'context' else kind}: set context to one of its contexts ({known})")
    remedy = f"set context to one of {known}" if kind == "context" else f"it has: {known}"
    raise AuthError(f"{what} has no {kind} {name!r}: {remedy}")


@contextmanager
def _complaints_raised(source: _Source) -> Iterator[None]:
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
        hint = plugin.get("installHint") or "run it by hand, on the machine that runs the module, to see why"
        message = f"the exec plugin {plugin.get('command')!r} of {source.what} failed: {complaints[0]}; {hint}"
        raise AuthError(" ".join(message.split()))


_ATTRIBUTES = {
    "host": "host",
    "ca_cert": "ssl_ca_cert",
    "validate_certs": "verify_ssl",
    "client_cert": "cert_file",
    "client_key": "key_file",
}


def _apply_options(given: Mapping[str, Any], configuration: Any) -> None:
    """Options win over what the kubeconfig or the pod says."""
    for option, attribute in _ATTRIBUTES.items():
        if option in given:
            setattr(configuration, attribute, given[option])
    authorization = ""
    if "api_key" in given:
        authorization = f"Bearer {given['api_key']}"
    elif "username" in given and "password" in given:
        authorization = "Basic " + base64.b64encode(f"{given['username']}:{given['password']}".encode()).decode()
    if authorization:
        configuration.api_key = {"authorization": authorization}
        configuration.refresh_api_key_hook = None


def _header_maker(given: Mapping[str, Any], configuration: Any, source: _Source) -> Callable[[], list[tuple[str, str]]]:
    """What makes the headers of a request: the token is asked for each time, since the client renews one that is about to expire."""
    user = given.get("impersonate_user") or source.user.get("as")
    groups = given.get("impersonate_groups") or source.user.get("as-groups") or []
    if groups and not user:
        raise AuthError("impersonate_groups needs impersonate_user: set both, or neither")
    fixed = [("Accept", "application/json"), ("User-Agent", USER_AGENT)]
    fixed += [("Impersonate-User", _header_value(user))] if user else []
    fixed += [("Impersonate-Group", _header_value(group)) for group in groups]

    def headers() -> list[tuple[str, str]]:
        authorization = _authorization(configuration, source)
        return fixed + ([("Authorization", authorization)] if authorization else [])

    headers()
    return headers


def _authorization(configuration: Any, source: _Source) -> str:
    if configuration.refresh_api_key_hook:
        try:
            with _complaints_raised(source):
                configuration.refresh_api_key_hook(configuration)
        except AuthError:
            raise
        except Exception as error:  # whatever a refresh may do: files, an exec plugin, an identity provider
            raise AuthError(f"the token of {source.what} cannot be renewed: {_reason(error)}") from error
    # Two names for one thing: the first in the 37.x client, the second before it.
    return _header_value(configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization") or "")


def _header_value(text: Any) -> str:
    value = str(text).strip()
    if not value.isprintable():
        raise AuthError(
            "a token, user or group holds a line break or another character that no HTTP header may carry: see where it is from"
        )
    return value.encode().decode("latin-1")  # http.client writes headers as latin-1; the API server reads UTF-8


def _check_host(host: str, source: _Source) -> None:
    try:
        parts = urlsplit(host)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise AuthError(
            f"the server {host!r}, from {source.what}, is no URL such as https://kubernetes.example:6443: correct it or set host"
        )


def _set_proxy(given: Mapping[str, Any], configuration: Any, source: _Source) -> str:
    """The proxy in use, "" for none: the option, the kubeconfig's, or as kubectl takes it from the environment."""
    proxy = given.get("proxy") or source.cluster.get("proxy-url") or ""
    no_proxy = given.get("no_proxy") or ""
    host = urlsplit(configuration.host)
    if not proxy and not _is_loopback(host.hostname or ""):
        environment = getproxies_environment()
        proxy = environment.get(host.scheme, "")
        no_proxy = no_proxy or environment.get("no", "")
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    headers = dict(given.get("proxy_headers") or {})
    parts = urlsplit(proxy)
    if parts.username is not None:
        headers = {"proxy_basic_auth": f"{unquote(parts.username)}:{unquote(parts.password or '')}", **_filled(headers)}
        proxy = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    configuration.proxy = proxy or None
    configuration.no_proxy = no_proxy
    if _filled(headers):
        from urllib3.util import make_headers

        configuration.proxy_headers = make_headers(**_filled(headers))
    return proxy


def _filled(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in _EMPTY}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_certificates(configuration: Any, source: _Source) -> None:
    """Fails now and by name, where a connection would fail later, and would ask the terminal for the password of a locked key."""
    if not configuration.host.startswith("https:"):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca, cert, key = configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file
    if ca and configuration.verify_ssl:
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            raise AuthError(f"the CA certificate {ca} (ca_cert, or from {source.what}) cannot be used: {_reason(error)}") from error
    if key and not cert:
        raise AuthError(f"client_key {key} comes without a client_cert: give both")
    if cert:
        try:
            context.load_cert_chain(cert, key, password="")
        except OSError as error:
            pair = f"{cert} with the key {key}" if key else f"{cert} without a client_key"
            raise AuthError(
                f"the client certificate {pair} (client_cert and client_key, or from {source.what}) cannot be used: {_reason(error)}; "
                "both must be PEM, belong together, and the key must have no password"
            ) from error


def _pool(configuration: Any, tls_name: str, proxy: str) -> Any:
    import urllib3

    # Set where the pool is made: not every line of the client hands it on.
    configuration.tls_server_name = None
    try:
        pool = client_module("client.rest").RESTClientObject(configuration).pool_manager
    except Exception as error:  # an odd proxy; SOCKS, which only some lines know, and only with PySocks
        raise AuthError(f"the proxy {proxy} cannot be used: {_reason(error)}; check proxy") from error
    if tls_name:
        pool.connection_pool_kw["server_hostname"] = tls_name
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return pool


def _missing_client(error: ImportError) -> str:
    from ansible.module_utils.basic import missing_required_lib

    return " ".join(f"{missing_required_lib('kubernetes')} ({error})".split())


def _reason(error: Exception) -> str:
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
