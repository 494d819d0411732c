"""Numbers that say how far a matte may be trusted, from the photo itself and from the subject's other photos.

Each is 0 where nothing speaks against the matte. They compare colours (along the matte's outline, of what it
holds, of what lies beside it), shapes, and the matte with the cut of GrabCut that starts there. What is
measured is the photo at the size at which mattes are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.colours import srgb_to_lab
from hypnos_pipeline.imaging.mattes.grabcut import cut_from
from hypnos_pipeline.imaging.mattes.surroundings import see_surroundings

LONG_SIDE = 320
_REACH = 3
"""How many pixels from the outline, to both sides, colours are compared."""
_FAINT = 15.0
"""A difference in ΔE across the outline below which it is faint."""
_CLEAR = 2.0
"""How unlike the border what was lost must be, at least."""
_BINS = (10, 26, 26)
_BIN = 10.0
"""A bin of the colour histograms, in units of L*, a* and b*."""
_BLUR = (1.5, 0.7, 0.7)
"""By how many bins a histogram is smoothed: lightness varies most from photo to photo."""
_UNKNOWN = 2e-3
_FLOOR = 3e-4
"""Frequencies in a histogram: below the first a colour is unknown, the second keeps logarithms finite."""

_ITERATIONS = 4
"""GrabCut's, where it goes on from a cut-out."""


@dataclass(frozen=True)
class Measures:
    """What speaks against one matte.

    Attributes:
        unknown: Share of the cut-out whose colours most other photos' cut-outs lack.
        background: Share of the cut-out whose colours are rather those of this photo's background, and of
            the others' backgrounds, than those of the others' cut-outs.
        missing: What lies close beside the cut-out, is unlike the border, and has colours of the others'
            cut-outs, as a share of the cut-out.
        faint: Share of the outline across which colours differ by less than ΔE 15.
        size: Logarithm of the cut-out's share of the photo over the median of the others'.
        shape: Logarithm of its height over its width, less the mean of the others'.
        lopsided: One minus the IoU of the cut-out and its mirror image, both within its own box: parts are
            seldom lost or gained on both sides alike.
        unsteady: One minus the IoU of the cut-out and of GrabCut's, if it starts there.
    """

    unknown: float
    background: float
    missing: float
    faint: float
    size: float
    shape: float
    lopsided: float
    unsteady: float


def measure(photos: Mapping[str, Image.Image], mattes: Mapping[str, np.ndarray]) -> dict[str, Measures]:
    """Measures each matte (H×W in [0, 1]) of a subject's photos, but those that hold all or nothing."""
    views = {name: _View(photo, mattes[name]) for name, photo in photos.items() if name in mattes}
    views = {name: view for name, view in views.items() if view.inside.any() and view.far.any()}
    return {
        name: _measured(view, [other for each, other in views.items() if each != name])
        for name, view in views.items()
    }


