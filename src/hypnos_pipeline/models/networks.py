"""The evaluation's and L_p's frozen networks, each read from a folder and kept (``models/kept.py``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.kept import kept
from hypnos_pipeline.models.libraries import prepare_transformers
from hypnos_pipeline.models.loaded_weights import filled, load_whole, require_finite
from hypnos_pipeline.models.preprocessing import Preprocessing, read_preprocessing

if TYPE_CHECKING:
    import torch
    from transformers import CLIPTokenizer

BATCH = 32


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """A network that turns images into one vector each.

    Attributes:
        model: The frozen network.
        preprocessing: From images in [0, 1] to its input.
        forward: From its input to features N×D.
    """

    model: torch.nn.Module
    preprocessing: Preprocessing
    forward: Callable[[torch.Tensor], torch.Tensor]

    def embed(self, images: torch.Tensor, batch: int = BATCH) -> torch.Tensor:
        """Embeds images.

        Args:
            images: Float, [0, 1], N×3×H×W, any size.
            batch: Images per forward pass; does not change the result.

        Returns:
            Float32 features N×D, not normalised, on the images' device.
        """
        import torch

        device = next(self.model.parameters()).device
        with torch.no_grad():
            features = [
                self.forward(self.preprocessing(part.to(device, torch.float32))).float()
                for part in images.split(batch)
            ]
        return torch.cat(features).to(images.device)


@dataclass(frozen=True, eq=False)
class ClipNetwork:
    """CLIP: images and texts in one space.

    Attributes:
        model: The frozen ``CLIPModel``.
        tokenizer: Its tokenizer.
        images: Its image tower with projection.
    """

    model: Any
    tokenizer: CLIPTokenizer
    images: ImageEncoder

    def embed_images(self, images: torch.Tensor, batch: int = BATCH) -> torch.Tensor:
        """Embeds images (float, [0, 1], N×3×H×W) as projected features, float32, N×D."""
        return self.images.embed(images, batch)

    def embed_texts(self, texts: list[str], batch: int = BATCH) -> torch.Tensor:
        """Embeds texts as projected features, float32, N×D; texts are cut at the model's length."""
        import torch

        features = []
        for start in range(0, len(texts), batch):
            tokens = self.tokenizer(
                texts[start : start + batch], padding="max_length", truncation=True, return_tensors="pt"
            ).to(self.model.device)
            with torch.no_grad():
                features.append(self.model.get_text_features(**tokens).pooler_output.float().cpu())
        return torch.cat(features)


def save_named(tensors: Mapping[str, torch.Tensor], architecture: str, folder: Path) -> None:
    """Writes a network of our own kinds: ``model.safetensors``, and ``config.json`` with its architecture."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": architecture}) + "\n", encoding="utf-8")


def architecture_of(folder: Path) -> str | None:
    """Returns the architecture that a folder's ``config.json`` names."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architecture")


@kept
def load_timm(path: Path, device: str = "cpu") -> torch.nn.Module:
    """Loads a timm folder (``model.safetensors``, ``config.json``), float32, frozen, in evaluation mode.

    The network's ``.pretrained_cfg``, from ``config.json``, has ``mean``, ``std`` and ``input_size``.
    """
    import timm
    from safetensors.torch import load_file

    file = Path(path) / "model.safetensors"
    try:
        network = timm.create_model(f"local-dir:{path}", pretrained=True)
    except RuntimeError:  # torch's, with every name there is; ours is short
        filled(timm.create_model(f"local-dir:{path}"), load_file(file), file)
        raise
    require_finite(file, network.state_dict(), [file])
    return _frozen(network, device)


@kept
def load_vit(path: Path, device: str = "cpu") -> ImageEncoder:
    """Loads a transformers ViT folder whose features are the last layer's [CLS] (DINO)."""
    prepare_transformers()
    from transformers import ViTModel

    heads = r"(vit\.)?pooler\.|classifier\.|head\."
    network = load_whole(ViTModel, Path(path), "model", heads, add_pooling_layer=False)
    model = _frozen(network, device)
    return ImageEncoder(
        model, read_preprocessing(Path(path)), lambda x: model(pixel_values=x).last_hidden_state[:, 0]
    )


@kept
def load_clip(path: Path, device: str = "cpu") -> ClipNetwork:
    """Loads a transformers CLIP folder with its tokenizer, float32, frozen, in evaluation mode."""
    prepare_transformers()
    from transformers import CLIPModel, CLIPTokenizer

    model = _frozen(load_whole(CLIPModel, Path(path), "model"), device)
    tokenizer = CLIPTokenizer.from_pretrained(str(path), local_files_only=True)
    # A tokenizer saved without its configuration knows no length (1e30).
    tokenizer.model_max_length = min(
        tokenizer.model_max_length, model.config.text_config.max_position_embeddings
    )
    images = ImageEncoder(
        model,
        read_preprocessing(Path(path)),
        lambda x: model.get_image_features(pixel_values=x).pooler_output,
    )
    return ClipNetwork(model, tokenizer, images)


def _frozen(model: Any, device: str) -> Any:
    return model.eval().requires_grad_(False).to(device)
