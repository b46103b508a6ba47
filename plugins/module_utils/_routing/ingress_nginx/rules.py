"""Where the rules of an Ingress lead, and the same rules leading elsewhere."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Object = dict[str, Any]


def backends_of(ingress: Mapping[str, Any]) -> list[Object]:
    """All backends: the default one, then those of the paths."""
    spec = ingress.get("spec") or {}
    default = [spec["defaultBackend"]] if spec.get("defaultBackend") else []
    return default + [path.get("backend") or {} for rule in spec.get("rules") or [] for path in _paths(rule)]


def services_of(ingress: Mapping[str, Any]) -> set[str]:
    """The names of all Services to which it leads."""
    return {name for name in map(_service, backends_of(ingress)) if name is not None}


def other_services(ingress: Mapping[str, Any], service: str) -> list[str]:
    """The names of the other Services, and `a resource` for backends that are none."""
    found = {_service(backend) or "a resource" for backend in backends_of(ingress)}
    return sorted(found - {service})


def ports_of(ingress: Mapping[str, Any], service: str) -> list[Object]:
    """The ports at which it leads to the Service, each once."""
    found: list[Object] = []
    for backend in backends_of(ingress):
        port = (backend.get("service") or {}).get("port") or {}
        if _service(backend) == service and port not in found:
            found.append(port)
    return found


def hosts_of(rules: list[Object]) -> list[str]:
    """The hosts that the rules name."""
    return [str(rule["host"]) for rule in rules if rule.get("host")]


def rules_to(ingress: Mapping[str, Any], service: str, canary: str) -> list[Object]:
    """The rules with the paths that lead to the Service, leading to the canary's: same host, path, path type and port.

    A rule without such a path is left out: the controller could not read one without any path.
    """
    found = []
    for rule in (ingress.get("spec") or {}).get("rules") or []:
        leading_there = [path for path in _paths(rule) if _service(path.get("backend")) == service]
        paths = [{**path, "backend": _leading_to(path["backend"], canary)} for path in leading_there]
        if paths:
            found.append({**rule, "http": {**rule["http"], "paths": paths}})
    return found


def default_to(ingress: Mapping[str, Any], service: str, canary: str) -> Object | None:
    """The default backend, leading to the canary's Service; None where it does not lead to this one."""
    default = (ingress.get("spec") or {}).get("defaultBackend")
    return _leading_to(default, canary) if default and _service(default) == service else None


def paths_of(ingress: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], tuple[str, str] | None]]:
    """Host (empty for none), path and path type as the controller takes them, and the Service and port to which they lead, if to any."""
    for rule in (ingress.get("spec") or {}).get("rules") or []:
        for path in _paths(rule):
            kind = path.get("pathType")
            place = rule.get("host") or "", path.get("path") or "/", kind if kind == "Exact" else "Prefix"
            yield place, _service_and_port(path.get("backend"))


def default_of(ingress: Mapping[str, Any]) -> tuple[str, str] | None:
    """The Service and port of the default backend, None where that is no Service, or not there."""
    return _service_and_port((ingress.get("spec") or {}).get("defaultBackend"))


def _service_and_port(backend: Mapping[str, Any] | None) -> tuple[str, str] | None:
    name, port = _service(backend), ((backend or {}).get("service") or {}).get("port") or {}
    return (name, str(port.get("number") or port.get("name"))) if name else None


def _leading_to(backend: Mapping[str, Any], canary: str) -> Object:
    return {**backend, "service": {**backend["service"], "name": canary}}


def _service(backend: Mapping[str, Any] | None) -> str | None:
    return ((backend or {}).get("service") or {}).get("name")


def _paths(rule: Mapping[str, Any]) -> list[Object]:
    return (rule.get("http") or {}).get("paths") or []
