"""Whether the tests notice small errors in the modules on which every number rests (``make mutants``).

A mutant is one of these modules with one small change: another operator, a number one larger, an argument
left out. The changes are mutmut's, but on the whole module: mutmut itself leaves out constants, such as Table
3's fractions, and decorated functions. A mutant is caught if a test fails on it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import libcst as cst
import libcst.matchers as m
import pytest
from mutmut.mutation.mutators import mutation_operators

from benchmarks.program import ROOT

PACKAGE = Path("src/hypnos_pipeline")
TESTS = {
    "training/losses.py": ("training/test_losses.py", "reference/test_hypnos.py"),
    "training/draws.py": ("training/test_streams.py", "training/test_draws.py"),
    "training/table_3.py": ("training/test_streams.py", "training/test_draws.py"),
    "metrics/frechet.py": ("metrics/test_set_distances.py", "reference/test_frechet.py"),
    "metrics/kid.py": ("metrics/test_set_distances.py", "reference/test_kid.py"),
    "imaging/compositing.py": ("imaging/test_compositing.py", "imaging/test_pool.py"),
    "provenance/comparison.py": ("provenance/test_comparison.py", "provenance/test_reproduction.py"),
}
"""Module → files under ``tests/`` that cover it, the quickest first."""
TYPE_ALIAS = m.Assign(value=m.Subscript(value=m.Name("Literal")))
GOAL = 0.95
SERVER = multiprocessing.get_context("forkserver")
LIBRARIES = [
    "torch",
    "scipy.optimize",
    "skimage.color",
    "transformers",
    "diffusers",
    "hypothesis",
    "dvc.repo",
]
"""Imported once, in the process whose copies run the tests; the package itself is not."""
TIMEOUT = 600
"""Seconds after which a mutant counts as caught: it makes a loop endless."""


@dataclass(frozen=True)
class Mutant:
    """One module with one change.

    Attributes:
        module: Its path under the package.
        code: The changed module.
        change: The line's number, the line as it is and as it is in the mutant.
    """

    module: str
    code: str
    change: str


class Changes(cst.CSTVisitor):
    """Collects the changes of a module: nodes and what stands in their place."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Notes what each of mutmut's operators makes of a node; types and decorators stay as they are."""
        if isinstance(node, cst.Annotation | cst.Decorator) or m.matches(node, TYPE_ALIAS):
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                self.found += [(node, changed) for changed in operator(node)]
        return True


def draw(count: int, seed: int, modules: Sequence[str]) -> list[Mutant]:
    """Draws changes of all modules alike, then makes the mutants of some modules."""
    every: list[tuple[str, cst.Module, cst.CSTNode, cst.CSTNode]] = []
    for module in TESTS:
        tree = cst.parse_module((ROOT / PACKAGE / module).read_text(encoding="utf-8"))
        changes = Changes()
        tree.visit(changes)
        every += [(module, tree, old, new) for old, new in changes.found]
    drawn = random.Random(seed).sample(every, min(count, len(every)))
    return [mutant(*change) for change in drawn if change[0] in modules]


def mutant(module: str, tree: cst.Module, old: cst.CSTNode, new: cst.CSTNode) -> Mutant:
    """Makes one change of a module."""
    changed = tree.deep_replace(old, new)
    assert isinstance(changed, cst.Module)
    lines = zip(tree.code.splitlines(), changed.code.splitlines(), strict=False)
    number, (before, after) = next((n, pair) for n, pair in enumerate(lines, start=1) if pair[0] != pair[1])
    return Mutant(module, changed.code, f"{number}: {before.strip()}  →  {after.strip()}")


def run_tests(folder: Path, module: str) -> None:
    """Runs a module's tests with the package in a folder; the process ends with pytest's exit status."""
    os.chdir(ROOT)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)  # for the processes that tests start
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    sys.exit(pytest.main([*options, *(f"tests/{name}" for name in TESTS[module])]))


def passes(folder: Path, module: str) -> bool:
    """Whether a module's tests pass with the package as it is in a folder.

    Raises:
        RuntimeError: If pytest found no tests or could not begin.
    """
    process = SERVER.Process(target=run_tests, args=(folder, module))
    process.start()
    process.join(TIMEOUT)
    if process.is_alive():
        process.kill()
        return False
    code = process.exitcode or 0
    if code > 2:
        raise RuntimeError(f"pytest on {', '.join(TESTS[module])}: exit code {code}")
    return code == 0


def survivors(mutants: Sequence[Mutant], workers: int) -> Iterator[Mutant]:
    """Yields the mutants that no test notices; each worker has a copy of the package.

    Raises:
        RuntimeError: If a module's tests fail without any change.
    """
    folders: SimpleQueue[Path] = SimpleQueue()

    def survives(each: Mutant) -> bool:
        folder = folders.get()
        file = folder / PACKAGE.name / each.module
        kept = file.read_bytes()
        file.write_text(each.code, encoding="utf-8")
        try:
            return passes(folder, each.module)
        finally:
            file.write_bytes(kept)
            folders.put(folder)

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(workers) as pool:
        for worker in range(workers):
            shutil.copytree(ROOT / PACKAGE, Path(name, str(worker), PACKAGE.name))
            folders.put(Path(name, str(worker)))
        for module in {each.module for each in mutants}:
            if not passes(Path(name, "0"), module):
                raise RuntimeError(f"{module}: its tests fail without any change: {', '.join(TESTS[module])}")
        yield from (each for each, lives in zip(mutants, pool.map(survives, mutants), strict=True) if lives)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the survivors and how many were caught; exits with 1 where these are too few."""
    parser = argparse.ArgumentParser(description="Whether the tests notice small errors")
    parser.add_argument("--count", type=int, default=200, help="mutants drawn of all modules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    parser.add_argument(
        "--only", nargs="+", choices=TESTS, default=list(TESTS), help="those of these modules"
    )
    settings = parser.parse_args(arguments)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    SERVER.set_forkserver_preload(["__main__", *LIBRARIES])
    mutants = draw(settings.count, settings.seed, settings.only)
    caught = len(mutants)
    for each in survivors(mutants, settings.workers):
        print(f"not noticed: {each.module}:{each.change}", flush=True)
        caught -= 1
    share = caught / len(mutants)
    print(f"{caught} of {len(mutants)} mutants caught, {share:.1%}; goal {GOAL:.0%}")
    sys.exit(share < GOAL)


if __name__ == "__main__":
    main()
