"""Counts requests to the API server by its audit log: what users asked for since a mark, the cluster's own components left out."""

from __future__ import annotations

import collections
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

QUIET = 0.15  # seconds without a new line, after which the requests that were answered are all in the log
LONGEST = 5.0


class Entry(NamedTuple):
    """One request."""

    user: str
    verb: str
    resource: str  # `virtualservices`, `deployments/scale`; empty for paths such as /api (discovery)
    namespace: str
    name: str
    code: int
    path: str
    agent: str
    body: Any  # of a write


class AuditLog:
    """The log of the cluster that this process runs in, or of another."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path or os.environ["CLUSTER_AUDIT_LOG"])

    def mark(self) -> int:
        """A place in the log: what was answered until now lies before it."""
        size, since = -1, time.monotonic()
        deadline = since + LONGEST
        while time.monotonic() < deadline:
            now = self.path.stat().st_size
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > QUIET:
                break
            time.sleep(0.02)
        return size

    def since(self, mark: int, user: str | None = None) -> list[Entry]:
        """The requests of users (of one of them) since the mark, in the order in which they were answered."""
        entries = _entries(self.path, mark, self.mark())
        return [entry for entry in entries if entry.user == user or (user is None and not entry.user.startswith("system:"))]


def count(entries: list[Entry]) -> collections.Counter[tuple[str, str]]:
    """How many there are of each verb and resource."""
    return collections.Counter((entry.verb, entry.resource) for entry in entries)


def _entries(path: Path, start: int, end: int) -> Iterator[Entry]:
    with path.open("rb") as log:
        log.seek(start)
        lines = log.read(end - start).splitlines()
    seen = set()
    for line in lines:
        event = json.loads(line)
        if event["auditID"] not in seen:  # a watch is logged at its start and at its end
            seen.add(event["auditID"])
            yield _entry(event)


def _entry(event: dict[str, Any]) -> Entry:
    target = event.get("objectRef", {})
    resource = "/".join(part for part in (target.get("resource"), target.get("subresource")) if part)
    return Entry(
        user=event.get("impersonatedUser", event["user"])["username"],
        verb=event["verb"],
        resource=resource,
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        path=event["requestURI"],
        agent=event.get("userAgent", ""),
        body=event.get("requestObject"),
    )
