"""Configuration of exports; no result of a study depends on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hypnos_pipeline.configuration.base import Configuration

Rank = Annotated[int, Field(ge=1, le=4096)]


class ExportSettings(Configuration):
    """Ranks of a LoRA, by the kind of layer; a layer whose smaller side is less gets that.

    Attributes:
        rank: Of matrix products (attention, feed-forward, 1×1 convolutions) in UNet and text encoder; kohya's
            ``network_dim``.
        conv_rank: Of the UNet's other convolutions; kohya's ``conv_dim``.
    """

    rank: Rank = 64
    conv_rank: Rank = 64