class _View:
    """A photo and its matte, made small.

    Attributes:
        lab: Slightly smoothed colours, H×W×3.
        inside: The cut-out, H×W bool.
        far: What is clearly outside.
        near: What is close outside.
        own: Histogram of the cut-out's colours.
        outer: Histogram of the colours outside.
    """

    def __init__(self, photo: Image.Image, matte: np.ndarray) -> None:
        import cv2

        scale = min(1.0, LONG_SIDE / max(photo.size))
        size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
        self.image = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
        small = Image.fromarray(matte.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
        self.inside = np.asarray(small) > 0.5
        self.lab = srgb_to_lab(cv2.GaussianBlur(self.image, (0, 0), 1.0)).astype(np.float32)
        self.far = ~_grown(self.inside, 2)
        self.near = _grown(self.inside, max(3, round(0.12 * max(size)))) & self.far
        self.bins = _bins(self.lab)
        self.own, self.outer = self.histogram(self.inside), self.histogram(self.far)

    @cached_property
    def box(self) -> np.ndarray:
        """The cut-out, which must hold something, within its own box."""
        y, x = np.nonzero(self.inside)
        return self.inside[y.min() : y.max() + 1, x.min() : x.max() + 1]

    @property
    def tall(self) -> float:
        """Logarithm of the box's height over its width."""
        return float(np.log(self.box.shape[0] / self.box.shape[1]))

    def histogram(self, where: np.ndarray) -> np.ndarray:
        """Returns how frequent colours are there, smoothed, summing to 1."""
        from scipy.ndimage import gaussian_filter

        counts = np.bincount(self.bins[where], minlength=int(np.prod(_BINS))).astype(np.float64)
        return gaussian_filter((counts / max(1.0, counts.sum())).reshape(_BINS), _BLUR).ravel()


def _measured(view: _View, others: list[_View]) -> Measures:
    unknown = background = missing = size = shape = 0.0
    area = view.inside.sum()
    if others:
        usual = np.median([other.own for other in others], axis=0)
        outside = np.median([other.outer for other in others], axis=0)
        strange = _mean(usual[view.bins] < _UNKNOWN) > 0.6
        rather_this = _mean(_log_ratio(usual, view.outer)[view.bins]) < 0.0
        rather_theirs = _mean(_log_ratio(usual, outside)[view.bins]) < -0.5
        core = ~_grown(~view.inside, 1)
        unknown = (strange & core).sum() / area
        background = (rather_this & rather_theirs & view.inside).sum() / area
        unlike = see_surroundings(view.image).unlike
        theirs = _mean((usual[view.bins] > _UNKNOWN) & (unlike > _CLEAR)) > 0.6
        missing = (theirs & view.near).sum() / area
        size = np.log(view.inside.mean() / np.median([other.inside.mean() for other in others]))
        shape = view.tall - np.mean([other.tall for other in others])
    lopsided = _difference(view.box, view.box[:, ::-1])
    unsteady = _difference(view.inside, cut_from(view.image, view.inside, _ITERATIONS))
    values = (unknown, background, missing, _faint(view), size, shape, lopsided, unsteady)
    return Measures(*(float(value) for value in values))


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """Returns one minus the intersection over union of two regions."""
    return 1.0 - (one & other).sum() / max(1, (one | other).sum())


def _faint(view: _View) -> float:
    """Returns the share of the outline across which colours hardly differ."""
    import cv2

    soft = cv2.GaussianBlur(view.inside.astype(np.float32), (0, 0), 2.0)
    edge = view.inside & _grown(~view.inside, 1)
    y, x = np.nonzero(edge)
    inwards = np.stack([cv2.Sobel(soft, cv2.CV_32F, 0, 1)[y, x], cv2.Sobel(soft, cv2.CV_32F, 1, 0)[y, x]])
    inwards /= np.maximum(np.linalg.norm(inwards, axis=0), 1e-6)
    last = np.array(view.inside.shape)[:, None] - 1
    within, without = (
        np.clip(np.round(np.stack([y, x]) + way * _REACH * inwards).astype(int), 0, last) for way in (1, -1)
    )
    across = np.linalg.norm(view.lab[tuple(within)] - view.lab[tuple(without)], axis=-1)
    return float((across < _FAINT).mean())


def _bins(lab: np.ndarray) -> np.ndarray:
    """Returns the number of the histogram's bin of each colour, H×W int."""
    places = ((lab + np.array([0.0, 130.0, 130.0])) / _BIN).astype(int)
    return np.asarray(np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), _BINS, mode="clip"))


def _log_ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.log((above + _FLOOR) / (below + _FLOOR))


def _mean(values: np.ndarray) -> np.ndarray:
    """Returns the mean of each pixel's neighbourhood: a single pixel says nothing."""
    import cv2

    return cv2.blur(values.astype(np.float32), (3, 3))


def _grown(where: np.ndarray, radius: int) -> np.ndarray:
    """Returns a region grown by a disc of a radius in pixels."""
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(where.astype(np.uint8), disc).astype(bool)
