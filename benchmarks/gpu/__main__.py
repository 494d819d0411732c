"""Proves the project on one GPU, section by section, within eight minutes (``docs/gpu.md``).

    python -m benchmarks.gpu [--pack gpu_pack.zip] [--output FOLDER]   on a machine with a CUDA GPU
    python -m benchmarks.gpu --small                                   the miniature on a CPU: no figure

What was measured is written after every measurement, so that a run that is cut leaves its figures.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

from benchmarks.gpu.report import as_markdown
from benchmarks.program import ROOT

MINUTES = 8.0
ENDS = {"machine": 0.2, "tests": 0.4, "steps": 0.67, "theirs": 0.78, "sampling": 0.89, "evaluation": 1.0}
"""Sections in the order of their importance, to the fraction of the time at which each must have ended.

One may use what those before it left.
"""
SCRIPT = "train_dreambooth.py"
POLL = 0.5
"""Seconds between two looks at what a section has measured."""


class Proof:
    """One run: its sections, their processes, and what they measured.

    Args:
        settings: The command line's.
        scratch: Folder of what only this run needs.
    """

    def __init__(self, settings: argparse.Namespace, scratch: Path) -> None:
        self.settings, self.scratch, self.begun = settings, scratch, time.monotonic()
        self.rows, self.output = scratch / "rows.jsonl", settings.output
        self.rows.touch()
        self.output.mkdir(parents=True, exist_ok=True)
        self.log = (self.output / "log.txt").open("w+b")
        self.ends: dict[str, str] = {}
        self.started: list[subprocess.Popen[bytes]] = []
        site = scratch / "site"
        if settings.pack:
            with ZipFile(settings.pack) as archive:
                archive.extractall(site)
        own = settings.diffusers / "examples/dreambooth" / SCRIPT if settings.diffusers else site / SCRIPT
        self.script = own if own.is_file() else None
        paths = [str(ROOT / "src"), str(ROOT), *([str(site)] if settings.pack else [])]
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "HF_HUB_OFFLINE": "1",
            "HYPNOS_CUDA_TESTS_ON": "cpu" if settings.small else "cuda",
        }

    def run(self) -> bool:
        """Runs the sections; returns whether each that could begin came to its end without an error."""
        making = None if self.settings.small else self.start("networks")
        if not self.section("machine"):
            sys.exit((self.output / "log.txt").read_text(encoding="utf-8", errors="replace")[-2000:])
        for name in list(ENDS)[1:]:
            if name == "theirs" and self.script is None:
                self.ends[name] = f"left out: no {SCRIPT} (--diffusers PATH, here or when packing)"
            elif name == "tests" or making is None or self.made(making):
                self.section(name)
            else:
                self.ends[name] = "left out: the networks with random weights were not made (log.txt)"
            print(f"{name}: {self.ends[name]}", flush=True)
        ends = [end for name, end in self.ends.items() if name != "theirs" or self.script]
        return all(end.startswith("done") for end in ends)

    def made(self, making: subprocess.Popen[bytes]) -> bool:
        """Waits for the networks; returns whether they are there."""
        try:
            return making.wait(timeout=max(self.left("steps"), 1.0)) == 0
        except subprocess.TimeoutExpired:
            return False

    def left(self, section: str) -> float:
        """Returns the seconds until a section must have ended."""
        return ENDS[section] * self.settings.minutes * 60 - (time.monotonic() - self.begun)

    def start(self, section: str) -> subprocess.Popen[bytes]:
        """Starts a section's process."""
        if section == "tests":
            command = ["pytest", "tests/cuda", "-v", "-p", "no:cacheprovider", "-W", "default"]
            command += ["-o", "addopts=--strict-markers"]
        else:
            command = ["benchmarks.gpu.section", section, "--networks", str(self.scratch / "networks")]
            command += ["--report", str(self.rows), *(["--small"] if self.settings.small else [])]
            command += ["--script", str(self.script)] if self.script else []
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self.started.append(process)
        return process

    def stop(self) -> None:
        """Ends every process that still runs, with its own children."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def section(self, name: str) -> bool:
        """Runs a section to its end or to the end of its time; returns whether it ended well."""
        begun, process, seen = time.monotonic(), self.start(name), -1
        while process.poll() is None and self.left(name) > 0:
            time.sleep(POLL)
            if (size := self.rows.stat().st_size + os.fstat(self.log.fileno()).st_size) != seen:
                seen = size
                self.write()
        taken = f"{time.monotonic() - begun:.0f} s"
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.ends[name] = f"cut after {taken}"
        else:
            well = process.returncode == 0
            self.ends[name] = f"done in {taken}" if well else f"failed after {taken} (log.txt)"
        self.write()
        return process.returncode == 0

    def write(self) -> None:
        """Writes what has been measured so far, as JSON and as Markdown."""
        lines = self.rows.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        log = (self.output / "log.txt").read_text(encoding="utf-8", errors="replace")
        report = {"date": time.strftime("%Y-%m-%d"), "small": self.settings.small, "sections": self.ends}
        report |= {"rows": rows, "tests": tests_in(log)}
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        (self.output / "gpu.json").write_text(text, encoding="utf-8")
        (self.output / "gpu.md").write_text(as_markdown(report), encoding="utf-8")


def tests_in(log: str) -> dict[str, str]:
    """Returns the tests that pytest's log names, and how each ended."""
    words = [line.split() for line in log.splitlines() if line.startswith("tests/cuda/") and "::" in line]
    return {name[0]: name[1].lower() for name in words if len(name) > 1 and name[1].isupper()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sections and prints the report; exit code 1 if one did not end well."""
    parser = argparse.ArgumentParser(description="What one GPU proves", prog="python -m benchmarks.gpu")
    parser.add_argument("--pack", type=Path, help="what `python -m benchmarks.gpu.pack` made, where needed")
    parser.add_argument("--diffusers", type=Path, help="a checkout of diffusers, for its own trainer")
    parser.add_argument("--output", type=Path, default=Path("gpu_results"), help="folder (%(default)s)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of the whole command (%(default)s)")
    parser.add_argument("--small", action="store_true", help="the miniature on the CPU: no figure")
    settings = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        proof = Proof(settings, Path(scratch))
        try:
            well = proof.run()
        finally:
            proof.stop()
    print((settings.output / "gpu.md").read_text(encoding="utf-8"))
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
