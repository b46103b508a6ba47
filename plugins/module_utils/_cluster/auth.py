"""From the auth options to a Transport: host, headers, proxy and TLS, with the credentials that were found."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import ipaddress
import itertools
import ssl
from collections.abc import Mapping
from typing import Any, Callable
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from .credentials import AuthError, Source, complaints_raised, load, reason_of
from .official_client import client_module
from .transport import Login, Transport

__all__ = ["ANY_CERTIFICATE", "PLAIN_HTTP", "USER_AGENT", "AuthError", "connect"]

USER_AGENT = "progressive.delivery/0.1.0"

# Constant texts, so that Ansible shows each once in a run, however many tasks there are.
PLAIN_HTTP = (
    "the API server is reached by plain HTTP, so that everybody on the way can read the credentials and change the answers: "
    "set host, or the server in the kubeconfig, to an https URL"
)
ANY_CERTIFICATE = (
    "the certificate of the API server is not checked, so that everybody on the way can act as the API server: "
    "set ca_cert, and leave out validate_certs: false (insecure-skip-tls-verify in the kubeconfig)"
)

_EMPTY: tuple[Any, ...] = (None, "", [], {})
# The client's names for options that it takes as they are.
_ATTRIBUTES = {
    "host": "host",
    "ca_cert": "ssl_ca_cert",
    "validate_certs": "verify_ssl",
    "client_cert": "cert_file",
    "client_key": "key_file",
}


def connect(auth: Mapping[str, Any]) -> Transport:
    """A way to the cluster that the auth options name. Raises AuthError; sends no request."""
    given = _filled(auth)
    anew = itertools.chain([False], itertools.repeat(True))
    return Transport(lambda: _log_in(given, next(anew)))


def _log_in(given: Mapping[str, Any], anew: bool) -> Login:
    try:
        # Its own one: the client's process-wide default stays as it is.
        configuration = client_module("client.configuration").Configuration()
        configuration.host = ""
        source = load(given, configuration, anew)
        _apply_options(given, configuration)
        _check_host(configuration.host, source)
        proxy = _set_proxy(given, configuration, source)
        _check_certificates(configuration, source)
        # As in kubectl, the name belongs to the server in the kubeconfig, not to another host.
        pool = _pool(configuration, "" if "host" in given else source.cluster.get("tls-server-name") or "", proxy)
    except ImportError as error:
        raise AuthError("the Kubernetes client", f"cannot be imported ({_missing_client(error)})", "install it with pip") from error
    return Login(
        host=configuration.host.rstrip("/"),
        namespace=source.namespace,
        proxy=proxy if pool.proxy else "",
        pool=pool,
        headers=_header_maker(given, configuration, source),
        warnings=_warnings(configuration),
    )


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


def _header_maker(given: Mapping[str, Any], configuration: Any, source: Source) -> Callable[[], list[tuple[str, str]]]:
    """What makes the headers of a request: the token is asked for each time, since the client renews one that is about to expire."""
    user = given.get("impersonate_user") or source.user.get("as")
    groups = given.get("impersonate_groups") or source.user.get("as-groups") or []
    if groups and not user:
        raise AuthError("impersonate_groups", "needs impersonate_user", "set both, or neither")
    fixed = [("Accept", "application/json"), ("User-Agent", USER_AGENT)]
    fixed += [("Impersonate-User", _header_value(user))] if user else []
    fixed += [("Impersonate-Group", _header_value(group)) for group in groups]

    def headers() -> list[tuple[str, str]]:
        _renew_token(configuration, source)
        return fixed + _authorization(configuration)

    _authorization(configuration)  # a token that cannot be sent is better known now
    return headers


def _renew_token(configuration: Any, source: Source) -> None:
    if configuration.refresh_api_key_hook:
        try:
            with complaints_raised(source):
                configuration.refresh_api_key_hook(configuration)
        except AuthError:
            raise
        except Exception as error:  # whatever a refresh may do: files, an exec plugin, an identity provider
            problem = f"has a token that cannot be renewed ({reason_of(error)})"
            raise AuthError(source.what, problem, "renew the token, or log in again") from error


def _authorization(configuration: Any) -> list[tuple[str, str]]:
    # Two names for one thing: the first in the 37.x client, the second before it.
    value = _header_value(configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization") or "")
    return [("Authorization", value)] if value else []


def _header_value(text: Any) -> str:
    value = str(text).strip()
    if not value.isprintable():
        problem = "contains a line break or another character that no HTTP header can have"
        raise AuthError("a token, user or group", problem, "check where it comes from")
    return value.encode().decode("latin-1")  # http.client writes headers as latin-1; the API server reads UTF-8


def _check_host(host: str, source: Source) -> None:
    try:
        parts = urlsplit(host)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        problem = f"has the server {host!r}, which is not a URL"
        raise AuthError(source.what, problem, "write for example https://kubernetes.example:6443, or set host")


def _set_proxy(given: Mapping[str, Any], configuration: Any, source: Source) -> str:
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
    proxy, credentials = _without_credentials(proxy)
    configuration.proxy = proxy or None
    configuration.no_proxy = no_proxy
    headers = {**credentials, **_filled(given.get("proxy_headers") or {})}
    if headers:
        from urllib3.util import make_headers

        configuration.proxy_headers = make_headers(**headers)
    return proxy


def _without_credentials(proxy: str) -> tuple[str, dict[str, str]]:
    """The proxy's URL, and the credentials in it as urllib3 wants them."""
    try:
        parts = urlsplit(proxy)
    except ValueError as error:
        raise AuthError("proxy", f"must be a URL ({error})", "correct it") from error
    if parts.username is None:
        return proxy, {}
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), {"proxy_basic_auth": credentials}


