"""Seconds a step of each family, of the bare step, and the memory of their moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.bench import Bench, size_of
from benchmarks.subject import SUBJECT
from benchmarks.trainings import bare_step, finetuning

if TYPE_CHECKING:
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.optimisation import Trainee
    from hypnos_pipeline.training.settings import Previews

WARM = 3
"""Steps before those that count: optimisers make their states, libraries choose their kernels."""


@dataclass(frozen=True)
class Turns:
    """How long it is measured: rounds of so many steps, with one gradient log (every 20 steps) in each."""

    rounds: int
    steps: int

    @classmethod
    def of(cls, bench: Bench) -> Turns:
        """Returns those that give a figure on a GPU; of the small model hardly any."""
        return cls(1, 2) if bench.small else cls(3, 20)


def run(bench: Bench) -> None:
    """Measures DreamBooth beside the bare step, then HYPNOS and Textual Inversion."""
    turns = Turns.of(bench)
    for measure in (dreambooth, hypnos, textual_inversion):
        measure(bench, turns)
        bench.release()


def dreambooth(bench: Bench, turns: Turns) -> None:
    """Measures DreamBooth, and the bare step on its very networks and optimiser, in turn."""
    from hypnos_pipeline.models.runtime import autocast

    method = next(iter(bench.whole.methods.dreambooth.values())).general_form()
    model, latents = bench.model(), bench.latents
    training = finetuning(bench.whole, method, model, bench.sections["pool"], latents, bench.runtime)
    noun, batches = bench.whole.subjects[SUBJECT].noun, (method.instance_batch, method.class_batch)
    bare = bare_step(
        model,
        training.updater.optimiser,
        batches,
        (training.plain_prompt, f"a photo of {noun}"),
        latents.shape,
        scaler=training.updater.scaler,
        context=lambda: autocast(bench.runtime, bench.device),
    )
    numbers = count(1)
    take_turns(bench, turns, {"dreambooth": (training.step, numbers), "bare": (bare, numbers)})
    kinds = held(bench, training)
    _, peak = bench.measure(lambda: training.step(next(numbers)))
    recomputed = ["unet"] * bench.runtime.recomputes("unet", method.optimiser.gradient_checkpointing)
    bench.add_memory("dreambooth", {"step": peak}, kinds, images=sum(batches), recomputed=recomputed)


def hypnos(bench: Bench, turns: Turns) -> None:
    """Measures HYPNOS while L_p acts and after, and one of its previews."""
    from hypnos_pipeline.training.frozen_vae import frozen_vae

    method, model = bench.whole.methods.hypnos["hypnos"], bench.model()
    latents, pool = bench.latents, bench.sections["pool"]
    with frozen_vae(model, bench.runtime):
        training = finetuning(bench.whole, method, model, pool, latents, bench.runtime)
        early, late = count(1), count(method.perceptual_steps() + 1)
        contestants = {"hypnos_early": (training.step, early), "hypnos_late": (training.step, late)}
        take_turns(bench, turns, contestants)
        kinds = held(bench, training)
        logged = method.gradient_log_every or 1
        after = (method.perceptual_steps() // logged + 1) * logged
        steps = {"step": logged, "step without gradient log": logged + 1, "step without L_p": after}
        moments = {name: bench.measure(partial(training.step, step))[1] for name, step in steps.items()}
        seconds, moments["preview"] = preview(bench, method.previews, model)
    bench.add(what="preview", seconds=seconds)
    recomputes = bench.runtime.recomputes
    recomputed = ["unet"] * recomputes("unet", method.optimiser.gradient_checkpointing)
    recomputed += ["decoder"] * recomputes("decoder", method.perceptual.gradient_checkpointing)
    images = method.instance_batch + method.class_batch
    bench.add_memory("hypnos", moments, kinds, images=images, recomputed=recomputed)


def textual_inversion(bench: Bench, turns: Turns) -> None:
    """Measures Textual Inversion."""
    from hypnos_pipeline.training.textual_inversion import TokenTraining

    method = next(iter(bench.whole.methods.textual_inversion.values()))
    noun, latents = bench.whole.subjects[SUBJECT].noun, bench.latents
    training = TokenTraining(bench.model(), latents, method, noun, bench.whole.seed, bench.runtime)
    numbers = count(1)
    with training.inserted():
        take_turns(bench, turns, {"textual_inversion": (training.step, numbers)})
        kinds = held(bench, training)
        _, peak = bench.measure(lambda: training.step(next(numbers)))
    recomputed = ["unet"] * bench.runtime.recomputes("unet", method.gradient_checkpointing)
    bench.add_memory("textual_inversion", {"step": peak}, kinds, images=method.batch, recomputed=recomputed)


def take_turns(
    bench: Bench, turns: Turns, contestants: Mapping[str, tuple[Callable[[int], Any], Iterator[int]]]
) -> None:
    """Measures contestants round by round; each is a step and the numbers of its steps."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for step, numbers in contestants.values():
        for _ in range(WARM):
            step(next(numbers))
    for _ in range(turns.rounds):
        for name, (step, numbers) in contestants.items():
            work = [next(numbers) for _ in range(turns.steps)]
            taken = bench.seconds(lambda step=step, work=work: [step(number) for number in work])
            seconds[name].append(taken / turns.steps)
            bench.add(what="step", of=name, seconds=seconds[name])


def held(bench: Bench, training: Trainee) -> dict[str, int]:
    """Returns what a training holds between two steps, and its gradients within one, bytes by kind."""
    updaters = list(training.updaters.values())
    for updater in updaters:
        updater.release()
    bench.release()
    kinds = {
        "gradients": size_of(each for updater in updaters for each in updater.parameters),
        "optimiser": size_of(each for updater in updaters for each in updater.state()[0].values()),
    }
    _, everything = bench.measure(lambda: None)
    return kinds | {"weights": max(everything - kinds["optimiser"], 0)}


def preview(bench: Bench, settings: Previews, model: TextToImage) -> tuple[float, int]:
    """Measures one preview, as the loop takes it between two steps."""
    from hypnos_pipeline.prompting.templates import instance_phrase
    from hypnos_pipeline.training.previews import PreviewStrip

    phrase, size = instance_phrase(bench.whole.subjects[SUBJECT]), bench.whole.image_size
    strip = PreviewStrip(settings, phrase, seed=bench.whole.seed, runtime=bench.runtime, image_size=size)
    strip.watch(model)
    return bench.measure(lambda: strip.after(settings.every))
