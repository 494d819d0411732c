"""Places where a set of photos is taken: rooms of solids that stay where they are while the camera moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hypnos_pipeline.miniworld.render.furniture import Room, bookcase, lounge, workshop
from hypnos_pipeline.miniworld.render.raycast import Camera, Solid, cast, shade
from hypnos_pipeline.miniworld.render.shadow import shadow

F = np.float32
_MIDDLE = (0.0, 0.0, 1.0)  # of what is photographed


@dataclass(frozen=True)
class Place:
    """A room and its light.

    Attributes:
        build: Makes the room.
        lamp: Where the light comes from; photos of one place share it, whichever way the camera looks.
        reach: Distance from the lamp at which its light has fallen to a half of that beside it.
        tone: The light's red, green and blue; below 1 it is dim.
        ambient: What the light's unlit sides receive, in [0, 1].
        noise: Standard deviation of the sensor's noise, of pixels in [0, 1].
    """

    build: Callable[[], Room]
    lamp: tuple[float, float, float]
    reach: float
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ambient: float = 0.55
    noise: float = 0.008

    @cached_property
    def room(self) -> Room:
        """What stands here."""
        return self.build()

    @cached_property
    def light(self) -> np.ndarray:
        """The unit vector (3,) towards the lamp."""
        towards = np.subtract(self.lamp, _MIDDLE)
        return (towards / np.linalg.norm(towards)).astype(F)

    def picture(self, camera: Camera, subject: list[Solid], size: int, ss: int) -> np.ndarray:
        """Draws the place without the subject, but with its shadow.

        Args:
            camera: From where.
            subject: What stands in the middle.
            size: Side in pixels.
            ss: Rays of a pixel, along each side.

        Returns:
            (size, size, 3) float32 in [0, 1].
        """
        n = size * ss
        found = cast([*self.room.walls, *(solid for thing in self.room.things for solid in thing)], camera, n)
        points = found["origin"] + np.where(found["hit"], found["depth"], 0)[..., None] * found["rays"]
        colour = np.zeros((n, n, 3), F)
        colour[found["hit"]] = shade(found, self.light, self.ambient)
        colour *= np.asarray(self.tone, F) * self._falloff(points)[..., None]
        picture = np.clip(colour, 0, 1).reshape(size, ss, size, ss, 3).mean((1, 3))
        ground = (np.abs(points[..., 2]) < 1e-3).astype(F).reshape(size, ss, size, ss).mean((1, 3))
        for thing in (subject, *self.room.things):
            picture *= (1 - ground * shadow(thing, camera, self.light, size))[..., None]
        return picture

    def _falloff(self, points: np.ndarray) -> np.ndarray:
        """The lamp's light at points (..., 3), as a share of that in the middle."""

        def near(p: np.ndarray) -> np.ndarray:
            return 1 / (1 + (((p - np.asarray(self.lamp, F)) / self.reach) ** 2).sum(-1))

        return np.minimum(near(points) / near(np.asarray(_MIDDLE, F)), 1.4).astype(F)


PLACES: dict[str, Place] = {
    "bookcase": Place(bookcase, (3.2, -4.0, 5.0), 9.0, (1.04, 1.0, 0.92)),
    "workshop": Place(workshop, (-6.0, -3.5, 5.5), 12.0, (1.1, 1.14, 1.18)),
    "lounge": Place(lounge, (-2.8, -1.6, 3.6), 5.0, (0.78, 0.67, 0.52), ambient=0.42, noise=0.02),
}
