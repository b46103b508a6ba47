"""Kubernetes quantities: the same numbers as the official client reads, nothing else taken for one, and short texts back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.quantities import quantity, show
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

NUMBERS = st.decimals(0, 10**6, places=3).map(str) | st.integers(0, 10**9).map(str)
SUFFIXES = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])


@given(NUMBERS, SUFFIXES)
def test_as_the_official_client_reads_them(number: str, suffix: str) -> None:
    read = quantity(number + suffix)
    assert read is not None and read == pytest.approx(Fraction(parse_quantity(number + suffix)))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1e-3", Fraction(1, 1000)),
        ("-1Ki", -1024),
        (2, 2),
        (0.5, Fraction(1, 2)),
    ],
)
def test_forms(text: Any, number: Any) -> None:
    assert quantity(text) == number


@given(st.text() | st.none() | st.booleans() | st.floats() | st.dictionaries(st.text(), st.text()))
def test_anything_else_is_none_or_a_number(text: Any) -> None:
    assert quantity(text) is None or isinstance(quantity(text), Fraction)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gi", "1GiB", "0x1", "1e1e1", "\u0661", "1e99999"])
def test_none(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("text", "shown"), [("0", "0"), ("5", "5"), ("5m", "5m"), ("0.0001", "1m"), ("64Mi", "64Mi"), ("1024Ki", "1Mi"), ("1e9", "1000000000")]
)
def test_show(text: str, shown: str) -> None:
    assert show(quantity(text) or Fraction(0)) == shown
