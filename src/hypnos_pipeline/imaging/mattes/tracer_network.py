"""TRACER-B7's network: an EfficientNet-B7 whose features a decoder turns into a matte.

Lee, Shin and Han, "TRACER: Extreme Attention Guided Salient Object Tracing Network" (2022), in the form of
carvekit (Apache 2.0), whose weights it takes: it leaves out the paper's edge branch. Written anew. The
decoder's modules are named as the published tensors are; the encoder is timm's, so its tensors are renamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

_CHANNELS = (48, 80, 224, 640)
"""Of the encoder's features at 1/4, 1/8, 1/16 and 1/32 of the image."""
_FIELD_CHANNELS = (32, 64, 128)
"""To which the last three are brought."""
_STAGE_BLOCKS = (4, 7, 7, 10, 10, 13, 4)
"""Blocks of each of EfficientNet-B7's stages, which the published names count through."""
_BACKGROUND_ALONE = 0.93
"""Above this share of background there is no edge of the object."""
_IGNORED_CHANNELS = 0.1
"""The share of channels, those of least attention, that union attention leaves out."""


class Tracer(nn.Module):
    """The network: B×3×H×W, normalised as ImageNet, H and W multiples of 32, to mattes B×1×H×W in [0, 1]."""

    def __init__(self) -> None:
        """Builds it with random weights: 66.25 million parameters."""
        super().__init__()
        self.encoder = _encoder()
        fields = zip(_CHANNELS[1:], _FIELD_CHANNELS, strict=True)
        self.rfb2, self.rfb3, self.rfb4 = (_ReceptiveField(*channels) for channels in fields)
        self.agg = _Aggregation()
        self.ObjectAttention2 = _ObjectAttention(_CHANNELS[1])
        self.ObjectAttention1 = _ObjectAttention(_CHANNELS[0])

    def forward(self, images: Tensor) -> Tensor:
        """Returns the mean of three maps, from coarse to fine, through a sigmoid."""
        quarter, eighth, sixteenth, last = self.encoder(images)
        coarse = self.agg(self.rfb2(eighth), self.rfb3(sixteenth), self.rfb4(last))
        middle = self.ObjectAttention2(coarse, eighth)
        fine = self.ObjectAttention1(_enlarged(middle, 2), quarter)
        return torch.sigmoid((_enlarged(fine, 4) + _enlarged(middle, 8) + _enlarged(coarse, 8)) / 3)


def renamed(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the published tensors by this network's names; others keep theirs."""
    return {_renamed(name): tensor for name, tensor in published.items()}


def _encoder() -> nn.Module:
    """Returns EfficientNet-B7 without its head, from an image to the features of ``_CHANNELS``.

    The published code pads for images of 600 pixels whatever their size, which differs in one layer: the only
    one whose input of 75 pixels is halved.
    """
    import timm

    encoder = timm.create_model("tf_efficientnet_b7", features_only=True, out_indices=(1, 2, 3, 4))
    halving: Any = encoder.blocks[3][0]  # pyright: ignore[reportIndexIssue]
    channels = halving.conv_dw.in_channels
    halving.conv_dw = nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False)
    return encoder


def _renamed(name: str) -> str:
    """Returns timm's name of one of the encoder's tensors; any other name as it is."""
    if found := re.fullmatch(r"encoder\._blocks\.(\d+)\._(\w+?)\.(\w+)", name):
        number, layer, tensor = found.groups()
        stage, block = 0, int(number)
        while block >= _STAGE_BLOCKS[stage]:
            block -= _STAGE_BLOCKS[stage]
            stage += 1
        return f"encoder.blocks.{stage}.{block}.{_layer(layer, stage)}.{tensor}"
    return name.replace("encoder._conv_stem.", "encoder.conv_stem.").replace("encoder._bn0.", "encoder.bn1.")


def _layer(name: str, stage: int) -> str:
    """Returns timm's name of a block's layer; the first stage's blocks do not widen, so have one less."""
    first = stage == 0
    return {
        "expand_conv": "conv_pw", "bn0": "bn1",
        "depthwise_conv": "conv_dw", "bn1": "bn1" if first else "bn2",
        "se_reduce": "se.conv_reduce", "se_expand": "se.conv_expand",
        "project_conv": "conv_pw" if first else "conv_pwl", "bn2": "bn2" if first else "bn3",
    }.get(name, name)  # fmt: skip


def _enlarged(image: Tensor, factor: int, *, aligned: bool = False) -> Tensor:
    return interpolate(image, scale_factor=factor, mode="bilinear", align_corners=aligned)


