"""An API server in memory: answers requests and watches as a real one does, as far as the collection can tell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, StreamRefused, Transport

from . import defaults, managed
from .admission import Denied
from .clock import FakeTime
from .kinds import BY_PLACE, POD, SERVICE, Kind, Object
from .selectors import Matches, selecting
from .store import Change, Store

NAMESPACE = "test"
MERGE_PATCH = "application/merge-patch+json"

_PATH = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?$"
)
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
_REQUEST_TAKES = 0.002  # seconds
_EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, status: int, reason: str, message: str, name: str = "", of: Kind | None = None, kind: str = "") -> None:
        super().__init__(message)
        details = {"name": name, "group": of.group if of else "", "kind": kind or (of.plural if of else "")}
        details = {key: value for key, value in details.items() if value}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        self.answer = Response(
            status, {"content-type": "application/json"}, {**head, "message": message, "reason": reason, "details": details, "code": status}
        )


class MemoryServer(Transport):
    """Has one namespace, in which everything is allowed.

    delete: what becomes of an object that shall go (pods end by and by). compacted: watches from versions before it are refused.
    """

    def __init__(self, time: FakeTime) -> None:  # pylint: disable=super-init-not-called
        self.time, self.store = time, Store(time)
        self.delete: dict[Kind, Callable[[Object], None]] = {}
        self.compacted = 0
        self._rest: dict[str, tuple[int, list[Object]]] = {}  # by continue token: the version of the first page, and what is left

    @property
    def host(self) -> str:
        return "memory"

    @property
    def namespace(self) -> str:
        return NAMESPACE

    def close(self) -> None:
        """There is no connection."""

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float = 30.0,  # noqa: ARG002 nothing here takes long
    ) -> Response:
        self.time.sleep(_REQUEST_TAKES)
        try:
            status, answer = self._answer(method, path, dict(query or {}), json.loads(json.dumps(body)), content_type)
        except Refused as refused:
            return refused.answer
        return Response(status, {"content-type": "application/json"}, json.loads(json.dumps(answer)))

    def _answer(self, method: str, path: str, query: dict[str, str], body: Any, content_type: str) -> tuple[int, Object]:
        if (method, path) == ("POST", _REVIEW):
            return 201, {**body, "status": {"resourceRules": [_EVERYTHING], "nonResourceRules": [], "incomplete": False}}
        kind, version, namespace, name = _place(path)
        if method == "GET" and not name:
            return 200, self._list(kind, version, namespace, query)
        if method == "POST":
            return 201, _shown(kind, version, self._create(kind, version, namespace, body, bool(query.get("dryRun"))))
        live = self.store.find(kind, namespace, name)
        if live is None:
            raise _not_found(kind, name)
        if method == "PATCH":
            if content_type != MERGE_PATCH:
                raise Refused(
                    415, "UnsupportedMediaType", f"the body of the request was in an unknown format - accepted media types: {MERGE_PATCH}"
                )
            after = self._patched(kind, live, body)
            return 200, _shown(kind, version, after if query.get("dryRun") else self.store.change(kind, live, after))
        if method == "DELETE":
            return 200, self._delete(kind, version, live, body or {})
        return 200, _shown(kind, version, live)

    # Reading

    def _list(self, kind: Kind, version: str, namespace: str, query: dict[str, str]) -> Object:
        takes = _selector(query)
        token = query.get("continue", "")
        version_of_list, items = (
            self._continued(token) if token else (self.store.version, [*filter(takes, self.store.all(kind, namespace))])
        )
        page = int(query.get("limit") or 0) or len(items)
        items, rest = items[:page], items[page:]
        count = {"remainingItemCount": len(rest)} if not (query.get("labelSelector") or query.get("fieldSelector")) else {}
        paging = {"continue": self._token(version_of_list, rest), **count} if rest else {}
        own = ("kind", "apiVersion")
        plain = [{key: value for key, value in each.items() if key not in own} for each in items]
        shown = [_shown(kind, version, each) for each in items] if kind.custom else plain
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version(version),
            "metadata": {"resourceVersion": str(version_of_list), **paging},
            "items": shown,
        }

    def _token(self, version: int, rest: list[Object]) -> str:
        token = f"{version}-{len(self._rest)}"
        self._rest[token] = (version, rest)
        return token

    def _continued(self, token: str) -> tuple[int, list[Object]]:
        """What is left of a list, all pages of which show the state of the first."""
        version, rest = self._rest[token]
        if version < self.compacted:
            text = "The provided continue parameter is too old to display a consistent list result."
            raise Refused(410, "Expired", text)
        return version, rest

    def stream(self, path: str, query: Mapping[str, str] | None, timeout: float) -> Iterator[dict[str, Any]]:
        query = query or {}
        self.time.sleep(_REQUEST_TAKES)
        try:
            kind, version, namespace, _name = _place(path)
            takes = _selector(query)
        except Refused as refused:
            raise StreamRefused(refused.answer) from None
        ends = self.time.now() + min(timeout, float(query.get("timeoutSeconds", timeout)))
        since = int(query.get("resourceVersion") or 0)
        if since < self.compacted:
            yield {"type": "ERROR", "object": Refused(410, "Expired", f"too old resource version: {since} ({self.compacted})").answer.body}
            return
        seen = next((index for index in range(len(self.store.log), 0, -1) if self.store.log[index - 1].version <= since), 0)
        while True:
            while seen < len(self.store.log):
                change, seen = self.store.log[seen], seen + 1
                event = _event(change, takes) if (change.kind, change.key[0]) == (kind, namespace) else None
                if event is not None:
                    yield {"type": event, "object": json.loads(json.dumps(_shown(kind, version, change.after)))}
            if self.time.now() >= ends:
                return
            self.time.go_to(min(self.time.next_thing(), ends))

    # Writing

    def _create(self, kind: Kind, version: str, namespace: str, body: Object, dry_run: bool) -> Object:
        metadata = body.get("metadata") or {}
        if namespace != NAMESPACE:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found', name=namespace, kind="namespaces")
        if (body.get("apiVersion"), body.get("kind")) != (kind.api_version(version), kind.kind):
            raise Refused(400, "BadRequest", f"the object provided is not a {kind.kind} of {kind.api_version(version)}")
        name = metadata.get("name") or f"{metadata.get('generateName', '')}{next(self.store.numbers):05d}"
        if self.store.find(kind, namespace, name) is not None:
            raise Refused(409, "AlreadyExists", f'{kind.name} "{name}" already exists', name, kind)
        obj = {**body, "metadata": {**metadata, "name": name, "namespace": namespace}}
        if kind.status:
            obj.pop("status", None)
        obj = self._admitted(kind, None, obj)
        if dry_run:
            return obj
        return self.store.add(kind, {**obj, "status": {"loadBalancer": {}}} if kind is SERVICE else obj)

    def _patched(self, kind: Kind, live: Object, patch: Object) -> Object:
        metadata, name = patch.get("metadata") or {}, live["metadata"]["name"]
        for key, reason in (
            ("resourceVersion", "the object has been modified; please apply your changes to the latest version and try again"),
            ("uid", "Precondition failed: UID in precondition differs from UID in object meta"),
        ):
            if metadata.get(key, live["metadata"][key]) != live["metadata"][key]:
                text = f'Operation cannot be fulfilled on {kind.name} "{name}": {reason}'
                raise Refused(409, "Conflict", text, name, kind)
        after = merged(live, patch)
        if kind.status:
            after = {**after, "status": live["status"]} if "status" in live else {key: after[key] for key in after if key != "status"}
        return self._admitted(kind, live, managed.updated(live, after, patch))

    def _admitted(self, kind: Kind, before: Object | None, obj: Object) -> Object:
        address = f"198.19.0.{next(self.store.numbers) if before is None and kind is SERVICE else 0}"
        try:
            # Webhooks see the defaults, and what they leave out gets them, too.
            obj = defaults.completed(kind, self.store.admitted(kind, before, defaults.completed(kind, obj, address)), address)
        except Denied as denied:
            raise Refused(400, "BadRequest", f'admission webhook "webhook.example.org" denied the request: {denied}') from None
        obj = {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if value not in ({}, None)}}
        problem = defaults.trouble(kind, before, obj)
        if problem is not None:
            name, group = obj["metadata"]["name"], f".{kind.group}" if kind.group else ""
            raise Refused(422, "Invalid", f'{kind.kind}{group} "{name}" is invalid: {problem[0]}: {problem[1]}', name, kind, kind.kind)
        return obj

    def _delete(self, kind: Kind, version: str, live: Object, options: Object) -> Object:
        name, uid = live["metadata"]["name"], live["metadata"]["uid"]
        asked = options.get("preconditions") or {}
        for key, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            there = live["metadata"][key]
            if asked.get(key, there) != there:
                what = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
                text = (
                    f'Operation cannot be fulfilled on {what} "{name}": the {word} in the precondition ({asked[key]}) does not match the '
                    f"{word} in record ({there}). The object might have been deleted and then recreated"
                )
                raise Refused(409, "Conflict", text, name, kind, kind.kind)
        self.delete.get(kind, lambda obj: self.store.remove(kind, obj))(live)
        if kind in (POD, SERVICE):
            return _shown(kind, version, live)
        details = {"name": name, "kind": kind.plural, "uid": uid, **({"group": kind.group} if kind.group else {})}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _place(path: str) -> tuple[Kind, str, str, str]:
    found = _PATH.match(path)
    kind = BY_PLACE.get((found["group"] or "", found["version"], found["plural"])) if found else None
    if found is None or kind is None:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return kind, found["version"], found["namespace"], found["name"] or ""


def _not_found(kind: Kind, name: str) -> Refused:
    return Refused(404, "NotFound", f'{kind.name} "{name}" not found', name, kind)


def _selector(query: Mapping[str, str]) -> Matches:
    try:
        return selecting(query.get("labelSelector", ""), query.get("fieldSelector", ""))
    except ValueError as problem:
        raise Refused(400, "BadRequest", str(problem)) from None


def _shown(kind: Kind, version: str, obj: Object) -> Object:
    return {**obj, "kind": kind.kind, "apiVersion": kind.api_version(version)}


def _event(change: Change, takes: Matches) -> str | None:
    """As what a watch with a selector tells of a change; None: nothing."""
    before = change.before is not None and takes(change.before)
    after = change.type != "DELETED" and takes(change.after)
    return {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((before, after))


def merged(target: Any, patch: Any) -> Any:
    """The target after a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
