"""The latent discriminator: a small vision transformer on scaled latents (paper 3.4.4, 0.B.2, Fig. 3a)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from hypnos_pipeline.models.loaded_weights import filled
from hypnos_pipeline.randomness import seed_for

if TYPE_CHECKING:
    from hypnos_pipeline.training.settings import DiscriminatorSettings

GRID = 8


class InvertedBottleneck(nn.Module):
    """1×1 expansion, 3×3 depthwise, 1×1 projection, GroupNorm, SiLU.

    SiLU also follows the expansion and the depthwise convolution, as in the classic block (MobileNetV2):
    without them the three convolutions would be a single linear map.
    """

    def __init__(self, channels: int, expansion: int, out_channels: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = nn.Conv2d(channels, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.project = nn.Conv2d(wide, out_channels, 1)
        self.norm = nn.GroupNorm(math.gcd(4, out_channels), out_channels)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Maps N×C×h×w to N×out_channels×h×w."""
        hidden = F.silu(self.depthwise(F.silu(self.expand(latents))))
        return F.silu(self.norm(self.project(hidden)))


class Block(nn.Module):
    """A pre-norm transformer block: multi-head self-attention, then an MLP of ratio 4."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def _heads(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        count, length, width = tokens.shape
        split = self.query_key_value(self.attention_norm(tokens))
        split = split.reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        return split[0], split[1], split[2]

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Maps N×L×width to the same shape."""
        attended = F.scaled_dot_product_attention(*self._heads(tokens))
        tokens = tokens + self.attention_out(attended.transpose(1, 2).flatten(2))
        return tokens + self.mlp(self.mlp_norm(tokens))

    def attention(self, tokens: torch.Tensor) -> torch.Tensor:
        """Returns the attention weights, N×heads×L×L; rows sum to 1."""
        query, key, _ = self._heads(tokens)
        return (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(dim=-1)


class LatentDiscriminator(nn.Module):
    """Scores latents: near 1 for the subject as it is, near 0 for anything else.

    The latent is concatenated with its inverted bottleneck's features, cut into an 8×8 grid of patches
    whatever its size, and read by a transformer whose [CLS] token gives one linear score.

    Args:
        settings: Width, depth, heads and the bottleneck's size.
        shape: Channels, height and width of the latents.
        seed: Seed of the initial weights; the global generator is left as it was.

    Raises:
        ValueError: If the width is not divisible by the heads.
    """

    def __init__(self, settings: DiscriminatorSettings, shape: tuple[int, int, int], seed: int) -> None:
        super().__init__()
        width, heads = settings.width, settings.heads
        if width % heads:
            raise ValueError(f"discriminator.width: expected a multiple of heads ({heads}), got {width}")
        channels, height, columns = shape
        self.patch = (math.ceil(height / GRID), math.ceil(columns / GRID))
        joined = channels + settings.convolution_channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "discriminator/weights"))
            self.bottleneck = InvertedBottleneck(channels, settings.expansion, settings.convolution_channels)
            self.patches = nn.Conv2d(joined, width, self.patch, stride=self.patch)
            self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
            self.positions = nn.Parameter(torch.randn(1, GRID * GRID + 1, width) * 0.02)
            self.blocks = nn.ModuleList([Block(width, heads) for _ in range(settings.depth)])
            self.norm = nn.LayerNorm(width)
            self.score = nn.Linear(width, 1)

    @classmethod
    def pretrained(
        cls,
        settings: DiscriminatorSettings,
        shape: tuple[int, int, int],
        seed: int,
        weights: dict[str, torch.Tensor],
    ) -> LatentDiscriminator:
        """Returns a discriminator with the weights that its pretraining left.

        Raises:
            UnusableNetwork: If the study's ``discriminator`` or image size changed since.
            NotFinite: If the weights hold NaN or infinity.
        """
        fix = "the study has changed since: run the pipeline 'discriminator' again"
        return filled(cls(settings, shape, seed), weights, "the pretrained discriminator", fix=fix)

    def _tokens(self, latents: torch.Tensor) -> torch.Tensor:
        features = torch.cat([latents, self.bottleneck(latents)], dim=1)
        # Sizes that 8 does not divide are framed with zeros, so that the grid is 8×8 all the same.
        height = GRID * self.patch[0] - features.shape[2]
        width = GRID * self.patch[1] - features.shape[3]
        features = F.pad(features, (width // 2, width - width // 2, height // 2, height - height // 2))
        tokens = self.patches(features).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], dim=1) + self.positions

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Scores scaled latents N×C×h×w; returns N."""
        tokens = self._tokens(latents)
        for block in self.blocks:
            tokens = block(tokens)
        return self.score(self.norm(tokens[:, 0])).squeeze(1)

    @torch.no_grad()
    def class_attention(self, latents: torch.Tensor) -> torch.Tensor:
        """Returns the [CLS] token's attention to the patches in the last block, N×heads×8×8 (Fig. 3b)."""
        tokens = self._tokens(latents)
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        return self.blocks[-1].attention(tokens)[:, :, 0, 1:].unflatten(-1, (GRID, GRID))  # pyright: ignore[reportCallIssue]
