"""What every metric is: its label, direction and kind. Drives evaluation, and arrows and bold in tables.

The order is the paper's (Tables 1 and 2: DINO, CLIP-I, CLIP-T, FID, SSIM, PSNR, LPIPS), each of our
additions behind the metric it varies; then those of requested background colours, and last those of what the
paper says in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

MetricKind = Literal["pairwise", "per_image", "set"]
Reads = Literal["true_cut_outs", "sample_mattes", "other_places", "unseen"]


@dataclass(frozen=True)
class Metric:
    """One metric's metadata.

    Attributes:
        name: Key in the configuration and in ``cells.csv``.
        label: Column heading in tables.
        kind: ``pairwise`` compares each generated image with each photo, ``per_image`` takes one value of
            each generated image, ``set`` one value of all of them.
        higher_is_better: Direction of the arrow and of the best value; None where neither is better, so
            that tables give no arrow and no bold.
        network: Field of ``ModelsSettings`` whose network it needs; empty for pixel metrics.
        decimals: Digits behind the point in tables (the paper prints four throughout).
        requests: Columns of the samples' manifest, one of which an image's prompt must fill for the metric to
            be defined of it; empty if it is defined of all. Metrics of pairs that need a ``colour`` compare
            with the true cut-outs on it instead of the photos (method.md §9).
        reads: What it needs beside samples and photos. A subject or study without has no such cell.
        partial: Whether single images may lack a value, as one whose cut-out is empty; cells leave them out.
        variant_of: The metric whose formula it shares, with another network or another reference.
    """

    name: str
    label: str
    kind: MetricKind
    higher_is_better: bool | None
    network: Literal["dino", "clip", "clip_b32", "inception", "lpips", ""]
    decimals: int = 4
    requests: tuple[str, ...] = ()
    reads: tuple[Reads, ...] = ()
    partial: bool = False
    variant_of: str = ""

    @property
    def formula(self) -> str:
        """Returns the name of the metric that says how it is computed."""
        return self.variant_of or self.name

    @property
    def requested_colour(self) -> bool:
        """Whether it is of requested background colours; those metrics have a table of their own."""
        return "colour" in self.requests

    @property
    def arrow(self) -> str:
        """Returns ``↑``, ``↓`` or nothing."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    @property
    def heading(self) -> str:
        """Returns the label with its arrow."""
        return f"{self.label} {self.arrow}".strip()


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("dino", "DINO", "pairwise", True, "dino"),
        Metric("clip_i", "CLIP-I", "pairwise", True, "clip"),
        Metric("clip_i_b32", "CLIP-I (B/32)", "pairwise", True, "clip_b32", variant_of="clip_i"),
        Metric("clip_t", "CLIP-T", "per_image", True, "clip"),
        Metric("clip_t_b32", "CLIP-T (B/32)", "per_image", True, "clip_b32", variant_of="clip_t"),
        # Cosine between two spaces that were never aligned: no direction is better (method.md §9).
        Metric("clip_t_paper", "CLIP-T (paper)", "per_image", None, "clip"),
        Metric("fid", "FID", "set", False, "inception"),
        Metric("fid_64", "FID-64", "set", False, "inception"),
        Metric("kid", "KID", "set", False, "inception"),
        Metric("ssim", "SSIM", "pairwise", True, ""),
        Metric("psnr", "PSNR", "pairwise", True, ""),
        Metric("lpips", "LPIPS", "pairwise", False, "lpips"),
    )
}

METRICS |= {
    f"foreground_{name}": replace(
        METRICS[name],
        name=f"foreground_{name}",
        label=f"Foreground {METRICS[name].label}",
        requests=("colour",),
        reads=("true_cut_outs",),
        variant_of=name,
    )
    for name in ("dino", "clip_i", "ssim", "psnr", "lpips")
}
METRICS |= {
    metric.name: metric
    for metric in (
        Metric("background_obeyed", "Background ΔE", "per_image", False, "", 2, requests=("colour",)),
        Metric(
            "background_leak",
            "Background leak",
            "per_image",
            False,
            "clip",
            2,
            reads=("true_cut_outs", "sample_mattes", "other_places"),
        ),
        Metric(
            "scene_obeyed",
            "Scene obeyed",
            "per_image",
            True,
            "clip",
            requests=("scene",),
            reads=("true_cut_outs", "sample_mattes"),
            partial=True,
        ),
        Metric(
            "disentangled",
            "Disentangled ΔE",
            "per_image",
            True,
            "",
            2,
            requests=("object_colours", "scene_colour"),
            reads=("sample_mattes",),
            partial=True,
        ),
        Metric("grain", "Grain", "per_image", False, "", 2),
        Metric("unseen_dino", "Unseen DINO", "per_image", True, "dino", reads=("unseen",)),
        Metric("diversity", "Diversity (LPIPS)", "per_image", True, "lpips", partial=True),
        # Low is a copied photo, but high may be another object: neither is better.
        Metric("copying", "Nearest photo (LPIPS)", "per_image", None, "lpips"),
    )
}


def in_order(names: Iterable[str]) -> list[Metric]:
    """Returns the named metrics without repeats in the registry's order.

    Raises:
        KeyError: If a name is unknown; the message lists the known ones.
    """
    wanted = set(names)
    unknown = sorted(wanted - METRICS.keys())
    if unknown:
        raise KeyError(f"unknown metrics: {', '.join(unknown)}; known: {', '.join(METRICS)}")
    return [metric for name, metric in METRICS.items() if name in wanted]
