"""Runs a command and writes what it cost: ``python launcher.py REPORT COMMAND…``.

A process of its own, because the kernel counts as a child's peak memory at least what its parent held when it
was started: this one holds next to nothing.
"""

import json
import os
import subprocess
import sys
import time

COUNTED_IN = 1 if sys.platform == "darwin" else 1024
"""Bytes of the unit of a process's peak memory."""


def main() -> None:
    """Ends as the command ends; the report: CPU seconds (its children's too), seconds, peak bytes."""
    report, *command = sys.argv[1:]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - start,
        "peak": usage.ru_maxrss * COUNTED_IN,
    }
    with open(report, "w", encoding="utf-8") as file:
        json.dump(cost, file)
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
