"""Packs what a machine with a GPU and PyTorch lacks, for a machine without network (``docs/gpu.md``).

    python -m benchmarks.gpu.pack gpu_pack.zip [--diffusers PATH]

Run it where the project is installed: the versions packed are those of this environment, the binaries those
that the other machine's Python and CUDA need.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from benchmarks.diffusers_dreambooth import SCRIPT
from benchmarks.program import ROOT

LIMIT = 64 * 2**20
"""Bytes that may travel, the project's tracked files included."""
PACKAGES = (
    "diffusers", "accelerate", "bitsandbytes", "pydantic", "pydantic-core", "annotated-types",
    "typing-inspection", "typing-extensions",
)  # fmt: skip
LEFT_OUT = ("*/__pycache__/*", "*.pyc", "bin/*", ".lock", "*/libbitsandbytes_*.so")
KEPT = "*/libbitsandbytes_cpu.so"
"""Without a GPU bitsandbytes needs it to be imported (``--small``); 63 kB."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pack and prints the size of each part; a pack that is too large is removed again."""
    parser = argparse.ArgumentParser(
        description="What the GPU benchmark needs beside PyTorch, as one zip file"
    )
    parser.add_argument("output", type=Path, help="the zip file")
    parser.add_argument("--diffusers", type=Path, help="a checkout of diffusers, for its own trainer")
    parser.add_argument("--python", default="3.12", help="version of Python there (%(default)s)")
    parser.add_argument("--cuda", default="130", help="version of CUDA that torch has there (%(default)s)")
    parser.add_argument("--limit", type=int, default=LIMIT, help="bytes that may travel (%(default)s)")
    settings = parser.parse_args(arguments)
    script = settings.diffusers / SCRIPT if settings.diffusers else None
    if script and not script.is_file():
        parser.error(f"--diffusers: expected a checkout of diffusers, in which {SCRIPT} lies")
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), settings.python)
        library = f"*/libbitsandbytes_cuda{settings.cuda}.so"
        files = dict(chosen(Path(folder), (KEPT, library)))
        if not any(fnmatch(name, library) for name in files):
            sys.exit(f"--cuda: bitsandbytes {version('bitsandbytes')} has no {Path(library).name}")
        if script:
            files[SCRIPT.name] = script
        sizes = write(settings.output, files)
    tree = tracked()
    total = tree + settings.output.stat().st_size
    for name, size in [*sizes.items(), ("the project's tracked files", tree), ("in all", total)]:
        print(f"{size / 1e6:7.2f} MB  {name}")
    if total > settings.limit:
        settings.output.unlink()
        sys.exit(f"That is more than the {settings.limit / 1e6:.2f} MB that may travel; nothing was kept.")


def install(folder: Path, python: str) -> None:
    """Installs the packages into a folder as for another Python on Linux (x86-64), with uv or pip."""
    pins = [f"{name}=={version(name)}" for name in PACKAGES]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python-platform", "x86_64-manylinux_2_28"]
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--platform", "manylinux_2_28_x86_64"]
        command += ["--platform", "manylinux2014_x86_64"]
    command += ["--target", str(folder), "--python-version", python, "--only-binary", ":all:", "--no-deps"]
    subprocess.run([*command, *pins], check=True)


def chosen(folder: Path, kept: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yields name in the pack and file of everything that is needed."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        left_out = any(fnmatch(name, pattern) for pattern in LEFT_OUT)
        if file.is_file() and (not left_out or any(fnmatch(name, pattern) for pattern in kept)):
            yield name, file


def write(output: Path, files: dict[str, Path]) -> dict[str, int]:
    """Writes the zip file; returns what each first folder takes in it."""
    sizes: dict[str, int] = {}
    with ZipFile(output, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in files.items():
            archive.write(file, name)
            part = name.split("/")[0]
            sizes[part] = sizes.get(part, 0) + archive.getinfo(name).compress_size
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def tracked() -> int:
    """Returns the bytes of the files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return sum((ROOT / name).stat().st_size for name in listed.stdout.split("\0") if (ROOT / name).is_file())


if __name__ == "__main__":
    main()
