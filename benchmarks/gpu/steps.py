"""Seconds a step of each family, of the bare step, and the memory of their moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.bench import Bench, size_of
from benchmarks.subject import SUBJECT
from benchmarks.trainings import bare_step, finetuning

if TYPE_CHECKING:
    from hypnos_pipeline.training.optimisation import Trainee

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
    noun = bench.whole.subjects[SUBJECT].noun
    bare = bare_step(
        model,
        training.updater.optimiser,
        (method.instance_batch, method.class_batch),
        (training.plain_prompt, f"a photo of {noun}"),
        latents.shape,
        scaler=training.updater.scaler,
        context=lambda: autocast(bench.runtime, bench.device),
    )
    numbers = count(1)
    take_turns(bench, turns, {"dreambooth": (training.step, numbers), "bare": (bare, numbers)})
    memory(bench, "dreambooth", training, numbers, {"step": lambda: training.step(next(numbers))})


def hypnos(bench: Bench, turns: Turns) -> None:
    """Measures HYPNOS while L_p acts and after."""
    from hypnos_pipeline.training.frozen_vae import frozen_vae

    method, model = bench.whole.methods.hypnos["hypnos"], bench.model()
    with frozen_vae(model, bench.runtime):
        training = finetuning(
            bench.whole, method, model, bench.sections["pool"], bench.latents, bench.runtime
        )
        early, late = count(1), count(method.perceptual_steps() + 1)
        take_turns(
            bench,
            turns,
            {"hypnos_early": (training.step, early), "hypnos_late": (training.step, late)},
        )
        moments = {
            "step with L_p": lambda: training.step(next(early)),
            "step": lambda: training.step(next(late)),
        }
        every = method.gradient_log_every
        log = count(every, every)
        moments["step with L_p and gradient log"] = lambda: training.step(next(log))
        memory(bench, "hypnos", training, early, moments)
    training.updater.release()
    preview(bench, method, model)


def textual_inversion(bench: Bench, turns: Turns) -> None:
    """Measures Textual Inversion."""
    from hypnos_pipeline.training.textual_inversion import TokenTraining

    method = next(iter(bench.whole.methods.textual_inversion.values()))
    noun, latents = bench.whole.subjects[SUBJECT].noun, bench.latents
    training = TokenTraining(bench.model(), latents, method, noun, bench.whole.seed, bench.runtime)
    numbers = count(1)
    with training.inserted():
        take_turns(bench, turns, {"textual_inversion": (training.step, numbers)})
        memory(bench, "textual_inversion", training, numbers, {"step": lambda: training.step(next(numbers))})


def take_turns(
    bench: Bench, turns: Turns, contestants: dict[str, tuple[Callable[[int], Any], Iterator[int]]]
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


def memory(
    bench: Bench,
    family: str,
    training: Trainee,
    numbers: Iterator[int],
    moments: dict[str, Callable[[], Any]],
) -> None:
    """Measures the peaks of some moments, and what a training holds between them, by kind."""
    updaters = list(training.updaters.values())
    training.step(next(numbers))  # pyright: ignore[reportAttributeAccessIssue]
    kinds = {
        "gradients": size_of([each.grad for updater in updaters for each in updater.parameters]),
        "optimiser": size_of([each for updater in updaters for each in updater.state()[0].values()]),
    }
    for updater in updaters:
        updater.release()
    bench.release()
    _, held = bench.measure(lambda: None)
    kinds["weights"] = held - kinds["optimiser"] if held else 0
    peaks = {moment: bench.measure(work)[1] for moment, work in moments.items()}
    bench.add(what="memory", of=family, kinds=kinds, moments=peaks)


def preview(bench: Bench, method: Any, model: Any) -> None:
    """Measures one preview, as the loop takes it between two steps."""
    from hypnos_pipeline.prompting.templates import instance_phrase
    from hypnos_pipeline.training.previews import PreviewStrip

    phrase, size = instance_phrase(bench.whole.subjects[SUBJECT]), bench.whole.image_size
    strip = PreviewStrip(
        method.previews, phrase, seed=bench.whole.seed, runtime=bench.runtime, image_size=size
    )
    strip.watch(model)
    seconds, peak = bench.measure(lambda: strip.after(method.previews.every))
    bench.add(what="preview", seconds=seconds)
    bench.add(what="memory", of="preview", kinds={}, moments={"preview": peak})
