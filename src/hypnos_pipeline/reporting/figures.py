"""Figures drawn with matplotlib's Agg: learning curves (Fig. 7b) and Eq. 2's curve (Fig. 7a).

They come back as RGB pictures, so that the saved bytes hold no version, date or software field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from hypnos_pipeline.reporting.charts import SMOOTHING, without_end

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

    from hypnos_pipeline.training.settings import Reconstruction

PANELS = {
    "loss": "Total, L (Eq. 1)",
    "loss_reconstruction": "Reconstruction, $L_r$ (Eq. 2; MSE in the baselines)",
    "loss_prior": "Prior preservation, $L_{pp}$ (Eq. 4)",
    "loss_perceptual": "Perceptual, $L_p$ (Eq. 6)",
    "loss_discriminator": "Latent discriminator, $L_{ld}$ (Eq. 7)",
    "loss_discriminator_training": "Discriminator's own loss",
}
DOTS_PER_INCH = 100
PANELS_ACROSS = 3
ILLUSTRATIVE_SIGMAS = (0.7, 1.0, 2.0)


def learning_curves(curves: Mapping[str, pandas.DataFrame], subject: str) -> Image.Image:
    """Draws total and single losses over steps, one line per method, one panel per loss.

    Args:
        curves: Printed method label to its learning curve: ``step`` and any of the columns in ``PANELS``,
            missing values where a term did not act. Losses are as computed, before their weights λ.
        subject: Printed name.

    Returns:
        An RGB picture: thin lines raw, thick lines the running mean; a line ends where its term ends. A loss
        that no method has gets no panel.

    Raises:
        ValueError: If there is no loss to draw.
    """
    columns = [name for name in PANELS if any(_acts(curve, name) for curve in curves.values())]
    if not columns:
        raise ValueError(f"{subject}: no learning curve has any of the columns {', '.join(PANELS)}")
    across, down = min(PANELS_ACROSS, len(columns)), ceil(len(columns) / PANELS_ACROSS)
    with _figure(width=4.6 * across, height=1.1 + 2.7 * down) as figure:
        axes = list(figure.subplots(down, across, squeeze=False).flat)
        lines = {}
        for axis, name in zip(axes, columns, strict=False):
            lines |= _draw_panel(axis, curves, name)
        for axis in axes[len(columns) :]:
            axis.set_visible(False)
        figure.suptitle(
            f"{subject}: learning curves. Thin: each step; thick: mean over {SMOOTHING:.0%} of the steps"
        )
        figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=min(4, len(lines)))
        return _picture(figure)


def sigma_variants(reconstructions: Iterable[Reconstruction]) -> dict[str, float]:
    """Returns what :func:`loss_curve` draws: the study's own σ, and steeper and flatter ones.

    Args:
        reconstructions: Settings of L_r of the study's methods; those with plain MSE have no σ.
    """
    from hypnos_pipeline.training.losses import resolve_sigma

    variants = {}
    for settings in reconstructions:
        sigma = resolve_sigma(settings)
        if sigma is None:
            continue
        bound = getattr(settings.sigma, "match_mse", None)
        text = "configured" if bound is None else f"Eq. 3, matched to the squared error on [0, {bound:g}]"
        variants[f"{text}, σ = {sigma:.4g}"] = sigma
    others = [sigma for sigma in ILLUSTRATIVE_SIGMAS if sigma not in variants.values()]
    return variants | {f"σ = {sigma:g}": sigma for sigma in others}


def inverse_gaussian_curve(error: np.ndarray, sigma: float) -> np.ndarray:
    """Returns Eq. 2, σ√(2π)·(exp(e²/2σ²) − 1), of each error (float64, any shape), without continuation."""
    return sigma * sqrt(2 * pi) * np.expm1(np.square(error) / (2 * sigma**2))


def loss_curve(sigmas: Mapping[str, float]) -> Image.Image:
    """Draws Eq. 2 for several σ beside the squared error, on errors in [−2, 2].

    Fig. 7a's caption, (1/gaussian) − 1, is another function (it does not vanish at 0 for a normalised
    gaussian unless σ√(2π) = 1); the title names Eq. 2.

    Args:
        sigmas: Text in the legend to σ; see :func:`sigma_variants`.
    """
    error = np.linspace(-2.0, 2.0, 401)
    with _figure(width=6.4, height=4.6) as figure:
        axis = figure.subplots()
        axis.plot(error, error**2, color="black", linestyle="--", label="squared error")
        for label, sigma in sigmas.items():
            axis.plot(error, inverse_gaussian_curve(error, sigma), label=label)
        axis.set(xlim=(-2, 2), ylim=(0, 8), xlabel="error e", ylabel="loss")
        axis.set_title("Eq. 2, σ√(2π)·(exp(e²/2σ²) − 1), beside the squared error", fontsize=10)
        axis.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)
        figure.suptitle(
            "Drawn from Eq. 2; the caption of the paper's Fig. 7a, (1/gaussian) − 1, is another function.",
            fontsize=8,
        )
        return _picture(figure)


def _acts(curve: pandas.DataFrame, name: str) -> bool:
    return name in curve.columns and len(without_end(curve[name])) > 0


def _draw_panel(axis: Axes, curves: Mapping[str, pandas.DataFrame], name: str) -> dict:
    """Draws one loss of every method that has it; returns label to line for the legend."""
    lines = {}
    for number, (label, curve) in enumerate(curves.items()):
        if not _acts(curve, name):
            continue
        known = without_end(curve.set_index("step")[name].astype(float))
        smooth = known.rolling(max(1, round(SMOOTHING * len(curve))), center=True, min_periods=1).mean()
        colour = f"C{number % 10}"
        axis.plot(known.index, known, color=colour, linewidth=0.6, alpha=0.3)
        (lines[label],) = axis.plot(known.index, smooth, color=colour, linewidth=1.8)
    axis.set_title(PANELS[name], fontsize=9)
    axis.set_xlabel("step", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.set_ylim(bottom=0)
    axis.set_xlim(0, max(float(curve["step"].max()) for curve in curves.values()))
    axis.grid(alpha=0.3)
    return lines


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """Gives a figure of a size in inches, in matplotlib's own style whatever the user's is."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.style import context

    with context("default", after_reset=True), matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def _picture(figure: Figure) -> Image.Image:
    from PIL import Image

    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")  # pyright: ignore[reportAttributeAccessIssue]
