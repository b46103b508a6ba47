# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells a variable that is not given from one that is given and cannot be rendered (lookup progressive.delivery.given)."""

from __future__ import annotations

DOCUMENTATION = r"""
name: given
short_description: Read a variable that may be left out
description:
  - Returns the value of a variable, or the O(default) when it is not given. A variable that is empty (V("") or null) counts as not given,
    as an unanswered question of an AWX survey is.
  - A variable that is given and cannot be rendered is an error that names the variable. The filter C(default) of Jinja and the option
    O(ansible.builtin.vars#lookup:default) of P(ansible.builtin.vars#lookup) replace such a variable by the default, so that a misspelt
    name inside it goes unnoticed.
  - Several names are several spellings of one variable. When two of them are given and differ, this is an error.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
options:
  _terms: {description: Names of the variable., type: list, elements: str, required: true}
  default: {description: What to return when the variable is not given. Without a default this is an error., type: raw}
"""

EXAMPLES = r"""
- name: Abort revision rollout_revision, or without that variable whatever is under way
  progressive.delivery.rollout_step:
    name: shop
    namespace: shop
    revision:
      number: "{{ lookup('progressive.delivery.given', 'rollout_revision', default=omit) }}"
    state: aborted
"""

RETURN = r"""
_raw: {description: The value of the variable., type: list, elements: raw}
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """The value, as a list of one element."""
        found = {name: self._rendered(name, (variables or {})[name]) for name in terms if name in (variables or {})}
        found = {name: value for name, value in found.items() if value is not None and value != ""}
        if len({str(value) for value in found.values()}) > 1:
            values = ", ".join(f"{name}={value}" for name, value in found.items())
            raise AnsibleLookupError(f"{values}: these are names of one variable: set only one of them, or all to the same value")
        if not found and "default" not in kwargs:
            others = f" (or {', '.join(terms[1:])})" if terms[1:] else ""
            raise AnsibleLookupError(f"not given: {terms[0]}{others}")
        return [next(iter(found.values()), kwargs.get("default"))]

    def _rendered(self, name: str, value: Any) -> Any:
        try:
            rendered = self._templar.template(value)
            _visit(rendered)  # ansible-core 2.19 and later render what is inside of lists and mappings when it is read
        except AnsibleError as problem:
            raise AnsibleLookupError(f"variable {name} cannot be rendered: {' '.join(str(problem).split())}") from problem
        return rendered


def _visit(value: Any) -> None:
    if isinstance(value, Mapping):
        for each in value.values():
            _visit(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _visit(each)
