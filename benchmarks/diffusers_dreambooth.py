"""Our DreamBooth against diffusers' own ``examples/dreambooth/train_dreambooth.py``, both as whole commands.

Same miniature model, same photos of 1–2k pixels, same class images, batch, rate, prior preservation and
training of the text encoder. The cost of a step is the slope between a short and a long run, so that start,
loading and saving fall out; the ratio of the long runs, which include these, stands beside it. So does the
bare step of ``training_steps``: no trainer with this arithmetic can cost less.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import miniature, training_steps
from benchmarks.measuring import Cost, Ratio, compare, run_child, slope
from benchmarks.program import options, parse, run_own, show
from benchmarks.subject import LONG_SIDES, SUBJECT, image_set, write_photos
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.training.settings import DreamBoothSettings

PROGRAM = "diffusers_dreambooth"
SCRIPT = Path("examples/dreambooth/train_dreambooth.py")
STEPS = (8, 48)  # whole turns of the bare step
GOAL = 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios; with ``--part`` does one part of the work and prints none."""
    parser = options("DreamBooth against diffusers' own script", rounds=3)
    parser.add_argument("--diffusers", type=Path, help="a checkout of diffusers")
    parser.add_argument(
        "--python", default=sys.executable, help="interpreter for its script (needs accelerate)"
    )
    parser.add_argument("--part", choices=("prepare", "ours", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    settings = parse(parser, arguments)
    if settings.part == "prepare":
        prepare(settings.folder)
    elif settings.part == "ours":
        train_ours(settings.folder, settings.steps, settings.threads)
    elif settings.part == "bare":
        turn, done = training_steps.bare(settings, distinct=True), 0
        while done < settings.steps:
            done += turn()
    elif settings.diffusers is None or not (settings.diffusers / SCRIPT).is_file():
        parser.error(f"--diffusers: expected a checkout of diffusers, in which {SCRIPT} lies")
    else:
        steps = (1, 2) if settings.smallest else STEPS
        with tempfile.TemporaryDirectory() as name:
            run_own(PROGRAM, settings, "--part=prepare", f"--folder={name}")
            ratios = measure(Path(name), settings, steps)
        setting = {"photos": f"long sides {LONG_SIDES}", "steps": steps}
        show(parser.description or "", settings, ratios, setting)


def measure(folder: Path, settings: argparse.Namespace, steps: tuple[int, int]) -> list[Ratio]:
    """Runs both commands short and long, in turn, and compares them."""

    def own(part: str, count: int) -> Cost:
        return run_own(PROGRAM, settings, f"--part={part}", f"--steps={count}", f"--folder={folder}")

    bare, ours, theirs = [], [], []
    for _ in range(settings.rounds):
        bare.append([own("bare", count) for count in steps])
        ours.append([own("ours", count) for count in steps])
        theirs.append([run_theirs(folder, count, settings) for count in steps])
    bare_step, our_step, their_step = (
        [slope(few, many, steps) for few, many in each] for each in (bare, ours, theirs)
    )
    our_long, their_long = ([many for _, many in each] for each in (ours, theirs))
    whole = f"whole command of {steps[1]} steps, start-up included"
    return [
        compare("our DreamBooth step : train_dreambooth.py's step", our_step, their_step, goal=GOAL),
        compare("the bare step, distinct prompts : train_dreambooth.py's step", bare_step, their_step),
        compare(f"our DreamBooth : train_dreambooth.py, {whole}", our_long, their_long),
        compare("our DreamBooth : train_dreambooth.py, peak memory", our_long, their_long, of="memory"),
    ]


def run_theirs(folder: Path, steps: int, settings: argparse.Namespace) -> Cost:
    """Runs diffusers' script to its end."""
    whole, method = miniature.study(), next(iter(miniature.study().methods.dreambooth.values()))
    options = script_options(whole, method, folder, steps)
    command = [settings.python, str(settings.diffusers / SCRIPT), *options]
    return run_child(command, threads=settings.threads, cwd=folder, ACCELERATE_USE_CPU="true")


def script_options(whole: Study, method: DreamBoothSettings, folder: Path, steps: int) -> list[str]:
    """Returns the options with which diffusers' script trains what a study's DreamBooth trains.

    Args:
        whole: The study.
        method: Its DreamBooth.
        folder: Where ``model``, ``photos`` and ``class`` are.
        steps: How many.
    """
    noun = whole.subjects[SUBJECT].noun
    values = {
        "pretrained_model_name_or_path": folder / "model",
        "instance_data_dir": folder / "photos",
        "class_data_dir": folder / "class",
        "output_dir": folder / f"theirs_{steps}",
        "instance_prompt": f"a photo of sks {noun}",
        "class_prompt": f"a photo of {noun}",
        "num_class_images": whole.class_prior.count,
        "resolution": whole.image_size,
        "train_batch_size": method.instance_batch,
        "learning_rate": method.learning_rate,
        "lr_scheduler": "constant",
        "max_train_steps": steps,
        "checkpointing_steps": 10**6,
        "seed": whole.seed,
    }
    flags = ["--with_prior_preservation", "--train_text_encoder"]
    return flags + [part for name, value in values.items() for part in (f"--{name}", str(value))]


def train_ours(folder: Path, steps: int, threads: int) -> None:
    """Trains DreamBooth as our pipeline does, from photos on disk to a saved model."""
    from PIL import ImageOps

    from hypnos_pipeline.imaging.photos import read_photos
    from hypnos_pipeline.models.text_to_image import save_text_to_image
    from hypnos_pipeline.training.finetuning import Finetuning
    from hypnos_pipeline.training.latents import LatentCache

    runtime, whole = miniature.runtime(threads), miniature.study()
    method = next(iter(whole.methods.dreambooth.values())).general_form()
    noun, square = whole.subjects[SUBJECT].noun, (whole.image_size, whole.image_size)
    pool, prior = (
        {name: np.asarray(ImageOps.fit(photo, square)) for name, photo in read.photos.items()}
        for read in (read_photos(folder / "photos"), read_photos(folder / "class"))
    )
    model = miniature.text_to_image()
    rows = [{"name": name, "photo": name, "kind": "original", "prompt": ""} for name in pool]
    sections = {
        "pool": ImageSet(pool, rows),
        "class_prior": image_set(prior, prompt=f"a photo of {noun}"),
    }
    Finetuning(
        model,
        LatentCache.encode(model.vae, sections),
        method.model_copy(update={"steps": steps}),
        plain_prompt=f"a photo of sks {noun}",
        seed=whole.seed,
        runtime=runtime,
    ).run()
    save_text_to_image(model, folder / f"ours_{steps}")


def prepare(folder: Path) -> None:
    """Writes what both trainers read.

    The subject's photos enlarged to 1–2k pixels, class images, and the miniature in float32, on which theirs
    insists.
    """
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(miniature.text_to_image(), folder / "model")
    write_photos(folder, miniature.study())


if __name__ == "__main__":
    main()
