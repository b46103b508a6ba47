"""A callback of Ansible that appends each result to the file in $RECORDED, as JSON: host, task, and what the task returned."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorded
type: aggregate
short_description: Records results
description: Records results.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorded"

    def _record(self, result: Any, **_more: Any) -> None:
        task = getattr(result, "task", None) or result._task
        returned = getattr(result, "result", None) or result._result
        with open(os.environ["RECORDED"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"task": task.get_name(), "result": returned}, default=str) + "\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = v2_runner_on_skipped = _record
    v2_runner_item_on_ok = v2_runner_item_on_failed = _record
