"""What a finetuning step of the paper's true architectures costs on a GPU: seconds, and memory by part.

Random weights, synthetic images of 512 px, batch 1 + 1, float32 master weights. Each combination of optimiser
and gradient checkpointing is tried; one that does not fit is reported as such. Steps are the pipelines' own.

    python -m benchmarks.gpu_rehearsal            on a CUDA GPU
    python -m benchmarks.gpu_rehearsal --small    a tiny model on any machine: whether it runs, no figure
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from benchmarks import miniature

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.finetuning import Finetuning
    from hypnos_pipeline.training.latents import LatentCache

SEED = 42
PROMPT = "a photo of sks robot"
GOAL_GB, LIMIT_GB = 12.0, 15.0
"""For the whole HYPNOS step: what is aimed at, and what a 16 GB GPU has room for."""
Kind = Literal["adamw", "adamw_8bit"]
COMBINATIONS: tuple[tuple[Kind, bool], ...] = tuple(product(("adamw", "adamw_8bit"), (False, True)))
"""Optimiser and whether UNet and decoder recompute their activations."""


class Bench:
    """One device with the networks that every combination starts from.

    Args:
        small: The embedded miniature at 64 px instead of Stable Diffusion 1.5 with random weights at 512.
        steps: Steps that are timed, after one that is not.
    """

    def __init__(self, small: bool, steps: int) -> None:
        from hypnos_pipeline.models.networks import load_timm
        from hypnos_pipeline.models.random.convolutional import save_random_timm
        from hypnos_pipeline.models.random.drawing import synthetic_images
        from hypnos_pipeline.models.runtime import configure
        from hypnos_pipeline.models.settings import RuntimeSettings

        self.small, self.steps, self.size = small, steps, 64 if small else 512
        precision = "float32" if small else "auto"
        self.runtime = RuntimeSettings(device="cpu" if small else "cuda", precision=precision, threads=1)
        self.device = configure(self.runtime)
        pixels = (synthetic_images(SEED, self.size, 2) * 255).round().byte().permute(0, 2, 3, 1)
        self.images = list(pixels.numpy())
        with TemporaryDirectory() as folder:
            save_random_timm(Path(folder), SEED, "test_efficientnet" if small else "efficientnet_b1")
            self.perceptual = load_timm(Path(folder), str(self.device))

    def model(self) -> TextToImage:
        """Returns a fresh model on the device."""
        from hypnos_pipeline.models.random.text_to_image import make_text_to_image

        return (miniature.text_to_image() if self.small else make_text_to_image(SEED)).to(self.device)

    def latents(self, model: TextToImage) -> LatentCache:
        """Returns the posteriors of the synthetic pool."""
        from hypnos_pipeline.imaging.image_set import ImageSet
        from hypnos_pipeline.training.latents import LatentCache

        kinds = {
            "pool": ("original", "recoloured", "resized"),
            "fakes": ("negative", "masked", "coloured_negative", "coloured_masked"),
            "class_prior": ("prior",),
        }
        rows = {
            section: [
                {"name": f"{kind}_{photo}", "kind": kind, "photo": photo, "prompt": PROMPT}
                for kind, photo in product(names, "01")
            ]
            for section, names in kinds.items()
        }
        sections = {
            section: ImageSet({row["name"]: self.images[int(row["photo"])] for row in each}, each)
            for section, each in rows.items()
        }
        return LatentCache.encode(model.vae, sections, batch=1)

    def used(self) -> float:
        """Bytes that tensors take on the GPU; 0 on a CPU, where nobody counts them."""
        import torch

        return float(torch.cuda.memory_allocated()) if self.device.type == "cuda" else 0.0

    def peak(self, work: Callable[[], Any]) -> float:
        """Runs something; returns the most bytes that it took beyond what was there before."""
        import torch

        if self.device.type != "cuda":
            work()
            return 0.0
        torch.cuda.reset_peak_memory_stats()
        before = self.used()
        work()
        return float(torch.cuda.max_memory_allocated()) - before

    def seconds(self, work: Callable[[], Any], times: int) -> float:
        """Returns the mean seconds of one call."""
        import torch

        begun = time.perf_counter()
        for _ in range(times):
            work()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - begun) / times


def finetuning(bench: Bench, family: str, kind: Kind, checkpointing: bool) -> Finetuning:
    """Makes a run of the pipelines' loop ready: ``hypnos`` with L_p in every step, or ``dreambooth``."""
    import numpy as np

    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.training import settings
    from hypnos_pipeline.training.finetuning import Adversary, Finetuning
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    optimiser = settings.Optimiser(kind=kind, gradient_checkpointing=checkpointing)
    common: dict[str, Any] = {"learning_rate": 2e-6, "steps": 1000, "optimiser": optimiser}
    model = bench.model()
    latents = bench.latents(model)
    networks: dict[str, Any] = {}
    if family == "dreambooth":
        method = settings.DreamBoothSettings(**common).general_form()
    else:
        perceptual = settings.Perceptual(steps=1000, gradient_checkpointing=checkpointing)
        method = settings.HypnosSettings(**common, perceptual=perceptual, gradient_log_every=0)
        adversary = settings.DiscriminatorSettings()
        discriminator = LatentDiscriminator(adversary, latents.shape, SEED).to(bench.device)
        images = np.stack([bench.images[int(row["photo"])] for row in latents.rows["pool"]])
        networks["perceptual"] = PerceptualLoss(
            bench.perceptual, images, perceptual, model.vae, lambda: autocast(bench.runtime, bench.device)
        )
        networks["adversary"] = Adversary(discriminator, adversary)
    return Finetuning(
        model, latents, method, plain_prompt=PROMPT, seed=SEED, runtime=bench.runtime, **networks
    )


