"""The tests of how edits are remembered use fields of any kind; which of them may be put back has a table and a test of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits

_OF_ANY_FIELD = ("test_edits", "test_edits_of_several_owners", "test_relocation")


@pytest.fixture(scope="module", autouse=True)
def any_field_may_be_put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rpartition(".")[2] in _OF_ANY_FIELD:
            patch.setattr(edits, "may_restore", lambda *_arguments: True)
        yield
