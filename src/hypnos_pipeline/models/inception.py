"""The Inception of FID as it was published, and the two preparations of images that the field uses with it.

The weights are those of ``inception-2015-12-05`` (Heusel et al. 2017) in the form of
``pt_inception-2015-12-05.pth``. They differ from torchvision's in value and in three details of the network:
average pooling leaves the padding out, the last block pools by the maximum, and there are 1008 classes, whose
layer no metric reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import Identity, Module
from torch.nn.functional import avg_pool2d, max_pool2d
from torchvision.models.inception import (
    BasicConv2d,
    Inception3,
    InceptionA,
    InceptionAux,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

from hypnos_pipeline.models.frechet_features import FID_INCEPTION, FrechetFeatures
from hypnos_pipeline.models.loaded_weights import filled
from hypnos_pipeline.models.networks import save_named

EDGE = 299
CLASSIFIER = "fc."


def _mean_pooled(block: type[Module]) -> type[Module]:
    """Lets a block of torchvision's average over the true neighbours only, without the padding's zeros.

    The block's own pooled branch is computed and thrown away: a tenth of the time, for no copy of
    torchvision's code.
    """

    class MeanPooled(block):
        def _forward(self, x: Tensor) -> list[Tensor]:
            pooled = avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
            return [*super()._forward(x)[:-1], self.branch_pool(pooled)]  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]

    return MeanPooled


class _MaximumPooledE(InceptionE):
    """The last block, which pools by the maximum."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [*super()._forward(x)[:-1], self.branch_pool(max_pool2d(x, 3, stride=1, padding=1))]


def _block_e(in_channels: int) -> Module:
    """Builds one of the two last blocks; only the very last one takes 2048 channels."""
    return (_MaximumPooledE if in_channels == 2048 else _mean_pooled(InceptionE))(in_channels)


class FidInceptionV3(Inception3):
    """Inception with the pooled 2048 features as its output; the keys of its state are the published ones."""

    def __init__(self) -> None:
        """Builds the network with random weights."""
        first, middle = _mean_pooled(InceptionA), _mean_pooled(InceptionC)
        blocks = [BasicConv2d, first, InceptionB, middle, InceptionD, _block_e, InceptionAux]
        super().__init__(aux_logits=False, inception_blocks=blocks, init_weights=False)
        self.fc = Identity()

    def early(self, x: Tensor) -> Tensor:
        """Returns the first pooling's averaged channels, N×64, of prepared images N×3×299×299 in [-1, 1]."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        return self.maxpool1(x).mean((2, 3))


class FidInceptionNetwork:
    """Inception as FID's libraries use it: each feature with the preparation of the library that defines it.

    The final features (``fid``, ``kid``) are clean-fid's. The early ones (``fid_64``) are torch-fidelity's
    and torchmetrics' with ``antialias=False``, which was its only way until 2025.
    """

    def __init__(self, network: FidInceptionV3) -> None:
        """Takes the network; it is frozen and put into evaluation mode here."""
        self._network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def embed(self, images: Tensor) -> FrechetFeatures:
        """Embeds float images B×3×H×W in [0, 1] of any size.

        They are rounded to 8 bits first, since both libraries begin with those.
        """
        pixels = images.float().mul(255).round()
        device = next(self._network.parameters()).device
        final = self._network(_centred(resize_like_clean_fid(pixels).to(device)))
        early = self._network.early(_centred(resize_like_tensorflow_1(pixels.to(device))))
        return FrechetFeatures(final, early)


def _centred(pixels: Tensor) -> Tensor:
    return (pixels - 128) / 128


def resize_like_clean_fid(pixels: Tensor, edge: int = EDGE) -> Tensor:
    """Resizes whole numbers in [0, 255], N×3×H×W, by Pillow's bicubic in float, without rounding again.

    Returns:
        Float32 N×3×edge×edge in [0, 255], on the CPU.
    """
    channels = pixels.float().cpu().flatten(0, 1).numpy()
    resized = [
        np.asarray(Image.fromarray(channel).resize((edge, edge), Image.Resampling.BICUBIC))
        for channel in channels
    ]
    return torch.from_numpy(np.stack(resized).clip(0, 255)).view(*pixels.shape[:2], edge, edge)


def resize_like_tensorflow_1(pixels: Tensor, edge: int = EDGE) -> Tensor:
    """Resizes floats N×3×H×W to N×3×edge×edge as TensorFlow 1's ``resize_bilinear``, on the same device.

    Pixel i of the result lies at i·(old edge / new edge): no shift by half a pixel and no antialiasing.
    """
    for axis in (3, 2):
        size = pixels.shape[axis]
        position = torch.arange(edge, dtype=pixels.dtype, device=pixels.device) * (size / edge)
        below = position.long()
        above = (below + 1).clamp(max=size - 1)
        fraction = (position - below).view(-1, *[1] * (3 - axis))
        first, second = pixels.index_select(axis, below), pixels.index_select(axis, above)
        pixels = first + (second - first) * fraction
    return pixels


def save_fid_inception(state: Mapping[str, Tensor], folder: Path) -> None:
    """Writes a folder that :func:`load_fid_inception` reads: the published tensors but the classifier's."""
    tensors = {key: value for key, value in state.items() if not key.startswith(CLASSIFIER)}
    save_named(tensors, FID_INCEPTION, folder)


def load_fid_inception(folder: Path, device: str = "cpu") -> FidInceptionNetwork:
    """Loads ``model.safetensors`` of a folder whose ``config.json`` names ``fid_inception_v3``.

    Raises:
        UnusableNetwork: If the tensors are not those of pt_inception-2015-12-05.pth.
        NotFinite: If they hold NaN or infinity.
    """
    from safetensors.torch import load_file

    file = folder / "model.safetensors"
    state = {key: value for key, value in load_file(file).items() if not key.startswith(CLASSIFIER)}
    with torch.device("meta"):  # spares the drawing of weights that are replaced at once
        network = FidInceptionV3()
    filled(network, state, file, assign=True)
    return FidInceptionNetwork(network.to(device))