def measure(bench: Bench, family: str, kind: Kind, checkpointing: bool) -> dict[str, Any]:
    """Times steps of one family and splits the peak of the last one; says so if it does not fit."""
    import torch

    row: dict[str, Any] = {"family": family, "optimiser": kind, "checkpointing": checkpointing}
    try:
        run = finetuning(bench, family, kind, checkpointing)
        row["weights"] = bench.used()
        run.step(1)
        step = iter(range(2, 1000))
        row["seconds"] = bench.seconds(lambda: run.step(next(step)), bench.steps)
        row["gradients"] = sum(_bytes(each.grad) for each in run.updater.parameters)
        states = run.updater.optimiser.state_dict()["state"].values()
        row["optimiser_state"] = sum(_bytes(each) for state in states for each in _tensors(state))
        run.updater.release()
        before = bench.used()
        row["activations"] = activations(bench, run)
        row["peak"] = before + bench.peak(lambda: run.step(next(step)))
    except torch.OutOfMemoryError:
        row["peak"] = float("inf")
    return row


def activations(bench: Bench, run: Finetuning) -> dict[str, float]:
    """Returns what the forward passes of one step keep and need, part by part."""
    instance, prior = run._draw(1)
    halves = [half for half in (instance, prior) if half.indexes]
    kept: dict[str, torch.Tensor] = {}

    def unet() -> None:
        prediction = run.denoiser.predict(halves, run._prompts(instance, prior))
        kept["clean"] = prediction.clean(slice(len(instance.indexes)))

    found = {"unet": bench.peak(unet)}
    if perceptual := run.perceptual:
        from hypnos_pipeline.training.perceptual import decode

        def decoder() -> None:
            kept["decoded"] = decode(run.model.vae, kept["clean"])

        found["decoder"] = bench.peak(decoder)
        found["efficientnet"] = bench.peak(
            lambda: kept.update(distance=perceptual.distance(kept["decoded"], instance.indexes))
        )
    return found


