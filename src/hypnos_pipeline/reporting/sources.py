"""What stands below every table: which networks gave the numbers, and how images came to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hypnos_pipeline.metrics.registry import in_order
from hypnos_pipeline.models.frechet_features import FID_INCEPTION
from hypnos_pipeline.models.reference import describe, locate
from hypnos_pipeline.reporting.labels import listed

if TYPE_CHECKING:
    from hypnos_pipeline.models.settings import ModelReference

SHORT = 12
"""Digits of a sha256 in print; twelve tell any two networks of a project apart."""


def source_lines(models: Mapping[str, ModelReference], metrics: Iterable[str]) -> list[str]:
    """Returns one line on the networks and one on preprocessing, for the metrics of a study.

    Args:
        models: Name in the study's ``models`` to reference; those that the metrics need are on this machine.
        metrics: Names in the metric registry.

    Raises:
        MissingModels: If a network is not on this machine.
    """
    users: dict[str, list[str]] = {}
    for metric in in_order(metrics):
        if metric.network:
            users.setdefault(metric.network, []).append(metric.label)
    users["text_to_image"] = ["base model"]
    networks = [f"{listed(users[name])}: {_identity(models, name)}" for name in users]
    preparations = [
        f"{listed(users[name])}: {prepare(models, name)}"
        for name, prepare in _PREPARED.items()
        if name in users
    ]
    lines = [f"Networks. {'; '.join(networks)}."]
    if preparations:
        lines.append(f"Preprocessing. {'; '.join(preparations)}; SSIM and PSNR: working size, [0, 1].")
    return lines


def _identity(models: Mapping[str, ModelReference], name: str) -> str:
    found = describe(models[name])
    revision = f" at {found['revision'][:SHORT]}" if found["revision"] else ""
    return f"{found['id']}{revision} (sha256 {str(found['sha256'])[:SHORT]})"


def _encoder(models: Mapping[str, ModelReference], name: str) -> str:
    from hypnos_pipeline.models.preprocessing import read_preprocessing

    own = read_preprocessing(locate(models[name]))
    resize = f"shorter edge to {own.resize} px, bicubic" if own.resize else "not resized"
    crop = f"centre crop {own.crop} px" if own.crop else "no crop"
    return f"{resize}, {crop}, the network's own mean and deviation"


def _inception(models: Mapping[str, ModelReference], name: str) -> str:
    configuration = json.loads((locate(models[name]) / "config.json").read_text(encoding="utf-8"))
    if configuration.get("architecture") == FID_INCEPTION:
        return "bicubic to 299 px as clean-fid does (FID-64: bilinear as TensorFlow 1 does), [-1, 1]"
    return "bicubic to the network's input size, its own mean and deviation"


_PREPARED = {
    "dino": _encoder,
    "clip": _encoder,
    "clip_b32": _encoder,
    "inception": _inception,
    "lpips": lambda *_: "working size, the network's own mean and deviation",
}
