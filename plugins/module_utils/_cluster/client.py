"""Reads and writes single objects as raw JSON: retries what is safe to retry, guards every write."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import builtins
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from .._objects.patches import with_resource_version
from .._objects.refusal import Refused
from .._objects.resources import Ref, Resource
from .clock import Clock
from .errors import ApiError, NotFound, api_error
from .transport import Response, StreamRefused, Transport, TransportError

Object = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
# Answers that mean "not now": 429 by fairness and eviction, the others by an API server that is starting, overloaded or going.
_PASSING = (429, 500, 502, 503, 504)
_LONGEST_WAIT = 5.0
_PAGE, _MOST = 500, 50_000  # objects of one answer, and of one list
_GONE = 410
# A server that was away is asked again by those who watch it after pauses that double up to half a minute, or twice that by chance; each
# of them, and each kind of object, by its own. One that was just late, or cut a connection, loses nobody.
_LATE, _COMES_BACK, _PER_SECOND, _AT_LATEST = 1.0, 10.0, 2.0, 60.0


class Client:
    """The API of one cluster.

    Every write is guarded by what the object was when it was read, so repeating one that got no answer cannot do harm:
    where the first was carried out, the second is refused with Conflict and the caller reads again.
    patience: seconds for which answers that mean "not now" are waited out.
    """

    def __init__(self, transport: Transport, clock: Clock, patience: float = 30.0) -> None:
        self._transport = transport
        self._clock = clock
        self._patience = patience
        self._reached = False
        self._away, self._others_are_back = 0.0, 0.0

    def others_lag(self) -> float:
        """For how many seconds others that watch the server may still not know what happened while it was away."""
        return max(0.0, self._others_are_back - self._clock.monotonic())

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context."""
        return self._transport.namespace

    def get(self, ref: Ref) -> Object:
        """The object; raises NotFound."""
        return dict(self._ask("GET", ref, ref.path))

    def find(self, ref: Ref) -> Object | None:
        """The object, or None."""
        try:
            return self.get(ref)
        except NotFound:
            return None

    def list(self, resource: Resource, namespace: str, labels: str = "", fields: str = "") -> tuple[builtins.list[Object], str]:
        """The objects that the selectors take, and the resourceVersion from which a watch goes on.

        The objects are asked for in pages of 500. Where the API server no longer has the state that the first page showed (410), they are
        asked for once more, without pages.

        Raises:
            Refused: there are more than 50,000 objects.
        """
        ref, selectors = Ref(resource, namespace, ""), _selectors(labels, fields)
        try:
            items, version = self._pages(ref, selectors, {"limit": str(_PAGE)})
        except ApiError as expired:
            if expired.status != _GONE:
                raise
            items, version = self._pages(ref, selectors, {})
        return [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in items], version

    def _pages(self, ref: Ref, selectors: Mapping[str, str], limit: Mapping[str, str]) -> tuple[builtins.list[Object], str]:
        items: builtins.list[Object] = []
        goes_on: dict[str, str] = {}
        while True:
            answer = self._ask("GET", ref, ref.path, {**selectors, **limit, **goes_on}, listing=True)
            items += answer.get("items") or []
            if len(items) > _MOST:
                remedy = "remove unused ones, or give the application a namespace of its own"
                raise Refused(f"namespace {ref.namespace}", f"has more than {_MOST} {ref.resource.plural} to list", remedy)
            metadata = answer.get("metadata") or {}
            goes_on = {"continue": str(metadata.get("continue") or "")}
            if not goes_on["continue"]:
                return items, str(metadata.get("resourceVersion", ""))

    def create(self, ref: Ref, obj: Object, dry_run: bool = False) -> Object:
        """Makes the object; raises Conflict where one of that name is there. dry_run: as with patch, unknown fields being errors too."""
        query = {"fieldValidation": "Strict", "dryRun": "All"} if dry_run else None
        return dict(self._ask("POST", ref, ref.resource.path(ref.namespace), query, obj))

    def patch(self, ref: Ref, patch: Object, seen: Object, dry_run: bool = False) -> Object:
        """Merges the patch into the object if it is still as it was seen; raises Conflict else.

        A field that the server's definition of the kind does not have (older CRDs) is an error: it would be dropped without a word.
        dry_run: nothing is kept; the answer is what it would be, defaults and admission included. It raises no Conflict: an object that
            others write all the time is tried as it is.
        """
        strict = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return dict(self._ask("PATCH", ref, ref.path, strict, patch if dry_run else with_resource_version(patch, seen), MERGE_PATCH))

    def delete(self, ref: Ref, seen: Object) -> None:
        """Deletes just the object that was seen (in the background: owned objects follow). One that is gone is fine."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": seen["metadata"]["uid"]}}
        try:
            self._ask("DELETE", ref, ref.path, body=options)
        except NotFound:
            pass

    def review(self, resource: Resource, body: Object) -> Object:
        """Posts one of the review objects, which the API server answers and does not keep."""
        ref = Ref(resource, "", "")
        return dict(self._ask("POST", ref, f"/apis/{resource.group}/{resource.version}/{resource.plural}", body=body))

    def watch(
        self, resource: Resource, namespace: str, since: str, timeout: float, labels: str = "", fields: str = ""
    ) -> Iterator[Mapping[str, Any]]:
        """Events of a watch; it ends when the time is over, or when the server will not go on (then list again)."""
        query = {**_selectors(labels, fields), "watch": "1", "resourceVersion": since, "timeoutSeconds": str(max(1, int(timeout)))}
        try:
            for event in self._transport.stream(resource.path(namespace), query, timeout):
                if event.get("type") == "ERROR":
                    return
                yield event
        except StreamRefused as refused:
            response: Response = refused.response
            if response.status not in (*_PASSING, _GONE):
                raise api_error("GET", Ref(resource, namespace, ""), response.status, response.body, listing=True) from None
        except TransportError as problem:
            if not problem.retriable:
                raise

    def _ask(
        self,
        method: str,
        ref: Ref,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        listing: bool = False,
    ) -> Mapping[str, Any]:
        began = self._clock.monotonic()
        give_up = began + self._patience
        pause, away = 0.2, False
        while True:
            late = self._clock.monotonic() >= give_up
            response = self._try(method, path, query, body, content_type, late)
            if response is not None:
                self._reached = True
                if late or not self._passes(response.status, away):
                    break
            away = away or response is None or response.status not in (429, 500)
            self._clock.sleep(min(max(pause, _retry_after(response)), _LONGEST_WAIT))
            pause = min(pause * 2, 2.0)
        if away:
            self._was_away(self._clock.monotonic() - began)
        if response.status >= 400:
            raise api_error(method, ref, response.status, response.body, listing)
        return response.body if isinstance(response.body, Mapping) else {}

    def _passes(self, status: int, away: bool) -> bool:
        """Whether an answer means "not now". A server that has just started knows nobody's rights for a moment."""
        return status in _PASSING or (status == 403 and (away or self.others_lag() > 0))

    def _was_away(self, seconds: float) -> None:
        if seconds > _LATE:
            self._away += seconds
            self._others_are_back = self._clock.monotonic() + min(_COMES_BACK + _PER_SECOND * self._away, _AT_LATEST)

    def _try(self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str, last: bool) -> Response | None:
        """One attempt; None where no answer came and another attempt makes sense."""
        try:
            return self._transport.request(method, path, query, body, content_type)
        except TransportError as problem:
            # A server that never answered is more likely the wrong one than one that is away for a moment.
            if last or not problem.retriable or not self._reached:
                raise
            return None


def unique_name(prefix: str) -> str:
    """A name that nothing else has."""
    return f"{prefix}.{uuid.uuid4().hex[:12]}"


def _selectors(labels: str, fields: str) -> dict[str, str]:
    given = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in given.items() if value}


def _retry_after(response: Response | None) -> float:
    try:
        return float(response.headers.get("retry-after", "0")) if response is not None else 0.0
    except ValueError:
        return 0.0
