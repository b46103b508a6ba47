"""Imports single modules of the official Python client, without the hundreds of model classes that its packages import besides."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# `import kubernetes` costs each module call 0.3 s (37.x) to 0.7 s (24.x) of CPU; what is needed of it costs 0.15 to 0.25 s.
_ours: dict[str, ModuleType] = {}


def client_module(name: str) -> ModuleType:
    """The client's module, such as "config.kube_config". Raises ImportError where the client, or something that it needs, is missing."""
    full_name = f"kubernetes.{name}"
    if full_name in _ours:
        return _ours[full_name]
    if "kubernetes" not in sys.modules:
        try:
            with _stand_ins():
                return importlib.import_module(full_name)
        except Exception:  # a client laid out in a way unknown here still works when imported whole, below
            _ours.clear()
    return importlib.import_module(full_name)


def is_importable() -> bool:
    """Whether the client can be imported here; imports what every call needs of it."""
    try:
        for name in ("client.configuration", "client.rest", "config.kube_config"):
            client_module(name)
    except Exception:  # a client that is broken in its own way: the call that needs it says so
        return False
    return True


def delete_temporary_files() -> None:
    """Deletes the files that the client made of certificates and keys. It does so itself at the exit of a process, but not of a worker."""
    loader = _ours.get("kubernetes.config.kube_config") or sys.modules.get("kubernetes.config.kube_config")
    if loader is not None:
        loader._cleanup_temp_files()  # pylint: disable=protected-access


@contextmanager
def _stand_ins() -> Iterator[None]:
    """While inside, the client's packages are empty ones that find their modules but import none by themselves.

    Nothing of this stays behind: whoever imports the client later in this process gets the whole one.
    """
    if not _ours:
        spec = importlib.util.find_spec("kubernetes")
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError("No module named 'kubernetes'")
        for package in ("", ".client", ".config"):
            stand_in = ModuleType(f"kubernetes{package}")
            stand_in.__path__ = [folder + package.replace(".", "/") for folder in spec.submodule_search_locations]
            _ours[stand_in.__name__] = stand_in
        _ours["kubernetes.client"].__dict__["__getattr__"] = _attribute_of_client
    sys.modules.update(_ours)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "kubernetes"]:
            _ours[name] = sys.modules.pop(name)


def _attribute_of_client(name: str) -> Any:
    """What `config.kube_config` imports from the package `client`."""
    if name == "Configuration":
        return importlib.import_module("kubernetes.client.configuration").Configuration
    if name == "ApiClient":  # used by the refresh of an OpenID token, and by nothing else
        return lambda *args, **kwargs: importlib.import_module("kubernetes.client").ApiClient(*args, **kwargs)
    raise AttributeError(name)
