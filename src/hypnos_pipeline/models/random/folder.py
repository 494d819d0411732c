"""Folders of random networks, made once, by ``kedro models fetch`` or by the run itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.models.lock import ModelRecord, recorded_files, write_record
from hypnos_pipeline.models.random import convolutional, encoders, text_to_image
from hypnos_pipeline.storage.replacing import replaced_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypnos_pipeline.models.settings import ModelReference

MAKERS: dict[str, Callable[[Path, int], None]] = {
    "stable_diffusion_1_5": text_to_image.save_stable_diffusion_1_5,
    "efficientnet_b1": convolutional.save_random_timm,
    "dino_vits16": encoders.save_random_vit,
    "clip_vit_l14": encoders.save_random_clip,
    "clip_vit_b32": partial(encoders.save_random_clip, configuration=encoders.CLIP_VIT_B32),
    "fid_inception_v3": convolutional.save_random_inception,
    "alexnet_lpips": convolutional.save_random_lpips,
}
"""Architecture to what writes its folder from a seed."""


def make_random_folder(reference: ModelReference) -> ModelRecord:
    """Makes a random network where the study wants it, replacing what lies there; returns its record."""
    folder, network = Path(reference.folder), reference.random
    if network is None:
        raise ValueError(f"{reference.folder}: expected a reference with random weights")
    with replaced_folder(folder) as unfinished:
        MAKERS[network.architecture](unfinished, network.seed)
        record = ModelRecord(source=reference.id, kept=recorded_files(unfinished))
        write_record(unfinished, record)
    return record
