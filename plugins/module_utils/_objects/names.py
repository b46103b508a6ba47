"""Which texts are names to Kubernetes: of objects, namespaces, kinds and labels. Nothing else becomes part of a request's path."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

# Sources: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123 labels and subdomains),
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ (keys and values of labels),
# https://kubernetes.io/docs/reference/using-api/#api-versioning (versions).
MAX_LABEL, MAX_NAME = 63, 253
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?")
_PLURAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_WORD}")
_LABEL_VALUE = re.compile(rf"({_WORD})?")


def is_namespace(text: Any) -> bool:
    """Whether a namespace, or a Service, can have this name."""
    return _fits(text, _DNS_LABEL, MAX_LABEL)


def is_name(text: Any) -> bool:
    """Whether an object of any other kind that this collection touches can have this name."""
    return _fits(text, _DNS_NAME, MAX_NAME)


def is_group(text: Any) -> bool:
    """Whether it is the name of an API group; the core group has none."""
    return text == "" or _fits(text, _DNS_NAME, MAX_NAME)


def is_version(text: Any) -> bool:
    """Whether it is a version of an API group, such as `v1beta1`."""
    return _fits(text, _VERSION, MAX_LABEL)


def is_plural(text: Any) -> bool:
    """Whether it can name all objects of a kind in a path, such as `ingresses`."""
    return _fits(text, _PLURAL, MAX_LABEL)


def is_label_key(text: Any) -> bool:
    """Whether a label can have this key."""
    return _fits(text, _LABEL_KEY, MAX_NAME + 1 + MAX_LABEL)


def is_label_value(text: Any) -> bool:
    """Whether a label can have this value; the empty text is one."""
    return _fits(text, _LABEL_VALUE, MAX_LABEL)


def _fits(text: Any, pattern: re.Pattern[str], most: int) -> bool:
    return isinstance(text, str) and len(text) <= most and pattern.fullmatch(text) is not None
