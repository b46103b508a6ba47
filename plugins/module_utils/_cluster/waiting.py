"""Waits until a set of objects is as it should be: list, then watch, then list again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._objects.resources import Resource
from .client import Client
from .clock import Clock

Object = dict[str, Any]

# How long one watch lasts before its objects are listed anew: a bound on what a lost event can cost.
_WINDOW = 5.0


class TimeIsUp(Exception):
    """The wait has lasted too long. missing: what was still missing then."""

    def __init__(self, missing: str) -> None:
        self.missing = missing
        super().__init__(missing)


def wait_until(
    client: Client,
    clock: Clock,
    resource: Resource,
    namespace: str,
    missing: Callable[[list[Object]], str | None],
    deadline: float,
    renew: Callable[[], None],
    labels: str = "",
    fields: str = "",
    seen: Object | None = None,
) -> list[Object]:
    """The objects, as soon as `missing` says None of them.

    missing: what is missing still, in words; None when nothing is. It may raise to end the wait.
    deadline: monotonic seconds after which TimeIsUp is raised. renew: called at least once in a few seconds.
    seen: the only object that the selectors take, just read: the first watch begins with it instead of a list.
    """
    while True:
        if seen is not None:
            items, version, seen = [seen], str(seen["metadata"]["resourceVersion"]), None
        else:
            items, version = client.list(resource, namespace, labels, fields)
        known = {item["metadata"]["uid"]: item for item in items}
        lacking = missing(list(known.values()))
        if lacking is None:
            return list(known.values())
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimeIsUp(lacking)
        renew()
        began = clock.monotonic()
        for event in client.watch(resource, namespace, version, min(left, _WINDOW), labels, fields):
            _take(known, event)
            if missing(list(known.values())) is None:
                return list(known.values())
            if clock.monotonic() - began >= _WINDOW:
                break
        # A watch that the server refuses at once must not make this a busy loop.
        if clock.monotonic() - began < 0.1:
            clock.sleep(0.1)


def _take(known: dict[str, Object], event: Any) -> None:
    item = event.get("object") or {}
    uid = str((item.get("metadata") or {}).get("uid"))
    if event.get("type") in ("ADDED", "MODIFIED"):
        known[uid] = item
    elif event.get("type") == "DELETED":
        known.pop(uid, None)
