"""What the API server refuses, in words that name the object and the remedy."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._objects.problem import ProblemError
from .._objects.resources import Ref

_ADMISSION = "ValidatingAdmissionPolicy"
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
_DONE = {"get": "read", "list": "listed", "create": "created", "patch": "changed", "update": "changed", "delete": "deleted"}


class ApiError(ProblemError):
    """An answer other than success. status: HTTP status."""

    def __init__(self, method: str, ref: Ref, status: int, body: Any, listing: bool = False) -> None:
        self.status = status
        self.ref = ref
        verb = "list" if listing else _VERBS.get(method, method.lower())
        super().__init__(*_problem(verb, ref, status, body))


class NotFound(ApiError):
    """404: the object is not there."""


class Conflict(ApiError):
    """409: the object has changed since it was read, or is there already."""


def api_error(method: str, ref: Ref, status: int, body: Any, listing: bool = False) -> ApiError:
    """The error of the class that fits the status."""
    kinds = {404: NotFound, 409: Conflict}
    return kinds.get(status, ApiError)(method, ref, status, body, listing)


def _problem(verb: str, ref: Ref, status: int, body: Any) -> tuple[str, str, str]:
    """Object, what is wrong with it, and the remedy."""
    title = str(ref) if ref.name else f"{ref.resource.plural} in namespace {ref.namespace}"
    said, done = _said(body), _DONE.get(verb, verb)
    tail = f" (it says: {said})" if said else ""
    group = f".{ref.resource.group}" if ref.resource.group else ""
    if status == 401:
        return title, f"cannot be {done} with these credentials (401)", "renew the credentials of the kubeconfig or api_key"
    if status == 403 and said and _ADMISSION in said:
        return title, f"cannot be {done} because an admission policy refuses it{tail}", "use a user whom the policy allows to do this"
    if status == 403:
        problem = f"cannot be {done} because the user is not allowed to {verb} {ref.resource.plural}{tail}"
        return title, problem, f"give the user the verb {verb!r} on {ref.resource.plural}{group} in namespace {ref.namespace} with a Role"
    if status == 404:
        # A kind that is not served is answered in plain text, or by a Status that speaks of the resource.
        if ref.name and isinstance(body, Mapping) and "could not find the requested resource" not in (said or ""):
            return title, "does not exist", "check its name and the namespace"
        problem = f"cannot be {done} because the cluster does not serve {ref.resource.plural} as {ref.resource.api_version}"
        return title, problem, "install its CRDs or set another api_version"
    if status == 409:
        return title, f"was changed at the same time by another client{tail}", "run again"
    if status == 422:
        return title, f"was refused by the API server as invalid{tail}", "correct the object or the options that it is made from"
    return title, f"cannot be {done} because the API server answered {status}{tail}", "run again, and check the API server if it persists"


def _said(body: Any) -> str | None:
    text = body.get("message") if isinstance(body, Mapping) else body
    # Before this the server repeats all of the object.
    text = str(text).rpartition("strict decoding error: ")[2] if text else None
    return " ".join(str(text).split())[:500] if text else None
