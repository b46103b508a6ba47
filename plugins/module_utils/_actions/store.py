"""Reads and writes the record of a rollout."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, NoReturn

from .._cluster.client import Client
from .._objects.patches import merged
from .._objects.refusal import Refused
from .._objects.resources import CONFIG_MAP, Ref, labels
from .._objects.seals import Seal, place_of
from .._rollout import record as records
from .._rollout.record import Record
from .._rollout.upgrade import upgraded
from .._workloads.marks import ROLLOUT, marks
from .apply import ReadAgain, retry, send
from .lease import Lost


class Store:
    """The ConfigMap that holds the record, as this process saw it last.

    sealed: whether the record that was loaded was written by holders of the key; False without a key.
    forged: whether it may have been written by others, and is not accepted: what this call writes of it gets no seal either.
    way_back: traffic goes back to the stable version whoever wrote the record.
    """

    def __init__(
        self, client: Client, ref: Ref, rollout: str, seal: Seal | None = None, accept_unsealed: bool = False, way_back: bool = False
    ) -> None:
        self._client, self._ref, self._rollout = client, ref, rollout
        self._seal, self._accept_unsealed, self._way_back = seal, accept_unsealed, way_back
        self._seen: dict[str, Any] | None = None
        self._read_only = False
        self.sealed = False
        self.forged = False

    def load(self) -> Record | None:
        """The record, None where there is none."""
        self._seen = self._client.find(self._ref)
        if self._seen is None:
            return None
        if labels(self._seen).get(ROLLOUT) != self._rollout:
            what = f"exists and was not created by rollout {self._rollout}"
            raise Refused(str(self._ref), what, "rename or delete it, its name is needed for the record")
        data = self._seen.get("data") or {}
        record = upgraded(records.load(data, self._rollout), self._ref.namespace)
        self.sealed = self._seal is not None and self._seal.fits(self._place, data.get("record"), data.get("seal"))
        self.forged = not (self.sealed or self._accept_unsealed) if self._seal is not None else "seal" in data
        if self.forged and not (self._read_only or self._way_back):
            self._refuse("seal" in data)
        return record

    def look(self) -> Record | None:
        """The record for a call that only shows it: a seal that does not fit is for `sealed` to say."""
        self._read_only = True
        return self.load()

    @property
    def _place(self) -> str:
        return place_of(self._ref.namespace, self._ref.resource.kind, self._ref.name, "record")

    def _refuse(self, has_seal: bool) -> NoReturn:
        where = f"rollout {self._rollout}"
        if self._seal is None:
            remedy = "give the record_key with which it was sealed; an abort and a hand-back go without it"
            raise Refused(where, "has a record that is sealed", remedy)
        if has_seal:
            what = "has a record that does not fit its seal, because another client changed it, or record_key is another one"
            restore = f"give the right record_key, restore {self._ref}, hand the rollout back (state absent)"
            raise Refused(where, what, f"{restore}, or set record_unsealed to accept once")
        remedy = (
            "set record_unsealed to accept it once if it was written before record_key was introduced; otherwise "
            f"restore {self._ref}, or hand the rollout back (state absent)"
        )
        raise Refused(where, "has a record that has no seal", remedy)

    def save(self, record: Record) -> bool:
        """Writes the record, unless it is so already (False); raises Lost where somebody else wrote it since."""
        data = records.dump(record)
        if self._seal is not None and not self.forged:
            data["seal"] = self._seal.of(self._place, data["record"])
        if self._seen is not None and self._seen.get("data") == data:
            return False

        def refresh(stale: ReadAgain) -> None:
            if (stale.found and stale.found.get("data")) != (self._seen and self._seen.get("data")):
                what = "has a record that another run or client changed meanwhile, so this run writes nothing more"
                raise Lost(f"rollout {self._rollout}", what, "see with rollout_info how it stands, and which run works on it")
            self._seen = stale.found  # Another client has changed its labels or annotations.

        self._seen = retry(lambda: send(self._client, self._ref, self._seen, self._with(data)), refresh)
        return True

    def _with(self, data: dict[str, str]) -> dict[str, Any]:
        if self._seen is not None:
            gone = {"seal": None} if "seal" not in data else {}
            return dict(merged(self._seen, {"data": {**data, **gone}}))
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace, "labels": marks(self._rollout)}
        return {"apiVersion": "v1", "kind": CONFIG_MAP.kind, "metadata": metadata, "data": data}

    def remove(self) -> None:
        """Deletes the record."""
        if self._seen is not None:
            self._client.delete(self._ref, self._seen)
            self._seen = None
