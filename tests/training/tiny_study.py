"""A subject of random 16 px pictures with everything that training reads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.storage.settings import OFF
from hypnos_pipeline.training.settings import DiscriminatorSettings, HypnosSettings
from tests.tiny_models import tiny_text_to_image

PHOTOS = ("one", "two", "three")
SIZE = 16
SEED = 42
PHRASE = "sks robot"
PLAIN = f"a photo of {PHRASE}"
RUNTIME = RuntimeSettings(threads=1)
DISCRIMINATOR = DiscriminatorSettings(steps=4, width=24, depth=2, convolution_channels=4)
COLOURS = ("red", "green", "blue", "yellow")


def picture(*key: object) -> np.ndarray:
    """A smooth random uint8 picture that depends on the key alone."""
    draws = np.random.default_rng(list(repr(key).encode()))
    coarse = draws.integers(0, 256, (4, 4, 3))
    return coarse.repeat(SIZE // 4, 0).repeat(SIZE // 4, 1).astype(np.uint8)


def image_set(rows: list[dict]) -> ImageSet:
    for index, row in enumerate(rows):
        row["name"] = f"{index:03d}"
    return ImageSet(
        {row["name"]: picture(row["name"], row.get("photo"), row.get("kind")) for row in rows}, rows
    )


def pool(recoloured: int = 3, resized: int = 2, photos: tuple[str, ...] = PHOTOS) -> ImageSet:
    rows = []
    for photo in photos:
        rows.append({"photo": photo, "kind": "original", "prompt": f"{PLAIN}, ohwx background"})
        for kind, count in (("recoloured", recoloured), ("resized", resized)):
            for index in range(count):
                colour = COLOURS[index % len(COLOURS)]
                rows.append({"photo": photo, "kind": kind, "prompt": f"{PLAIN}, {colour} background"})
    return image_set(rows)


def fakes(photos: tuple[str, ...] = PHOTOS) -> ImageSet:
    kinds = ("negative", "masked", "coloured_negative", "coloured_masked")
    return image_set([{"photo": photo, "kind": kind} for photo in photos for kind in kinds])


def class_prior(count: int = 4) -> ImageSet:
    return image_set([{"prompt": "a photo of robot"} for _ in range(count)])


@lru_cache(maxsize=1)
def latents():
    """The posteriors of the subject, as the tiny VAE gives them."""
    from hypnos_pipeline.training.latents import LatentCache

    sections = {"pool": pool(), "fakes": fakes(), "class_prior": class_prior()}
    return LatentCache.encode(tiny_text_to_image().vae, sections)


def efficientnet():
    """timm's smallest EfficientNet with random weights and calibrated-looking BatchNorm statistics."""
    import timm
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = timm.create_model("test_efficientnet", num_classes=4)
    return network.eval()


def perceptual(model, settings: HypnosSettings, runtime: RuntimeSettings = RUNTIME):
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    network, context = efficientnet().to(model.device), lambda: autocast(runtime, model.device)
    return PerceptualLoss(network, pool().stack(), settings.perceptual, model.vae, context)


def adversary(device="cpu"):
    from hypnos_pipeline.training.finetuning import Adversary
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator

    network = LatentDiscriminator(DISCRIMINATOR, latents().shape, SEED)
    return Adversary(network.to(device), DISCRIMINATOR)


def hypnos(**changes) -> HypnosSettings:
    """HYPNOS as in the paper, in few steps and small batches."""
    defaults = {
        "learning_rate": 1e-4,
        "steps": 4,
        "instance_batch": 2,
        "class_batch": 2,
        "gradient_log_every": 2,
    }
    return HypnosSettings(**defaults | changes)


def finetuning(settings: HypnosSettings, checkpoints=OFF, model=None, previews=None, runtime=RUNTIME):
    """A run on a fresh tiny model with all networks."""
    from hypnos_pipeline.training.finetuning import Finetuning

    model = model or tiny_text_to_image()
    return Finetuning(
        model,
        latents(),
        settings,
        plain_prompt=PLAIN,
        seed=SEED,
        runtime=runtime,
        perceptual=perceptual(model, settings, runtime),
        adversary=adversary(model.device),
        previews=previews,
        checkpoints=checkpoints,
    )


def weights(*networks) -> list:
    """Copies of all tensors of networks, BatchNorm statistics included."""
    return [tensor.detach().clone() for network in networks for tensor in network.state_dict().values()]


def same(first: list, second: list) -> bool:
    """Whether two lists of tensors are equal bit for bit."""
    import torch

    return len(first) == len(second) and all(map(torch.equal, first, second))
