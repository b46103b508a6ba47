"""Run a command in a throw-away copy of what git tracks or would track, with a home folder of its own: in_copy.py COMMAND...

For tools that want the collection in a real folder named after it, or that write into the checkout or the user's home.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path.home()
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or HOME / ".cache")
TOOLS_HOME = CACHE / "progressive.delivery" / "home"


def tracked() -> list[str]:
    """The files of the checkout that belong to the project."""
    # safe.directory: whoever runs the tests may not be who owns the checkout
    listing = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    return sorted(name for name in {*names} if name and os.path.lexists(ROOT / name))  # git lists what was deleted a moment ago, too


def copy(target: Path) -> None:
    for name in tracked():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def environment(collections: Path, target: Path) -> dict[str, str]:
    """This one, but for the home and Ansible's settings. Caches and the user's own configuration of pip stay where they are."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    TOOLS_HOME.mkdir(parents=True, exist_ok=True)
    return environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(target / "tests" / "ansible.cfg"),
        "HOME": str(TOOLS_HOME),
        "XDG_CACHE_HOME": str(CACHE),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME") or str(HOME / ".config"),
    }


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the copy goes then, too
    with tempfile.TemporaryDirectory(prefix="progressive-delivery-copy-") as folder:
        collections = Path(folder).resolve()
        target = collections / "ansible_collections" / "progressive" / "delivery"
        target.mkdir(parents=True)
        copy(target)
        return subprocess.run(command, cwd=target, env=environment(collections, target), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