class _Convolution(nn.Module):
    """Convolution, batch normalisation, SELU; ``same`` padding."""

    def __init__(
        self, channels: int, out: int, kernel: int | tuple[int, int] = 1, dilation: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = _convolution(channels, out, kernel, dilation, groups)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.selu(self.bn(self.conv(x)))


class _Depthwise(nn.Module):
    """The same of each channel by itself, and with ``out`` the same of all channels behind it."""

    def __init__(self, channels: int, kernel: int, dilation: int = 1, out: int | None = None) -> None:
        super().__init__()
        self.DWConv = _convolution(channels, channels, kernel, dilation, channels)
        self.bn = nn.BatchNorm2d(channels)
        if out is not None:
            self.PWConv = _convolution(channels, out)
            self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.selu(self.bn(self.DWConv(x)))
        return nn.functional.selu(self.bn2(self.PWConv(x))) if hasattr(self, "PWConv") else x


def _convolution(
    channels: int, out: int, kernel: int | tuple[int, int] = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, padding="same", dilation=dilation, groups=groups, bias=False)


class _ReceptiveField(nn.Module):
    """Receptive field block: four branches that look ever further."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(_Convolution(channels, out))
        self.branch1, self.branch2, self.branch3 = (
            nn.Sequential(
                _Convolution(channels, out),
                _Convolution(out, out, (1, reach)),
                _Convolution(out, out, (reach, 1)),
                _Convolution(out, out, 3, dilation=reach),
            )
            for reach in (3, 5, 7)
        )
        self.conv_cat = _Convolution(4 * out, out, 3)
        self.conv_res = _Convolution(channels, out)

    def forward(self, x: Tensor) -> Tensor:
        branches = [branch(x) for branch in (self.branch0, self.branch1, self.branch2, self.branch3)]
        return torch.relu(self.conv_cat(torch.cat(branches, dim=1)) + self.conv_res(x))


class _Aggregation(nn.Module):
    """Brings the three fields together at 1/8 of the image, and their union attention to one map."""

    def __init__(self) -> None:
        super().__init__()
        low, middle, high = _FIELD_CHANNELS
        self.conv_upsample1 = _Convolution(high, middle, 3)
        self.conv_upsample2 = _Convolution(high, low, 3)
        self.conv_upsample3 = _Convolution(middle, low, 3)
        self.conv_upsample4 = _Convolution(high, high, 3)
        self.conv_upsample5 = _Convolution(high + middle, high + middle, 3)
        self.conv_concat2 = _Convolution(high + middle, high + middle, 3)
        self.conv_concat3 = _Convolution(high + middle + low, high + middle + low, 3)
        self.UAM = _UnionAttention(high + middle + low)

    def forward(self, low: Tensor, middle: Tensor, high: Tensor) -> Tensor:
        high_at_middle = _enlarged(high, 2, aligned=True)
        high_at_low = _enlarged(high_at_middle, 2, aligned=True)
        middle_at_low = _enlarged(middle, 2, aligned=True)
        joined = torch.cat(
            [self.conv_upsample1(high_at_middle) * middle, self.conv_upsample4(high_at_middle)], dim=1
        )
        joined_at_low = _enlarged(self.conv_concat2(joined), 2, aligned=True)
        low = self.conv_upsample2(high_at_low) * self.conv_upsample3(middle_at_low) * low
        return self.UAM(self.conv_concat3(torch.cat([low, self.conv_upsample5(joined_at_low)], dim=1)))


class _UnionAttention(nn.Module):
    """Union attention: over channels, of which the weakest are left out, then over space."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.Sequential(nn.BatchNorm2d(channels))
        self.channel_q, self.channel_k, self.channel_v, self.fc = (
            _convolution(channels, channels) for _ in range(4)
        )
        self.bn = nn.BatchNorm2d(channels)
        self.spatial_q, self.spatial_k, self.spatial_v = (_convolution(channels, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        means = self.norm(x.mean(dim=(2, 3), keepdim=True))
        q, k, v = (layer(means)[..., 0] for layer in (self.channel_q, self.channel_k, self.channel_v))
        attention = torch.sigmoid(self.fc(_attended(q, k, v)[..., None]))
        weakest = torch.quantile(attention, _IGNORED_CHANNELS, dim=1, keepdim=True)
        x = self.bn(x * attention + x) * attention.where(attention > weakest, 0.0)
        q, k, v = (layer(x)[:, 0] for layer in (self.spatial_q, self.spatial_k, self.spatial_v))
        return (_attended(q, k, v) + v)[:, None]


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.transpose(1, 2), dim=-1) @ v


class _ObjectAttention(nn.Module):
    """Object attention: refines a map where the encoder's features are the object's, or at its edge."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, eighth = channels // 2, channels // 8
        self.DWSConv = _Depthwise(channels, 3, out=half)
        self.DWConv1, self.DWConv2, self.DWConv3, self.DWConv4 = (
            nn.Sequential(_Depthwise(half, kernel, dilation), _Convolution(half, eighth))
            for kernel, dilation in ((1, 1), (3, 1), (3, 3), (3, 5))
        )
        self.conv1 = _Convolution(half, 1)

    def forward(self, found: Tensor, features: Tensor) -> Tensor:
        inside = torch.sigmoid(found)
        outside = 1 - inside
        edge = outside.where(outside <= _BACKGROUND_ALONE, 0.0)
        x = self.DWSConv(inside * features + edge * features)
        branches = [branch(x) for branch in (self.DWConv1, self.DWConv2, self.DWConv3, self.DWConv4)]
        return torch.relu(self.conv1(torch.cat(branches, dim=1) + x)) + found
