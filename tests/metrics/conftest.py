"""Random images and tiny networks, shared by the metrics' tests."""

from __future__ import annotations

import pytest

from tests.tiny_models import save_tiny_clip, save_tiny_timm, save_tiny_vit


def random_images(count: int, size: int = 64, seed: int = 0):
    """Smooth random images, float32 [0, 1], count×3×size×size."""
    import torch
    from torch.nn.functional import interpolate

    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=generator)
    fine = interpolate(coarse, (size, size), mode="bicubic")
    return (fine + 0.1 * torch.randn(count, 3, size, size, generator=generator)).clamp(0, 1)


def as_bytes(images):
    """Float images N×3×H×W as uint8 arrays H×W×3."""
    return list((images * 255).round().byte().permute(0, 2, 3, 1).numpy())


@pytest.fixture(scope="session")
def network_folders(tmp_path_factory):
    """Folders of the tiny networks, by field of ``ModelsSettings``."""
    root = tmp_path_factory.mktemp("networks")
    save_tiny_vit(root / "dino")
    save_tiny_clip(root / "clip")
    save_tiny_clip(root / "clip_b32", image_size=24, seed=1)
    save_tiny_timm(root / "inception", "test_resnet", seed=1)
    save_tiny_timm(root / "lpips", "test_resnet", seed=2)
    return {name: root / name for name in ("dino", "clip", "clip_b32", "inception", "lpips")}


@pytest.fixture(scope="session")
def models(network_folders, tmp_path_factory):
    """``ModelsSettings`` of the tiny networks; the base model's folder is not there."""
    from hypnos_pipeline.models.settings import ModelReference, ModelsSettings

    references = {name: ModelReference(folder=str(folder)) for name, folder in network_folders.items()}
    absent = ModelReference(folder="absent")
    return ModelsSettings(text_to_image=absent, perceptual=absent, **references)


@pytest.fixture(scope="session")
def networks(models):
    """All tiny networks, loaded."""
    import torch

    from hypnos_pipeline.metrics.features import load_metric_networks
    from hypnos_pipeline.metrics.registry import METRICS

    return load_metric_networks(dict(models), METRICS, torch.device("cpu"))


@pytest.fixture(scope="session")
def mini_clip(project_root):
    """The embedded miniature's CLIP."""
    from hypnos_pipeline.models.networks import load_clip

    return load_clip(project_root / "data/01_raw/models/mini/clip")


@pytest.fixture(scope="session")
def autoencoded(project_root):
    """A function that passes uint8 images N×64×64×3 through the embedded model's autoencoder."""
    import torch
    from diffusers import AutoencoderKL

    folder = project_root / "data/01_raw/models/mini/text_to_image/vae"
    vae = AutoencoderKL.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    @torch.no_grad()
    def through(images):
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        decoded = vae.decode(vae.encode(pixels).latent_dist.mean).sample
        return ((decoded + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()

    return through


@pytest.fixture(scope="session")
def generated_scenes(project_root):
    """Images of the embedded model by scene prompts, as studies sample them: scene to 3×64×64×3 uint8."""
    import numpy as np
    import torch

    from hypnos_pipeline.miniworld.render.words import SCENES
    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.settings import SamplerSettings
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    model = load_text_to_image(project_root / "data/01_raw/models/mini/text_to_image", torch.device("cpu"))
    prompts = [f"a photo of a figurine {words}" for words in SCENES.values() for _ in range(3)]
    sampling = SamplerSettings(steps=20, guidance=5.0, batch=24)
    images = np.stack(generate(model, prompts, [*range(len(prompts))], sampling, 64, progress=None))
    return {name: images[3 * k : 3 * k + 3] for k, name in enumerate(SCENES)}
