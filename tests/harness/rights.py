"""What requests ask of RBAC, and whether the rules of a Role allow them, as the API server's authorizer decides it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, StreamRefused, Transport

_PATH = re.compile(r"^/(?:api|apis/([^/]+))/[^/]+/namespaces/[^/]+/([^/]+)(?:/([^/]+))?$")
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
_NAME = re.compile(r"(?:^|,)metadata\.name==?([^,]+)")


def rights_of(rules: Sequence[Mapping[str, Any]] | None) -> set[Right]:
    """One by one."""
    return {
        Right(group, plural, verb, name)
        for rule in rules or ()
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


def rules_of(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """One rule for each."""
    return [
        {
            "apiGroups": [each.group],
            "resources": [each.plural],
            "verbs": [each.verb],
            **({"resourceNames": [each.name]} if each.name else {}),
        }
        for each in sorted(rights)
    ]


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource; name: empty where the request names no object."""

    group: str
    plural: str
    verb: str
    name: str = ""

    def granted_by(self, rules: Sequence[Mapping[str, Any]]) -> bool:
        return any(
            {self.group, "*"} & {*rule["apiGroups"]}
            and {self.plural, "*"} & {*rule["resources"]}
            and {self.verb, "*"} & {*rule["verbs"]}
            and (not rule.get("resourceNames") or self.name in rule["resourceNames"])
            for rule in rules
        )


def asked_by(method: str, path: str, query: Mapping[str, str] | None, watch: bool = False) -> Right | None:
    """The right that a request needs; None for one that is not about objects of a namespace.

    A list or a watch of one object, by a field selector, names it. Source: k8s.io/apiserver, RequestInfoFactory.NewRequestInfo.
    """
    found = _PATH.match(path)
    if found is None:
        return None
    group, plural, name = found[1] or "", found[2], found[3] or ""
    if method != "GET":
        return Right(group, plural, _VERBS[method], name)
    if name:
        return Right(group, plural, "get", name)
    chosen = _NAME.search((query or {}).get("fieldSelector", ""))
    return Right(group, plural, "watch" if watch else "list", chosen[1] if chosen else "")


class Bound:
    """Sends on what the rules allow, and answers the rest with 403. used: what was asked for; refused: what was not allowed.

    rules: None allows everything.
    """

    def __init__(self, server: Transport, rules: Sequence[Mapping[str, Any]] | None) -> None:
        self.server, self.rules, self.namespace = server, rules, server.namespace
        self.used: set[Right] = set()
        self.refused: set[Right] = set()

    def request(self, method: str, path: str, query: Any = None, *more: Any) -> Response:
        if path.endswith("/selfsubjectrulesreviews") and self.rules is not None:
            return Response(201, {}, {"status": {"resourceRules": self.rules, "nonResourceRules": [], "incomplete": False}})
        no = self._no(asked_by(method, path, query))
        return no or self.server.request(method, path, query, *more)

    def stream(self, path: str, query: Any, timeout: float) -> Iterator[dict[str, Any]]:
        no = self._no(asked_by("GET", path, query, watch=True))
        if no:
            raise StreamRefused(no)
        return self.server.stream(path, query, timeout)

    def _no(self, right: Right | None) -> Response | None:
        if right is None:
            return None
        self.used.add(right)
        if self.rules is None or right.granted_by(self.rules):
            return None
        self.refused.add(right)
        text = f"{right.plural}.{right.group} {right.name!r} is forbidden: cannot {right.verb}"
        return Response(403, {"content-type": "application/json"}, {"kind": "Status", "status": "Failure", "code": 403, "message": text})
