"""The fixed linear latent: whitened principal components of 4x4 patches, 4 x 16 x 16 for 64 px.

A latent that exists before any network is trained lets the text-to-image model and the decoder be
trained at the same time; joint training of encoder and decoder was tried and gave 20 dB.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.render.dataset import save_array

PATCH, CHANNELS = 4, 4


def patches(images: np.ndarray) -> np.ndarray:
    """Cuts uint8 (n, 64, 64, 3) into (n, 16, 16, 48) float32 patches in [-1, 1]."""
    n, side = images.shape[0], images.shape[1] // PATCH
    x = images.reshape(n, side, PATCH, side, PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, side, side, -1).astype(np.float32) / 127.5 - 1


def fit_linear(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fits the map; returns ``mean`` (48,) and ``matrix`` (48, 4) such that (x - mean) @ matrix is white."""
    x = patches(images).reshape(-1, PATCH * PATCH * 3).astype(np.float64)
    mean = x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x.T))
    top = np.argsort(values)[::-1][:CHANNELS]
    matrix = vectors[:, top] / np.sqrt(values[top])
    matrix *= np.where(matrix.sum(0) < 0, -1, 1)  # eigenvectors have no sign; fix one
    return mean.astype(np.float32), matrix.astype(np.float32)


def encode_linear(images: np.ndarray, mean: np.ndarray, matrix: np.ndarray, chunk: int = 1000) -> np.ndarray:
    """Maps uint8 pictures to latents (n, 4, 16, 16) float16."""
    out = [
        ((patches(images[a : a + chunk]) - mean) @ matrix).transpose(0, 3, 1, 2).astype(np.float16)
        for a in range(0, len(images), chunk)
    ]
    return np.concatenate(out)


def mask_at_latent(alpha: np.ndarray) -> np.ndarray:
    """Averages uint8 alpha (n, 64, 64) to (n, 16, 16) uint8."""
    n, side = alpha.shape[0], alpha.shape[1] // PATCH
    x = alpha.reshape(n, side, PATCH, side, PATCH)
    return x.mean((2, 4), dtype=np.float32).round().astype(np.uint8)


def prepare(folder: Path, tokenizer, linear: Path | None = None, fit_on: int = 6000) -> None:
    """Writes what training reads: ``latents``, ``mask16``, ``tokens`` (.npy).

    The map ``linear_*.npy`` is read from ``linear``, or fitted on this set and written beside it.
    """
    import json

    images = np.load(folder / "images.npy", mmap_mode="r")
    if linear is None:
        mean, matrix = fit_linear(np.asarray(images[:fit_on]))
        save_array(folder / "linear_mean.npy", mean)
        save_array(folder / "linear_matrix.npy", matrix)
    source = linear or folder
    mean, matrix = np.load(source / "linear_mean.npy"), np.load(source / "linear_matrix.npy")
    save_array(folder / "latents.npy", encode_linear(images, mean, matrix))
    save_array(folder / "mask16.npy", mask_at_latent(np.load(folder / "alpha.npy", mmap_mode="r")))
    captions = json.loads((folder / "captions.json").read_text())
    flat = [text for variants in captions for text in variants]
    ids = tokenizer(flat).input_ids
    tokens = np.full((len(flat), max(map(len, ids))), tokenizer.pad_token_id, np.int16)
    for k, row in enumerate(ids):
        tokens[k, : len(row)] = row
    save_array(folder / "tokens.npy", tokens.reshape(len(captions), -1, tokens.shape[1]))
