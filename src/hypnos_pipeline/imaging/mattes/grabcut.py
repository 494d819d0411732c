"""The weight-free backend: GrabCut on a prior of border colours and centre, then closed-form alpha.

Usable on plain backgrounds, wrong in extent where something touches the subject: a default that runs
anywhere, no claim of quality.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.imaging.colours import srgb_to_lab
from hypnos_pipeline.imaging.pymatting_parts import pymatting_part

_BORDER_SHARE = 0.06
_BORDER_COLOURS = 6


def remove_background(
    photo: Image.Image,
    *,
    long_side: Annotated[int, Field(ge=32)] = 320,
    iterations: Annotated[int, Field(ge=1, le=100)] = 6,
    band: Annotated[float, Field(ge=0.0, le=0.5)] = 0.012,
) -> np.ndarray:
    """Estimates a photo's matte.

    Args:
        photo: RGB, upright.
        long_side: The photo is scaled down to this many pixels for the work; the matte is scaled back.
        iterations: GrabCut's.
        band: Half-width of the band round the cut-out's outline left to closed-form matting, as a fraction of
            the long side.

    Returns:
        H×W float32 in [0, 1].
    """
    scale = min(1.0, long_side / max(photo.size))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
    cut = _grab(small, subject_prior(small), iterations)
    alpha = _soften(small, cut, max(1, round(band * max(size))))
    full = Image.fromarray(alpha.astype(np.float32)).resize(photo.size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(full, dtype=np.float32), 0.0, 1.0)


def subject_prior(image: np.ndarray) -> np.ndarray:
    """How likely each pixel of an image (H×W×3 uint8) is the subject's, H×W float in [0, 1].

    It is the likelier, the more unlike the border's colours and the nearer to the centre.
    """
    import cv2

    lab = srgb_to_lab(cv2.GaussianBlur(image, (0, 0), max(image.shape) / 160)).astype(np.float32)
    centres, spread = _border_model(lab)
    distance = np.full(lab.shape[:2], np.inf, dtype=np.float32)
    for centre, width in zip(centres, spread, strict=True):
        difference = lab - centre
        difference[..., 0] *= 0.6  # shadows on the ground change lightness more than hue
        distance = np.minimum(distance, np.sqrt((difference**2).sum(axis=-1)) / width)
    unlike = distance / max(float(np.quantile(distance, 0.98)), 1e-6)
    y, x = np.mgrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
    centred = np.exp(-(((x / 0.5) ** 2 + (y / 0.75) ** 2) ** 1.5))
    return np.clip(unlike, 0.0, 1.0) * centred


def _border_model(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clusters the colours of the border: returns centres k×3 and each cluster's spread, at least 6 ΔE."""
    import cv2

    height, width = lab.shape[:2]
    strip = max(2, round(_BORDER_SHARE * min(height, width)))
    inside = np.zeros((height, width), dtype=bool)
    inside[strip:-strip, strip:-strip] = True
    border = np.ascontiguousarray(lab[~inside])
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    clusters = min(_BORDER_COLOURS, len(border))
    _, labels, centres = cv2.kmeans(border, clusters, None, stop, 2, cv2.KMEANS_PP_CENTERS)  # pyright: ignore[reportCallIssue, reportArgumentType]
    labels = labels.ravel()
    keep = [k for k in range(clusters) if (labels == k).mean() > 0.02]
    spread = [float(np.sqrt(((border[labels == k] - centres[k]) ** 2).sum(axis=1).mean())) for k in keep]
    return centres[keep], np.maximum(np.array(spread, dtype=np.float32), 6.0)


