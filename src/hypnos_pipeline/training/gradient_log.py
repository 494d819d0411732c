"""Which term of Eq. 1 moves ε̂, by decile of t (method.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

DECILES = 10
INACTIVE_BELOW = 0.01


def gradient_norms(terms: dict[str, torch.Tensor], epsilon: torch.Tensor) -> dict[str, list[float]]:
    """Returns the norm of each term's gradient per sample; keeps the graph, changes no parameter's gradient.

    No loss scaling is needed here: from a term to ε̂ all is float32 but the decoder of L_p, which sees to the
    range of its own gradient (``training.perceptual.keep_in_range``).

    Args:
        terms: Name to λ·L, 0-dim with graph.
        epsilon: ε̂ of the whole batch, N×C×h×w.
    """
    import torch

    gradients = {
        name: torch.autograd.grad(term, epsilon, retain_graph=True)[0] for name, term in terms.items()
    }
    return {name: gradient.flatten(1).norm(dim=1).tolist() for name, gradient in gradients.items()}


class GradientLog:
    """Norms of each term's λ·∂L/∂ε̂ per sample, averaged by decile of t.

    Args:
        timesteps: T of the noise schedule.
    """

    def __init__(self, timesteps: int) -> None:
        self.timesteps = timesteps
        self.sums: dict[str, list[float]] = {}
        self.counts: dict[str, list[int]] = {}

    def add(self, norms: dict[str, list[float]], drawn: torch.Tensor) -> None:
        """Adds one step.

        Args:
            norms: What :func:`gradient_norms` gave. Samples that a term does not reach do not count for it.
            drawn: t per sample, int64 N.
        """
        deciles = (drawn * DECILES // self.timesteps).tolist()
        for name, row in norms.items():
            sums = self.sums.setdefault(name, [0.0] * DECILES)
            counts = self.counts.setdefault(name, [0] * DECILES)
            for decile, norm in zip(deciles, row, strict=True):
                if norm > 0:
                    sums[decile] += norm
                    counts[decile] += 1

    def report(self) -> dict[str, Any]:
        """Returns mean norms and shares per term and decile (null without samples) and the inactive terms.

        A term is inactive if its share stays under 1 % in every decile.
        """
        means = {
            name: [
                total / count if count else None for total, count in zip(sums, self.counts[name], strict=True)
            ]
            for name, sums in self.sums.items()
        }
        whole = [sum(rows[decile] or 0.0 for rows in means.values()) for decile in range(DECILES)]
        shares = {
            name: [None if mean is None else mean / total for mean, total in zip(rows, whole, strict=True)]
            for name, rows in means.items()
        }
        inactive = [
            name
            for name, rows in shares.items()
            if all(share is None or share < INACTIVE_BELOW for share in rows)
        ]
        return {"gradient_norms": means, "gradient_shares": shares, "inactive_terms": inactive}

    def state(self) -> dict[str, Any]:
        """Returns the sums as JSON values."""
        return {"sums": self.sums, "counts": self.counts}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        self.sums, self.counts = state["sums"], state["counts"]
