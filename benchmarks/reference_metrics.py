"""Every metric of a cell by the library that it comes from, one image or one pair at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from cleanfid.fid import fid_from_feats, kernel_distance
from torch import Tensor
from torch.nn.functional import cosine_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure
from transformers import CLIPImageProcessor, ViTImageProcessor

from benchmarks import miniature
from benchmarks.cell import Cell, Scores
from hypnos_pipeline.metrics.background_obeyed import background_obeyed

FOREGROUND = "foreground_"


class Reference:
    """One evaluation of a cell.

    Args:
        cell: What is evaluated.
        remember: Whether an image's embedding is kept for the next pair; new at every evaluation.
    """

    def __init__(self, cell: Cell, remember: bool) -> None:
        self.cell, self.remember = cell, remember
        self.networks: Any = cell.networks  # none of which is missing here
        self.kept: dict[tuple[Any, ...], Tensor] = {}
        models = miniature.study().models
        self.processors = {
            "dino": ViTImageProcessor.from_pretrained(miniature.folder(models.dino)),
            "clip": CLIPImageProcessor.from_pretrained(miniature.folder(models.clip)),
        }
        self.pairwise: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
            "dino": lambda a, b: float(cosine_similarity(self.embed("dino", a), self.embed("dino", b))),
            "clip_i": lambda a, b: float(cosine_similarity(self.embed("clip", a), self.embed("clip", b))),
            "ssim": partial(_similarity, structural_similarity_index_measure),
            "psnr": partial(_similarity, peak_signal_noise_ratio),
            "lpips": lambda a, b: float(cell.lpips(as_batch(a), as_batch(b), normalize=True)),
        }

    @torch.no_grad()
    def scores(self) -> Scores:
        """Returns the mean of every prompt set and metric that is defined there."""
        found: Scores = {}
        photos = [self.cell.photos.images[name] for name in sorted(self.cell.photos.images)]
        for prompt_set in dict.fromkeys(row["prompt_set"] for row in self.cell.samples.manifest):
            rows = self.cell.samples.rows(prompt_set=prompt_set)
            images = [self.cell.samples.images[row["name"]] for row in rows]
            for metric in self.cell.metrics:
                if metric in self.pairwise:
                    values = [self.pairwise[metric](a, b) for a, b in product(images, photos)]
                elif metric.startswith(FOREGROUND) or metric == "background_obeyed":
                    if not rows[0]["colour"]:
                        continue
                    values = self._requested(metric, images, [row["colour"] for row in rows])
                elif metric in ("clip_t", "clip_t_paper"):
                    values = self._prompted(metric, images, rows)
                else:
                    values = [self._distance(metric, images, photos)]
                found[prompt_set, metric] = float(np.mean(values))
        return found

    def embed(self, network: str, image: np.ndarray) -> Tensor:
        """Embeds one image with DINO or CLIP (miniature), 1×D."""
        return self._once((network, image.tobytes()), lambda: self._embed(network, image))

    def _embed(self, network: str, image: np.ndarray) -> Tensor:
        pixels = self.processors[network](images=image, return_tensors="pt").pixel_values
        if network == "dino":
            return self.networks.dino.model(pixel_values=pixels).last_hidden_state[:, 0]
        return self.networks.clip.model.get_image_features(pixel_values=pixels).pooler_output

    def _once(self, key: tuple[Any, ...], make: Callable[[], Tensor]) -> Tensor:
        if not self.remember:
            return make()
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def _requested(self, metric: str, images: list[np.ndarray], colours: list[str]) -> list[float]:
        """Computes a metric of a requested background colour: against the cut-outs on it, or the colour."""
        requested = list(zip(images, colours, strict=True))
        if metric == "background_obeyed":  # scikit-image's ΔE, image by image
            return [background_obeyed(image[None], [colour]).item() for image, colour in requested]
        function = self.pairwise[metric.removeprefix(FOREGROUND)]
        cut_outs = self.cell.cut_outs
        return [function(image, cut_out) for image, colour in requested for cut_out in cut_outs.on(colour)]

    def _prompted(self, metric: str, images: list[np.ndarray], rows: list[dict[str, Any]]) -> list[float]:
        values = []
        for image, row in zip(images, rows, strict=True):
            text = row["noun_prompt"] if metric == "clip_t" else row["prompt"]
            state = self._once((metric, text), lambda text=text: self._text(metric, text))
            values.append(float(cosine_similarity(self.embed("clip", image), state)))
        return values

    def _text(self, metric: str, text: str) -> Tensor:
        """Embeds one text by CLIP, or by the text encoder of the model that was finetuned."""
        if metric == "clip_t":
            clip = self.networks.clip
            tokens = clip.tokenizer([text], padding="max_length", truncation=True, return_tensors="pt")
            return clip.model.get_text_features(**tokens).pooler_output
        ids, eos = self.cell.model.encode_prompts([text]), self.cell.model.tokenizer.eos_token_id
        end = ids[0].tolist().index(eos)
        return self.cell.model.text_encoder(ids).last_hidden_state[:, end]

    def _distance(self, metric: str, images: list[np.ndarray], photos: list[np.ndarray]) -> float:
        """Computes a distance of two sets by clean-fid, on features that come image by image."""
        ours, theirs = self._features(metric, images), self._features(metric, photos)
        if metric == "kid":
            return kernel_distance(ours, theirs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few photos make its matrices singular
            return float(fid_from_feats(ours, theirs))

    def _features(self, metric: str, images: list[np.ndarray]) -> np.ndarray:
        def both(image: np.ndarray) -> Tensor:
            features = self.networks.inception.embed(as_batch(image))
            return torch.cat([features.early, features.final], dim=1)

        rows = [
            self._once(("inception", image.tobytes()), lambda image=image: both(image)) for image in images
        ]
        early = self.networks.inception.embed(as_batch(images[0])).early.shape[1]
        features = torch.cat(rows).double().numpy()
        return features[:, :early] if metric == "fid_64" else features[:, early:]


def as_batch(image: np.ndarray) -> Tensor:
    """Returns one uint8 image H×W×3 as float 1×3×H×W in [0, 1]."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def _similarity(function: Callable[..., Any], a: np.ndarray, b: np.ndarray) -> float:
    """Computes one of torchmetrics' similarities of two uint8 images."""
    return float(function(as_batch(a), as_batch(b), data_range=1.0))
