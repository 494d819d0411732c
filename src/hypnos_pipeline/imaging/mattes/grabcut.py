"""The weight-free backend: GrabCut from what is unlike the border and central, then closed-form alpha.

Usable on plain backgrounds, wrong in extent where something touches the subject: a default that runs
anywhere, no claim of quality.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.imaging.mattes.surroundings import see_surroundings
from hypnos_pipeline.imaging.pymatting_parts import pymatting_part

_CALM = 4.0
"""Where how unlike the background a pixel is (``surroundings``) is cut off, in the third start."""
_UNLIKE_PLAIN, _UNLIKE_LINE = 3.0, 0.8
"""How unlike a plain background a pixel must be, and one of a thin line, to be the subject's."""
_THIN_UNLIKE = 2.0
"""How unlike it a thin part must be, to be the subject's."""


def remove_background(
    photo: Image.Image,
    *,
    long_side: Annotated[int, Field(ge=32)] = 320,
    iterations: Annotated[int, Field(ge=1, le=100)] = 4,
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
    cut = cut_out(small, iterations)
    alpha = _soften(small, cut, max(1, round(band * max(size))))
    full = Image.fromarray(alpha.astype(np.float32)).resize(photo.size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(full, dtype=np.float32), 0.0, 1.0)


def cut_out(image: np.ndarray, iterations: int) -> np.ndarray:
    """Returns the subject of an image (H×W×3 uint8) as H×W bool, before its edges are softened.

    GrabCut depends on where it starts, so it starts three times, and a pixel is the subject's if two agree:
    from a wide region; with shadows on the background lifted; and so that no colour outshines the others.
    """
    seen = see_surroundings(image)
    calm = np.minimum(seen.unlike, _CALM)
    starts = (image, seen.unlike, 0.25), (seen.lit, seen.unlike, 0.4), (seen.lit, calm, 0.4)
    votes = np.zeros(image.shape[:2], dtype=int)
    for picture, unlike, level in starts:
        found = _grab(picture, _start(_prior(unlike), level), iterations)
        core = _largest_parts(_opened(found, 0.006))
        votes += _without_small_holes(core | _thin_parts(found, core, seen.unlike))
    cut = votes >= 2
    return _grown_on_plain(cut, seen.unlike) if seen.plain else cut


def cut_from(image: np.ndarray, cut: np.ndarray, iterations: int) -> np.ndarray:
    """Returns how GrabCut cuts an image (H×W×3 uint8) that starts from a cut-out, both H×W bool."""
    import cv2

    return _grab(image, np.where(cut, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8), iterations)


def _grown_on_plain(cut: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """Adds whatever hangs together with the cut-out and is unlike a plain background, however thin."""
    import cv2

    faint = unlike > _UNLIKE_LINE
    lines = faint & ~_opened(faint, 0.012)  # a dark line is not unlike a shadow, but a shadow is no line
    _, labels = cv2.connectedComponents((cut | lines | (unlike > _UNLIKE_PLAIN)).astype(np.uint8))
    grown = np.isin(labels, np.unique(labels[cut])) & (labels > 0)
    blurred_edge = cv2.dilate(cut.astype(np.uint8), _disc(3)).astype(bool)
    beyond = grown & ~blurred_edge
    return cut | (grown & cv2.dilate(beyond.astype(np.uint8), _disc(4)).astype(bool))


def _prior(unlike: np.ndarray) -> np.ndarray:
    """How likely each pixel is the subject's, H×W float in [0, 1].

    It is the likelier, the more unlike the background's colours and the nearer to the centre.
    """
    y, x = np.mgrid[-1 : 1 : unlike.shape[0] * 1j, -1 : 1 : unlike.shape[1] * 1j]
    centred = np.exp(-(((x / 0.5) ** 2 + (y / 0.75) ** 2) ** 1.5))
    return np.clip(unlike / max(float(np.quantile(unlike, 0.98)), 1e-6), 0.0, 1.0) * centred


def _start(prior: np.ndarray, share: float) -> np.ndarray:
    """Marks as the subject where the prior is over a share of its threshold, H×W of GrabCut's marks."""
    import cv2

    threshold, _ = cv2.threshold((prior * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    level = threshold / 255  # Otsu alone keeps the most salient part of a subject of several colours
    mask = np.full(prior.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    salient = _largest_parts(_opened(prior > share * level, 0.008))
    mask[salient] = cv2.GC_PR_FGD
    mask[salient & (prior > 1.4 * level)] = cv2.GC_FGD
    return mask


def _grab(image: np.ndarray, mask: np.ndarray, iterations: int) -> np.ndarray:
    """Runs GrabCut from marks; the frame is background. Returns what it finds, H×W bool."""
    import cv2

    frame = max(1, round(0.012 * max(mask.shape)))
    mask[:frame], mask[-frame:], mask[:, :frame], mask[:, -frame:] = (cv2.GC_BGD,) * 4
    if not (mask == cv2.GC_PR_FGD).any() and not (mask == cv2.GC_FGD).any():
        return np.zeros(mask.shape, dtype=bool)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(image), mask, None, *models, iterations, cv2.GC_INIT_WITH_MASK)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)


def _thin_parts(found: np.ndarray, core: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    """Returns what opening took from the core's side: small, attached to it, and unlike the background."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats((found & ~core).astype(np.uint8))
    attached = set(np.unique(labels[cv2.dilate(core.astype(np.uint8), _disc(1)).astype(bool)]).tolist())
    sizes = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    means = np.bincount(labels.ravel(), weights=unlike.ravel(), minlength=count) / sizes
    small = [
        k
        for k in range(1, count)
        if k in attached and sizes[k] < 0.05 * core.sum() and means[k] > _THIN_UNLIKE
    ]
    return np.isin(labels, small)


def _disc(radius: int) -> np.ndarray:
    """Returns the element of morphology: a disc of a radius in pixels."""
    import cv2

    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _opened(cut: np.ndarray, share: float) -> np.ndarray:
    """Drops specks and threads thinner than a share of the long side."""
    import cv2

    disc = _disc(max(1, round(share * max(cut.shape))))
    return cv2.morphologyEx(cut.astype(np.uint8), cv2.MORPH_OPEN, disc).astype(bool)


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


def _ridges(cut: np.ndarray, band: int) -> np.ndarray:
    """Returns the middle lines of parts too thin to have an inside, which would fade away else."""
    import cv2

    opened = cv2.morphologyEx(cut.astype(np.uint8), cv2.MORPH_OPEN, _disc(band)).astype(bool)
    depth = cv2.distanceTransform(cut.astype(np.uint8), cv2.DIST_L2, 5)
    highest = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    return cut & ~opened & (depth >= highest - 0.1)


def _soften(image: np.ndarray, cut: np.ndarray, band: int) -> np.ndarray:
    """Finds soft edges by closed-form matting (Levin et al. 2008) in a band round the cut-out's outline."""
    import cv2

    inner = cv2.erode(cut.astype(np.uint8), _disc(band)).astype(bool) | _ridges(cut, band)
    outer = cv2.dilate(cut.astype(np.uint8), _disc(band)).astype(bool)
    if not inner.any() or outer.all():
        return cut.astype(np.float64)
    trimap = np.where(inner, 1.0, np.where(outer, 0.5, 0.0))
    # Without a shift the factorisation fails on flat pictures, and pymatting prints so.
    ichol = pymatting_part("preconditioner.ichol").ichol
    shifted = partial(ichol, shifts=(0.002, 0.01, 0.1, 0.5, 1.0))
    closed_form = pymatting_part("alpha.estimate_alpha_cf").estimate_alpha_cf
    return np.clip(closed_form(image / 255.0, trimap, preconditioner=shifted), 0.0, 1.0)
