"""Releases yellow over blue while requests go on, and prints for each weight what share of them the new version really answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"].split(":")[0])

from ansible_collections.progressive.delivery.tests.harness.application import Application, application
from ansible_collections.progressive.delivery.tests.harness.load import Load, Results
from ansible_collections.progressive.delivery.tests.harness.stats import fits, interval
from ansible_collections.progressive.delivery.tests.harness.watch import Watch

RATE = 300.0
CONVERGED = 1.0  # seconds after which the gateway follows a new weight
STEPS = [{"set_weight": 5}, {"pause": {"duration": "5s"}}, {"set_weight": 20}, {"pause": {"duration": "5s"}}]
STEPS += [{"set_weight": 80}, {"pause": {"duration": "5s"}}, {"set_weight": 100}]


def main() -> int:
    """0 when the release is complete, everything is as it was but for the version, and no request failed."""
    with application(os.environ["KUBECONFIG"]) as app, tempfile.TemporaryDirectory() as folder:
        print(
            f"\nApplication {app.name} in namespace {app.namespace}, version {app.ask(1)[0]}; "
            f"{RATE:g} requests a second through the Istio gateway."
        )
        before = app.snapshot()
        log = Path(folder) / "log"
        with app.load(RATE) as load, Watch(app.path("VirtualService"), app.kubeconfig) as watch:
            playbook = start(app, log)
            try:
                show_weights(playbook, watch, load)
            finally:
                stop(playbook)
            time.sleep(1)
        if playbook.returncode:
            print(f"The playbook failed:\n{log.read_text()}")
        return end(app, before, load.results(), playbook.returncode)


def start(app: Application, log: Path) -> subprocess.Popen[str]:
    """The playbook as a user calls it, its output in the log."""
    variables = app.canary_variables(steps=STEPS, grace="2s")
    print("$ ansible-playbook progressive.delivery.canary -e @vars.yml   # set_weight 5, 20, 80, 100, with pauses of 5 s\n", flush=True)
    return app.start_playbook("canary", variables, log=log)


def stop(playbook: subprocess.Popen[str]) -> None:
    """Ends the playbook and what it started, if it still runs."""
    if playbook.poll() is None:
        os.killpg(playbook.pid, signal.SIGKILL)
    playbook.wait()


def show_weights(playbook: subprocess.Popen[str], watch: Watch, load: Load) -> None:
    """A line for each weight, as soon as the next one has come."""
    print(f"{'asked':>8} {'served':>9} {'requests':>9} {'failed':>7}   (99.9999 % of all splits of so many requests)")
    shown = 0
    while True:
        ended = playbook.poll() is not None
        while shown + 1 < len(watch.states) or (ended and shown < len(watch.states)):
            until = watch.states[shown + 1].time if shown + 1 < len(watch.states) else time.time()
            show(share_of(watch.states[shown].item), load.results(watch.states[shown].time + CONVERGED, until - 0.1))
            shown += 1
        if ended:
            return
        time.sleep(0.1)


def show(share: int, results: Results) -> None:
    """What was asked for beside what was measured."""
    total = sum(results.versions.values())
    if not total:
        return
    canary = results.versions["yellow"]
    least, most = (100 * each / total for each in interval(total, share / 100))
    # Before and after the release all traffic is the stable version's, whichever that is then.
    served = f"{100 * canary / total:7.2f} %" if 0 < share <= 100 else f"{'-':>9}"
    inside = f"{least:.1f} to {most:.1f} %: {'inside' if fits(canary, total, share / 100) else 'OUTSIDE'}" if 0 < share < 100 else ""
    print(f"{share:6} % {served} {total:9,} {len(results.failures):7}   {inside}", flush=True)


def share_of(virtual_service: dict) -> int:
    """The canary's weight."""
    return int(virtual_service["spec"]["http"][0]["route"][1].get("weight") or 0)


def end(app: Application, before: dict, results: Results, code: int) -> int:
    """Says how it ended."""
    after = app.snapshot()
    image = after["Deployment/rollouts-demo"]["spec"]["template"]["spec"]["containers"][0]["image"]
    same = [key for key in before if not key.startswith("Deployment/")]
    untouched = all(after.get(key) == before[key] for key in same)
    print(f"\nThe Deployment runs {image}; the gateway answers {', '.join(sorted(set(app.ask(50))))}.")
    new = ", ".join(sorted(set(after) - set(before)))
    print(f"VirtualService and Services are {'exactly as before' if untouched else 'NOT as before'}; new objects: {new}.")
    print(f"{len(results.requests):,} requests, {len(results.failures)} failed.")
    return 0 if code == 0 and untouched and image.endswith(":yellow") and not results.failures else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
