"""Cosine similarity of embeddings, in float64."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize


def cosine_matrix(a: Tensor, b: Tensor) -> Tensor:
    """Returns the N×M float64 cosines between the rows of two embeddings N×D and M×D."""
    return normalize(a.double(), dim=1) @ normalize(b.double().to(a.device), dim=1).T


def cosine_rows(a: Tensor, b: Tensor) -> Tensor:
    """Returns the N float64 cosines between matching rows of two embeddings N×D."""
    return (normalize(a.double(), dim=1) * normalize(b.double().to(a.device), dim=1)).sum(1)