def _filled(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in _EMPTY}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_certificates(configuration: Any, source: Source) -> None:
    """Fails now and by name, where a connection would fail later, and would ask the terminal for the password of a locked key."""
    if not configuration.host.startswith("https:"):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca, cert, key = configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file
    if ca and configuration.verify_ssl:
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            problem = f"(ca_cert, or from {source.what}) cannot be used ({reason_of(error)})"
            raise AuthError(f"CA certificate {ca}", problem, "name a file with certificates in PEM format") from error
    if key and not cert:
        raise AuthError("client_key", f"is {key}, but client_cert is missing", "set both")
    if cert:
        try:
            context.load_cert_chain(cert, key, password="")
        except OSError as error:
            pair = f"{cert} with the key {key}" if key else f"{cert} without a client_key"
            problem = f"(client_cert and client_key, or from {source.what}) cannot be used ({reason_of(error)})"
            remedy = "use a certificate and its key in PEM format, the key with no password"
            raise AuthError(f"client certificate {pair}", problem, remedy) from error


def _warnings(configuration: Any) -> list[str]:
    """What makes the connection unsafe. On this machine plain HTTP is safe: that is how `kubectl proxy` is reached."""
    host = urlsplit(configuration.host)
    if host.scheme == "http":
        return [] if _is_loopback(host.hostname or "") else [PLAIN_HTTP]
    return [] if configuration.verify_ssl else [ANY_CERTIFICATE]


def _pool(configuration: Any, tls_name: str, proxy: str) -> Any:
    import urllib3

    rest = client_module("client.rest")
    # Set where the pool is made: not every line of the client hands it on.
    configuration.tls_server_name = None
    try:
        pool = rest.RESTClientObject(configuration).pool_manager
    except Exception as error:  # an odd proxy; SOCKS, which only some lines know, and only with PySocks
        raise AuthError(f"proxy {proxy}", f"cannot be used ({reason_of(error)})", "correct proxy") from error
    if tls_name:
        pool.connection_pool_kw["server_hostname"] = tls_name
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return pool


def _missing_client(error: ImportError) -> str:
    from ansible.module_utils.basic import missing_required_lib

    return " ".join(f"{missing_required_lib('kubernetes')} ({error})".split())