def inversion(bench: Bench) -> dict[str, Any]:
    """Times steps of textual inversion, by the difference between a longer run and one of a single step."""
    from hypnos_pipeline.training.settings import TextualInversionSettings
    from hypnos_pipeline.training.textual_inversion import textual_inversion

    def seconds(steps: int) -> float:
        model = bench.model()
        latents, method = bench.latents(model), TextualInversionSettings(steps=steps)
        others: dict[str, Any] = {"noun": "robot", "seed": SEED, "runtime": bench.runtime}
        return bench.seconds(lambda: textual_inversion(model, latents, method, **others), 1)

    bench.peak(lambda: seconds(1))  # the first run of a device also prepares it
    peak = bench.used() + bench.peak(lambda: seconds(1))
    each = (seconds(bench.steps + 1) - seconds(1)) / bench.steps
    row = {"family": "textual_inversion", "optimiser": "adamw", "checkpointing": False}
    return row | {"seconds": each, "peak": peak}


def sampling(bench: Bench) -> float:
    """Returns images per second, by the sampler of `paper` on a GPU, by two steps of it on the tiny model."""
    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.models.settings import SamplerSettings

    model, count = bench.model(), 4
    sampler = SamplerSettings(steps=2 if bench.small else 50, batch=count)
    prompts, seeds = [PROMPT] * count, list(range(count))

    def sample() -> None:
        with autocast(bench.runtime, bench.device):
            generate(model, prompts, seeds, sampler, bench.size, None)

    return count / bench.seconds(sample, 1)


def _bytes(tensor: torch.Tensor | None) -> int:
    return 0 if tensor is None else tensor.numel() * tensor.element_size()


def _tensors(state: dict[str, Any]) -> list[torch.Tensor]:
    """Returns the tensors of one parameter's state; bitsandbytes keeps its own a level deeper."""
    found = []
    for value in state.values():
        found += _tensors(value) if isinstance(value, dict) else [value] if hasattr(value, "numel") else []
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line per family and combination."""
    parser = argparse.ArgumentParser(description="A finetuning step of the true architectures on a GPU")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU: no figure")
    parser.add_argument("--steps", type=int, default=5, help="steps that are timed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    settings = parser.parse_args(arguments)
    import torch

    if not settings.small and not torch.cuda.is_available():
        parser.error("torch sees no CUDA GPU, and on a CPU these are hours; --small tries a tiny model")
    bench, rows = Bench(settings.small, settings.steps), []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        if not settings.json:
            print(as_line(row))

    for family, combination in product(("hypnos", "dreambooth"), COMBINATIONS):
        add(measure(bench, family, *combination))
        gc.collect()
        torch.cuda.empty_cache()  # does nothing where CUDA was never used
    add(inversion(bench))
    rate = sampling(bench)
    device = torch.cuda.get_device_name() if bench.device.type == "cuda" else "cpu, tiny model: no figure"
    report = {"device": device, "size": bench.size, "steps": rows, "images_a_second": rate}
    line = f"{rate:.2f} images a second at {bench.size} px on {device}"
    print(json.dumps(report) if settings.json else line)


def as_line(row: dict[str, Any]) -> str:
    """Draws one measurement; memory in GB, where there is any to tell."""
    name = f"{row['family']}, {row['optimiser']}{', checkpointing' if row['checkpointing'] else ''}"
    if row["peak"] == float("inf"):
        return f"{name}: does not fit this GPU"
    line = f"{name}: {row['seconds']:.3f} s a step"
    if not row["peak"]:
        return line
    peak = row["peak"] / 1e9
    verdict = "goal met" if peak <= GOAL_GB else "fits 16 GB" if peak <= LIMIT_GB else "too much for 16 GB"
    kept = {part: row[part] for part in ("weights", "gradients", "optimiser_state") if part in row}
    parts = kept | row.get("activations", {})
    split = ", ".join(f"{part} {size / 1e9:.2f}" for part, size in parts.items())
    return f"{line}, peak {peak:.2f} GB ({verdict}) {split}"


if __name__ == "__main__":
    main()
