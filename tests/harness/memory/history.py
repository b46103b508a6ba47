"""ControllerRevisions in memory: the templates that a StatefulSet or DaemonSet has had, the present one with the highest number."""

from __future__ import annotations

import hashlib
import json

from .kinds import REVISION, Kind, Object
from .store import Store, labels_of, reference_to

HASH = "controller-revision-hash"  # of pods; a StatefulSet's carry the revision's name, a DaemonSet's its hash


def revisions(store: Store, owner: Object) -> list[Object]:
    """The oldest first."""
    return sorted(store.owned(REVISION, owner), key=lambda each: int(each["revision"]))


def present(store: Store, kind: Kind, owner: Object, label: str) -> Object:
    """The revision of the owner's template, made where there is none. label: under which it carries its hash."""
    data = {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
    known = revisions(store, owner)
    number = 1 + max((int(each["revision"]) for each in known), default=0)
    same = next((each for each in known if each["data"] == data), None)
    if same is not None:
        return same if same is known[-1] else store.change(REVISION, same, {**same, "revision": number})
    pod_hash = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:10]
    metadata = {
        "name": f"{owner['metadata']['name']}-{pod_hash}",
        "namespace": owner["metadata"]["namespace"],
        "labels": {**labels_of(owner["spec"]["template"]), label: pod_hash},
        "ownerReferences": [reference_to(kind, owner)],
    }
    return store.add(REVISION, {"metadata": metadata, "data": data, "revision": number})


def with_template(owner: Object, revision: Object) -> Object:
    """The owner as it was with that revision."""
    template = {key: value for key, value in revision["data"]["spec"]["template"].items() if key != "$patch"}
    return {**owner, "spec": {**owner["spec"], "template": template}}
