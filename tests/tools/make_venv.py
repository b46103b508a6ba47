"""Make a virtual environment of this interpreter once, in the cache folder, and print where it is: make_venv.py PREFIX PIP_ARGS..."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "progressive.delivery"


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def key_of(pip_args: list[str]) -> str:
    """The interpreter and everything that decides what pip installs, the contents of requirements files included."""
    digest = hashlib.sha256()
    for arg in pip_args:
        digest.update((Path(arg).read_text() if arg.endswith(".txt") else arg).encode() + b"\0")
    interpreter = [platform.python_implementation().lower(), platform.python_version(), platform.machine()]
    return "-".join([*interpreter, digest.hexdigest()[:12]])


def works(venv: Path) -> bool:
    """A venv is finished last of all by its marker, and dies when the interpreter below it goes."""
    return (venv / "complete").exists() and os.access(venv / "bin" / "python", os.X_OK)


def require_venv_module() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        version = ".".join(platform.python_version_tuple()[:2])
        sys.exit(
            f"{sys.executable} cannot make virtual environments (no module {error.name}). Install them "
            f"(Debian and Ubuntu: the package python{version}-venv), or set PYTHON to an interpreter that can."
        )


def in_order(pip_args: list[str]) -> list[list[str]]:
    """The arguments of one pip after the other: first the requirements files that hold hashes, since pip wants hashes for all or none."""
    hashed: list[str] = []
    rest: list[str] = []
    for number, arg in enumerate(pip_args):
        if arg.endswith(".txt") and "--hash=" in Path(arg).read_text() and pip_args[number - 1] == "-r":
            hashed += [rest.pop(), arg]
        else:
            rest.append(arg)
    return [args for args in (["--require-hashes", *hashed] if hashed else [], rest) if args]


def make(venv: Path, pip_args: list[str]) -> None:
    say(f"Making a Python {platform.python_version()} environment, once, in {venv} (one to three minutes) ...")
    shutil.rmtree(venv, ignore_errors=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = False
    try:
        # Not through a venv that runs this: it would make the new one depend on it.
        subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(venv)], check=True, stdout=sys.stderr)
        for args in in_order(pip_args):
            subprocess.run([*pip, *args], check=True, stdout=sys.stderr)
        (venv / "complete").touch()
        done = True
    except subprocess.CalledProcessError as error:
        sys.exit(f"This failed, see above: {' '.join(map(str, error.cmd))}")
    finally:
        if not done:
            shutil.rmtree(venv, ignore_errors=True)


def main(prefix: str, *pip_args: str) -> None:
    venv = CACHE / f"{prefix}-{key_of([*pip_args])}"
    if not works(venv):
        require_venv_module()
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(f"{venv}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not works(venv):  # another process may have made it while this one waited
                make(venv, [*pip_args])
    print(venv)


if __name__ == "__main__":
    main(*sys.argv[1:])
