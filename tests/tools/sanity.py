"""Run all of ansible-test sanity, through tests/tools/in-copy: sanity.py [ANSIBLE_TEST_OPTIONS...]."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# ansible-test runs this file as get-pip.py, to put pip into an empty environment.
GET_PIP = '''"""Install pip from the wheel beside this file."""
import sys
from pathlib import Path

wheel = str(Path(__file__).with_name("{wheel}"))
sys.path.insert(0, wheel)
from pip._internal.cli.main import main

sys.exit(main(["install", "--quiet", "--no-index", "--disable-pip-version-check", wheel]))
'''


def seed_get_pip(cache: Path) -> None:
    """Spare ansible-test the download of get-pip.py, which comes from no package index."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, f"--dest={folder}", f"pip=={version}"], check=True)
        (wheel,) = Path(folder).iterdir()
        shutil.move(wheel, cache / wheel.name)
    script.write_text(GET_PIP.format(wheel=wheel.name))


def main(options: list[str]) -> int:
    seed_get_pip(Path.home() / ".ansible" / "test" / "cache")
    command = ["ansible-test", "sanity", "--local", "--python", PYTHON, "--color", "no", *options]
    return subprocess.run(command, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
