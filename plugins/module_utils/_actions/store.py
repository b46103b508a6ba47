"""Reads and writes the record of a rollout."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._cluster.client import Client
from .._cluster.errors import Conflict
from .._objects.refusal import Refused
from .._objects.resources import CONFIG_MAP, Ref, labels
from .._rollout import record as records
from .._rollout.record import Record
from .._workloads.marks import ROLLOUT, marks
from .lease import Lost


class Store:
    """The ConfigMap that holds the record, as this process saw it last."""

    def __init__(self, client: Client, ref: Ref, rollout: str) -> None:
        self._client, self._ref, self._rollout = client, ref, rollout
        self._seen: dict[str, Any] | None = None

    def load(self) -> Record | None:
        """The record, None where there is none."""
        self._seen = self._client.find(self._ref)
        if self._seen is None:
            return None
        if labels(self._seen).get(ROLLOUT) != self._rollout:
            raise Refused(f"{self._ref} was not made by rollout {self._rollout}: rename or delete it, its name is needed for the record")
        return records.load(self._seen.get("data") or {}, self._rollout)

    def save(self, record: Record) -> bool:
        """Writes the record, unless it is so already (False); raises Lost where somebody else wrote it since."""
        data = records.dump(record)
        if self._seen is not None and self._seen.get("data") == data:
            return False
        while True:
            known = self._seen
            try:
                self._seen = self._write(data)
                return True
            except Conflict:
                self._seen = self._client.find(self._ref)
            now = self._seen and self._seen.get("data")
            if now == data:
                return True  # An answer that got lost makes the repeated write a conflict with our own first one.
            if now != (known and known.get("data")):
                raise Lost(f"rollout {self._rollout}: its record was changed by somebody else: nothing more is written here") from None
            # Else somebody has changed its labels or annotations.

    def _write(self, data: dict[str, str]) -> dict[str, Any]:
        if self._seen is not None:
            return self._client.patch(self._ref, {"data": data}, self._seen)
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace, "labels": marks(self._rollout)}
        return self._client.create(self._ref, {"apiVersion": "v1", "kind": CONFIG_MAP.kind, "metadata": metadata, "data": data})

    def remove(self) -> None:
        """Deletes the record."""
        if self._seen is not None:
            self._client.delete(self._ref, self._seen)
            self._seen = None
