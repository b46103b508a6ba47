"""The options that hold secret values in places of their own, how they are printed, and which of these values are hidden everywhere."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._objects.hidden import HIDDEN, hide, plain, secrets

# Options of type dict. Their specs say no_log, so that the log that AnsibleModule writes at its start has nothing of them.
PARTLY_SECRET = ("revision", "probe")

_TEMPLATES = ("template", "definition")
# A shorter value, a number, or one of these words stands in many texts, and stars for it would damage results.
_SHORTEST = 6
_NUMBER = re.compile(r"[-+.,:_/ 0-9eEx%]+|[-+.0-9]+[A-Za-z]{1,2}")
_WORDS = frozenset(
    word
    for line in (
        "true false yes no on off none null enabled disabled default debug info warning error trace production prod staging stage",
        "development testing localhost present absent aborted progressing paused healthy degraded unknown canary stable active preview",
        "bluegreen blue-green replicas revision rollout deployment statefulset daemonset service changed failed success bearer ********",
    )
    for word in line.split()
)
_DERIVED = ("", "-canary", "-stable", "-active", "-preview", "-rollout")


def printed(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they may be printed, with stars in place of secret values. They may be of any shape: perhaps they were refused."""
    return {name: _PRINTED[name](value) if name in _PRINTED and value is not None else value for name, value in params.items()}


def hidden_everywhere(params: Mapping[str, Any]) -> set[str]:
    """The secret values that no result may contain, as text."""
    known = {text.lower() for text in _open_texts(params)}
    return {text for text in _secret_texts(params) if _is_worth_hiding(text) and not _is_open(text.lower(), known)}


def texts_of(node: Any) -> Iterator[str]:
    """Every value, as text: that is what no_log registers."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from texts_of(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from texts_of(value)
    elif node is not None:
        yield str(node)


def _secret_texts(params: Mapping[str, Any]) -> Iterator[str]:
    """What is not of the shape that it should have counts as secret as a whole."""
    revision, probe = params.get("revision"), params.get("probe")
    if not isinstance(revision, Mapping):
        yield from texts_of(revision)
    else:
        for value in (revision.get(key) for key in _TEMPLATES):
            yield from texts_of(list(secrets(value)) if isinstance(value, Mapping) else value)
    headers = probe.get("headers") if isinstance(probe, Mapping) else probe
    if isinstance(headers, Mapping):
        headers = [value for name, value in headers.items() if str(name).lower() != "host"]
    for text in texts_of(headers):
        yield text
        # The token behind its scheme, one cookie of several.
        yield from re.split(r"[\s;,=]+", text)


def _open_texts(params: Mapping[str, Any]) -> Iterator[str]:
    """What the caller says openly, too: the names of things, for example."""
    yield from texts_of([value for name, value in params.items() if name in ("name", "namespace", "workload", "services", "routers")])
    yield from texts_of([value for name, value in params.items() if name.endswith(("_service", "_workload")) or name == "target"])
    revision = params.get("revision")
    yield from texts_of(revision.get("images") if isinstance(revision, Mapping) else None)


def _is_worth_hiding(text: str) -> bool:
    return len(text) >= _SHORTEST and not _NUMBER.fullmatch(text) and text.lower() not in _WORDS


def _is_open(text: str, known: Iterable[str]) -> bool:
    return any(text in each or text in (f"{each}{ending}" for ending in _DERIVED) for each in known)


def _printed_revision(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return HIDDEN
    return {key: _printed_template(each) if key in _TEMPLATES and each is not None else each for key, each in value.items()}


def _printed_template(value: Any) -> Any:
    return plain(hide(value)) if isinstance(value, Mapping) else HIDDEN


def _printed_probe(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return HIDDEN
    headers = value.get("headers")
    if headers is None:
        return dict(value)
    return {**value, "headers": dict.fromkeys(headers, HIDDEN) if isinstance(headers, Mapping) else HIDDEN}


_PRINTED = {"revision": _printed_revision, "probe": _printed_probe}
