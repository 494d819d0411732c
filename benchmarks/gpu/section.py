"""One section of the GPU benchmark, in a process of its own, so that its end costs no other section."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("torch", "diffusers", "transformers", "timm", "pydantic", "bitsandbytes")
LIBRARIES = ("torch", "diffusers", "transformers", "timm", "bitsandbytes")
SECTIONS = ("machine", "networks", "steps", "theirs", "sampling", "evaluation")


def main(arguments: Sequence[str] | None = None) -> None:
    """Does the section that is named."""
    parser = argparse.ArgumentParser(description="One section of the GPU benchmark")
    parser.add_argument("section", choices=SECTIONS)
    parser.add_argument("--networks", type=Path, required=True, help="folder of networks with random weights")
    parser.add_argument("--report", type=Path, required=True, help="file that measurements are added to")
    parser.add_argument("--script", type=Path, help="diffusers' train_dreambooth.py")
    parser.add_argument("--small", action="store_true", help="the miniature on the CPU")
    settings = parser.parse_args(arguments)
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        sys.exit(f"missing here: {', '.join(missing)}; --pack FILE brings them (docs/gpu.md)")
    from benchmarks.gpu import images, networks, steps, theirs
    from benchmarks.gpu.bench import Bench

    bench = Bench(settings.networks, settings.small, settings.report)
    if settings.section == "theirs":
        theirs.run(bench, settings.script)
        return
    work = {
        "machine": machine,
        "networks": networks.run,
        "steps": steps.run,
        "sampling": images.sampling,
        "evaluation": images.evaluation,
    }
    work[settings.section](bench)


def machine(bench) -> None:
    """Reports the card and the libraries.

    Raises:
        SystemExit: If there is no GPU and ``--small`` was not given.
    """
    import platform

    import torch

    if not bench.small and not torch.cuda.is_available():
        sys.exit("torch sees no CUDA GPU, and on a CPU these are hours; --small tries the miniature")
    libraries = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    row = {"what": "machine", "card": "CPU, the miniature: no figure", "libraries": libraries}
    if not bench.small:
        card = torch.cuda.get_device_properties(0)
        row |= {"card": card.name, "bytes": card.total_memory, "cuda": torch.version.cuda}
    bench.add(**row)


if __name__ == "__main__":
    main()
