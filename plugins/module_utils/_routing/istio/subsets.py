"""The DestinationRule that names the two subsets: which pods are which version."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://istio.io/latest/docs/reference/config/networking/destination-rule/ (DestinationRule, Subset)
from collections.abc import Mapping, Sequence
from typing import Any

from ..._objects.edits import Edit, fields_of
from ..._objects.paths import Path
from ..._objects.refusal import Refused
from ..router import title
from ..target import Target
from . import hosts

Object = dict[str, Any]
Labels = dict[str, str]

_WHOLE = 3  # the length of the path to a whole subset


def refuse_half(target: Target) -> None:
    """Checks that the target names everything that a split by subset needs, or nothing of it.

    Raises:
        Refused: It names a part.
    """
    options = {
        "stable_subset": target.stable_subset,
        "canary_subset": target.canary_subset,
        "destination_rule": target.destination_rule,
    }
    labels = {"stable_labels": target.stable_labels, "canary_labels": target.canary_labels}
    given = [key for key, value in {**options, **labels}.items() if value]
    lacking = [key for key, value in options.items() if not value]
    if given and lacking:
        raise Refused(", ".join(given), f"needs {', '.join(lacking)} for a split by subset", "add what is missing")
    if given and target.stable_subset == target.canary_subset:
        raise Refused("canary_subset", f"is {target.canary_subset!r} as stable_subset is", "give the canary a subset of its own")


def edits(rule: Object, target: Target) -> list[Edit]:
    """The labels that the subsets' pods must have; a subset that is not there is added, where its labels are given."""
    _refuse_foreign(rule, target)
    found = [edit for name, labels in _asked(target).items() for edit in _subset_edits(rule, name, labels)]
    stable, canary = ({**_labels(rule, name), **labels} for name, labels in _asked(target).items())
    for name, narrow, wide in ((target.stable_subset, canary, stable), (target.canary_subset, stable, canary)):
        if wide.items() <= narrow.items():
            raise Refused(
                f"{title(rule)}, subset {name}",
                f"has the pods of both versions ({_show(wide)})",
                "give both subsets labels that tell their pods apart, in the rule or with stable_labels and canary_labels",
            )
    return found


def still_needed(rule: Object, target: Target, by: str, others: Sequence[Object] | None) -> list[Edit]:
    """What an owner put into the rule and other VirtualServices still need, as edits that keep it.

    Args:
        rule: The DestinationRule as it is.
        target: The split that ends, or that is about to name other subsets.
        by: The owner of the edits.
        others: The other VirtualServices of the namespace; None where they may not be listed, so that any of them may need all of it.
    """
    mine = [field for field in fields_of(rule) if field.by == by]
    if others is None:
        return [Edit(field.path, field.now) for field in mine]
    leading = {name for each in others for name in hosts.subsets_in(each, target.stable_service, target)}
    # Labels of a subset that was there before: only another split of ours relies on them.
    split = {name for each in others if fields_of(each) for name in hosts.subsets_in(each, target.stable_service, target)}
    return [Edit(field.path, field.now) for field in mine if _subset_of(field.path) in (leading if len(field.path) == _WHOLE else split)]


def _subset_of(path: Path) -> str:
    """The name of the subset in which the path of one of our edits ends."""
    step = path[_WHOLE - 1]
    return str(step.get("name")) if isinstance(step, Mapping) else ""


def names(rule: Object) -> set[str]:
    """The names of all subsets."""
    return {str(each.get("name")) for each in (rule.get("spec") or {}).get("subsets") or []}


def labels_of(rule: Object, name: str) -> tuple[tuple[str, str], ...]:
    """The labels that the pods of a subset have."""
    return tuple(sorted(_labels(rule, name).items()))


def _asked(target: Target) -> dict[str, Labels]:
    return {target.stable_subset: dict(target.stable_labels), target.canary_subset: dict(target.canary_labels)}


def _refuse_foreign(rule: Object, target: Target) -> None:
    host = str((rule.get("spec") or {}).get("host"))
    service = hosts.full(target.stable_service, target)
    fits = service.endswith(host[1:]) if host.startswith("*") else hosts.is_service(host, target.stable_service, target)
    if not fits:
        raise Refused(title(rule), f"is for host {host!r}, not for Service {target.stable_service!r}", "correct destination_rule")


def _subsets(rule: Object, name: str | None = None) -> list[Object]:
    found = list((rule.get("spec") or {}).get("subsets") or [])
    return [each for each in found if name in (None, each.get("name"))]


def _labels(rule: Object, name: str) -> Labels:
    return {key: value for each in _subsets(rule, name) for key, value in (each.get("labels") or {}).items()}


def _subset_edits(rule: Object, name: str, labels: Labels) -> list[Edit]:
    found = _subsets(rule, name)
    if len(found) > 1:
        raise Refused(title(rule), f"has {len(found)} subsets named {name!r}", "leave one")
    path = ("spec", "subsets", {"name": name})
    if found:
        return [Edit((*path, "labels", key), value) for key, value in labels.items()]
    if not labels:
        names = ", ".join(str(each.get("name")) for each in _subsets(rule)) or "none"
        raise Refused(
            title(rule), f"has no subset {name!r} (it has: {names})", "correct the name, or give stable_labels or canary_labels to add it"
        )
    return [Edit(path, {"name": name, "labels": labels})]


def _show(labels: Labels) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "without labels"