def _grab(image: np.ndarray, prior: np.ndarray, iterations: int) -> np.ndarray:
    """Runs GrabCut from the prior; returns the cleaned cut-out, H×W bool."""
    import cv2

    threshold, _ = cv2.threshold((prior * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    level = threshold / 255  # Otsu alone keeps the most salient part of a subject of several colours
    mask = np.full(prior.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    salient = _largest_parts(_opened(prior > 0.4 * level, 0.008))
    # Dark or pale parts within the outline are the subject's too; GrabCut may still take them out.
    mask[_closed(salient, 0.015)] = cv2.GC_PR_FGD
    mask[salient & (prior > 1.4 * level)] = cv2.GC_FGD
    frame = max(1, round(0.012 * max(prior.shape)))
    mask[:frame], mask[-frame:], mask[:, :frame], mask[:, -frame:] = (cv2.GC_BGD,) * 4
    if not (mask == cv2.GC_PR_FGD).any() and not (mask == cv2.GC_FGD).any():
        return np.zeros(prior.shape, dtype=bool)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(image), mask, None, *models, iterations, cv2.GC_INIT_WITH_MASK)  # pyright: ignore[reportCallIssue, reportArgumentType]
    cut = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    return _without_small_holes(_largest_parts(_opened(cut, 0.006)))


def _disc(radius: int) -> np.ndarray:
    """Returns the element of morphology: a disc of a radius in pixels."""
    import cv2

    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _opened(cut: np.ndarray, share: float) -> np.ndarray:
    """Drops specks and threads thinner than a share of the long side."""
    import cv2

    disc = _disc(max(1, round(share * max(cut.shape))))
    return cv2.morphologyEx(cut.astype(np.uint8), cv2.MORPH_OPEN, disc).astype(bool)


def _closed(cut: np.ndarray, share: float) -> np.ndarray:
    """Closes gaps narrower than a share of the long side."""
    import cv2

    radius = max(1, round(share * max(cut.shape)))
    closed = cv2.morphologyEx(np.pad(cut, radius).astype(np.uint8), cv2.MORPH_CLOSE, _disc(radius))
    return closed[radius:-radius, radius:-radius].astype(bool)


def _largest_parts(cut: np.ndarray) -> np.ndarray:
    """Keeps the most central large part, and others at least a fifth of its size that lie close to it."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(cut.astype(np.uint8))
    if count <= 1:
        return cut
    y, x = np.mgrid[-1 : 1 : cut.shape[0] * 1j, -1 : 1 : cut.shape[1] * 1j]
    weight = np.exp(-(x**2 + y**2) / 0.5)
    weighted = np.bincount(labels.ravel(), weights=weight.ravel(), minlength=count)
    weighted[0] = 0.0
    main = int(np.argmax(weighted))
    reach = _disc(max(1, round(0.05 * max(cut.shape))))
    near = cv2.dilate((labels == main).astype(np.uint8), reach).astype(bool)
    areas = stats[:, cv2.CC_STAT_AREA]
    large = [label for label in range(1, count) if areas[label] >= 0.2 * areas[main]]
    return np.isin(labels, [main, *(label for label in large if near[labels == label].any())])


def _without_small_holes(cut: np.ndarray) -> np.ndarray:
    """Fills holes under 1 % of the cut-out: specks, not the opening of a handle."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats((~cut).astype(np.uint8), connectivity=4)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    limit = 0.01 * cut.sum()
    small = [k for k in range(1, count) if k not in border and stats[k, cv2.CC_STAT_AREA] < limit]
    return cut | np.isin(labels, small)


def _soften(image: np.ndarray, cut: np.ndarray, band: int) -> np.ndarray:
    """Finds soft edges by closed-form matting (Levin et al. 2008) in a band round the cut-out's outline."""
    import cv2

    inner = cv2.erode(cut.astype(np.uint8), _disc(band)).astype(bool)
    outer = cv2.dilate(cut.astype(np.uint8), _disc(band)).astype(bool)
    if not inner.any() or outer.all():
        return cut.astype(np.float64)
    trimap = np.where(inner, 1.0, np.where(outer, 0.5, 0.0))
    # Without a shift the factorisation fails on flat pictures, and pymatting prints so.
    ichol = pymatting_part("preconditioner.ichol").ichol
    shifted = partial(ichol, shifts=(0.002, 0.01, 0.1, 0.5, 1.0))
    closed_form = pymatting_part("alpha.estimate_alpha_cf").estimate_alpha_cf
    return np.clip(closed_form(image / 255.0, trimap, preconditioner=shifted), 0.0, 1.0)
