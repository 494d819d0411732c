"""What a photo's border says of its background: how unlike it every pixel is, shadows set aside.

A shadow is the ground's own colour times a factor of light, so a pixel is compared with the border's colours
darkened to its own light, and only a little with their lightness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hypnos_pipeline.imaging.colours import light_to_lab, light_to_srgb, srgb_to_light

_BORDER_SHARE = 0.06
_COLOURS = 8
_RARE = 0.02
_NARROWEST = 6.0
"""The smallest spread of a background's colour, in ΔE."""
_PLAIN = 4.0
"""The largest spread of a plain border along L*, a* or b*."""
_LIGHT = (0.35, 1.1)
"""How dark a shadow on the ground may be, and how much lighter than the border the ground."""
_LIGHTNESS = 0.25
"""The weight of a difference in lightness that a shadow would explain."""
_CERTAIN = 1.5
"""In spreads of a background's colour: up to there a pixel is lit anew."""


@dataclass(frozen=True)
class Surroundings:
    """A photo seen against its border.

    Attributes:
        unlike: How far each pixel is from the nearest colour of the border, in that colour's spreads, H×W
            float; background is below about 1.
        lit: The photo with shadows on the background lifted, H×W×3 uint8.
        plain: Whether the border has one colour, so that whatever is unlike it is no background.
    """

    unlike: np.ndarray
    lit: np.ndarray
    plain: bool


def see_surroundings(image: np.ndarray) -> Surroundings:
    """Compares an image, H×W×3 uint8, with the border's colours anywhere and with those of the same row."""
    import cv2

    light = srgb_to_light(cv2.GaussianBlur(image, (0, 0), max(image.shape) / 160))
    lab = light_to_lab(light)
    unlike, factor = np.full(lab.shape[:2], np.inf), np.ones(lab.shape[:2])
    for colour, spread in _background_colours(light, lab):
        strength = np.maximum((colour * colour).sum(axis=-1), 1e-6)
        dimmed = np.clip((light * colour).sum(axis=-1) / strength, *_LIGHT)
        apart = ((lab - light_to_lab(dimmed[..., None] * colour)) ** 2).sum(axis=-1)
        darker = _LIGHTNESS * (lab[..., 0] - light_to_lab(colour)[..., 0])
        distance = np.sqrt(apart + darker**2) / spread
        factor = np.where(distance < unlike, dimmed, factor)
        unlike = np.minimum(unlike, distance)
    background = np.exp(-((unlike / _CERTAIN) ** 2))[..., None]
    own = srgb_to_light(image)
    lifted = np.clip(own / np.minimum(factor, 1.0)[..., None], 0.0, 1.0)
    lit = light_to_srgb((1.0 - background) * own + background * lifted)
    return Surroundings(unlike, lit, bool(lab[_border(lab)].std(axis=0).max() < _PLAIN))


def _background_colours(light: np.ndarray, lab: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """Yields the border's colours as linear light, 1×1×3, and those of its rows left and right, H×1×3.

    With each comes its spread in ΔE.
    """
    import cv2

    where, strip = _border(lab), _strip(lab)
    border, lights = np.ascontiguousarray(lab[where], dtype=np.float32), light[where]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, centres = cv2.kmeans(border, min(_COLOURS, len(border)), None, stop, 2, cv2.KMEANS_PP_CENTERS)  # pyright: ignore[reportCallIssue, reportArgumentType]
    for number, centre in enumerate(centres):
        members = labels.ravel() == number
        if members.mean() > _RARE:
            spread = float(np.sqrt(((border[members] - centre) ** 2).sum(axis=1).mean()))
            yield lights[members].mean(axis=0)[None, None], max(_NARROWEST, spread)
    for side in (light[:, :strip], light[:, -strip:]):
        yield np.median(side, axis=1)[:, None], _NARROWEST


def _border(image: np.ndarray) -> np.ndarray:
    """Returns where the border lies, H×W bool."""
    strip = _strip(image)
    where = np.ones(image.shape[:2], dtype=bool)
    where[strip:-strip, strip:-strip] = False
    return where


def _strip(image: np.ndarray) -> int:
    return max(2, round(_BORDER_SHARE * min(image.shape[:2])))
