"""How much faster more workers are: a simulation of a study's own graph, in the runner's own order.

Each node costs what ``running/costs.py`` says, whose figures were measured. Networks of another size cost as
much more as they have more parameters and larger latents. Reading and writing shared files, and machines that
differ, are left out: what is printed is the best that the graph allows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kedro.pipeline import Pipeline

from benchmarks.program import ROOT
from hypnos_pipeline.checks.duration import relative_cost
from hypnos_pipeline.checks.sizes import NetworkSizes
from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.running.costs import OTHERS, costs, followers, kind, makespan, remaining_paths
from hypnos_pipeline.study.model import STUDY_FILE, Study

ENVIRONMENTS = ("mini", "mini_findings", "mini_ablation", "paper")
WORKERS = (1, 2, 4, 8, 16, 64)
STABLE_DIFFUSION = NetworkSizes(unet=859_520_964, levels=3)
PRODUCTS, NOUNS, GPUS = 1000, ("mug", "chair", "lamp", "robot", "car"), (1, 10, 100)


def study(env: str) -> Study:
    """Returns an environment's study."""
    import yaml

    text = (ROOT / "conf" / env / STUDY_FILE).read_text(encoding="utf-8")
    return Study.from_parameters(yaml.safe_load(text))


def catalogue(count: int) -> Study:
    """Returns a shop's study: so many products of few nouns, with HYPNOS alone, in the paper's numbers."""
    whole = study("paper")
    one = next(iter(whole.subjects.values()))
    subjects = {
        f"product_{index}": one.model_copy(update={"noun": NOUNS[index % len(NOUNS)]})
        for index in range(count)
    }
    methods = whole.methods.model_copy(
        update={family: {} for family in type(whole.methods).model_fields if family != "hypnos"}
    )
    return whole.model_copy(update={"subjects": subjects, "methods": methods})


def pipeline_of(whole: Study) -> Pipeline:
    """Returns all stages of a study."""
    return Pipeline([stage.create_pipeline(whole) for stage in STAGES.values()])


def known_priors(pipeline: Pipeline, whole: Study) -> dict[str, float]:
    """Returns the seconds of class priors that another subject of the same noun has made already."""
    seen, found = set[str](), dict[str, float]()
    for node in pipeline.nodes:
        if kind(node) == "generate_class_prior":
            noun = whole.subjects[str(node.namespace).partition(".")[0]].noun
            if noun in seen:
                found[node.name] = OTHERS
            seen.add(noun)
    return found


def row(name: str, whole: Study, scale: float, workers: Sequence[int]) -> str:
    """Simulates a study; returns a table's line: gains by number of workers, and the critical path."""
    pipeline = pipeline_of(whole)
    seconds = costs(pipeline, whole, scale) | known_priors(pipeline, whole)
    alone = makespan(pipeline, seconds, 1)
    gains = [alone / makespan(pipeline, seconds, count) for count in workers]
    paths = remaining_paths(pipeline, seconds)
    longest = max(paths.values())
    return " | ".join(
        [
            f"| {name}",
            f"{len(pipeline.nodes):,}",
            *(f"{gain:.2f}" for gain in gains),
            f"{alone / longest:.2f}",
            f"{_steps(pipeline, seconds, paths)} |",
        ]
    )


def _steps(pipeline: Pipeline, seconds: dict[str, float], paths: dict[str, float]) -> str:
    """Names the nodes on the longest path that cost at least a hundredth of it."""
    after = followers(pipeline)
    here: str | None = max(paths, key=paths.__getitem__)
    whole, names = paths[here], []
    while here is not None:
        if seconds[here] >= 0.01 * whole:
            names.append(f"`{here}` {seconds[here] / whole:.0%}")
        here = max(after[here], key=paths.__getitem__, default=None)
    return ", ".join(names)


def table(rows: Sequence[str], workers: Sequence[int], name: str) -> str:
    """Returns a Markdown table of such lines."""
    counts = " | ".join(f"{count} {name}" for count in workers)
    head = f"| study | nodes | {counts} | at most | critical path |"
    return "\n".join([head, "|---|--:|" + "--:|" * (len(workers) + 1) + "---|", *rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints how many times faster than one worker each number of workers is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="a catalogue of ten products")
    products = 10 if parser.parse_args(arguments).smallest else PRODUCTS
    paper = relative_cost(STABLE_DIFFUSION, study("paper").image_size)
    rows = [row(f"`{env}`", study(env), paper if env == "paper" else 1.0, WORKERS) for env in ENVIRONMENTS]
    print(f"### How many times faster than one worker\n\n{table(rows, WORKERS, 'workers')}\n")
    shop = row(f"{products:,} products, HYPNOS alone, `paper`", catalogue(products), paper, GPUS)
    print(table([shop], GPUS, "GPUs") + "\n")


if __name__ == "__main__":
    main()
