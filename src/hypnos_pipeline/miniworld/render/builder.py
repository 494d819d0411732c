"""A small kit to assemble solids into an object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hypnos_pipeline.miniworld.render.raycast import Solid

GREY, DARK, SKIN = (0.62, 0.63, 0.66), (0.13, 0.13, 0.15), (0.93, 0.76, 0.63)
GLASS, EYE = (0.66, 0.84, 0.95), (0.06, 0.06, 0.08)


def tint(color, factor: float) -> tuple[float, float, float]:
    """Darkens (factor < 1) or lightens towards white (factor > 1) a colour in [0, 1]."""
    c = np.asarray(color, float)
    c = c * factor if factor <= 1 else c + (1 - c) * (factor - 1)
    return tuple(float(v) for v in np.clip(c, 0, 1))


def _turn(rz: float = 0.0, ry: float = 0.0, rx: float = 0.0) -> np.ndarray:
    """Rotation matrix: about x, then y, then z (radians)."""
    c, s = np.cos, np.sin
    mx = np.array([[1, 0, 0], [0, c(rx), -s(rx)], [0, s(rx), c(rx)]])
    my = np.array([[c(ry), 0, s(ry)], [0, 1, 0], [-s(ry), 0, c(ry)]])
    mz = np.array([[c(rz), -s(rz), 0], [s(rz), c(rz), 0], [0, 0, 1]])
    return mz @ my @ mx


class Builder:
    """Collects solids; then moves them onto the ground and scales them to a common size."""

    def __init__(self) -> None:
        self.solids: list[Solid] = []

    def box(self, centre, half, color, rz=0.0, ry=0.0, rx=0.0, **kw) -> None:
        """Adds a box of half sizes ``half``."""
        self.solids.append(Solid("box", centre, _turn(rz, ry, rx) @ np.diag(half), color, **kw))

    def ball(self, centre, radii, color, rz=0.0, ry=0.0, rx=0.0, **kw) -> None:
        """Adds an ellipsoid (``radii`` a number or a triple)."""
        radii = np.broadcast_to(np.asarray(radii, float), (3,))
        self.solids.append(Solid("sphere", centre, _turn(rz, ry, rx) @ np.diag(radii), color, **kw))

    def tube(self, start, end, r0, r1, color, squash=1.0, **kw) -> None:
        """Adds a capped cone from ``start`` (radius r0) to ``end`` (radius r1)."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        axis = end - start
        length = np.linalg.norm(axis)
        axis = axis / length
        side = np.cross(axis, [0, 0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0, 0])
        side /= np.linalg.norm(side)
        other = np.cross(axis, side)
        r = max(r0, r1)
        forward = np.stack([side * r, other * r * squash, axis * length / 2], -1)
        self.solids.append(Solid("frustum", (start + end) / 2, forward, color, radii=(r0 / r, r1 / r), **kw))

    def roof(self, centre, half, color, **kw) -> None:
        """Adds a gable roof whose ridge runs along x."""
        s = 1 / np.sqrt(5)
        planes = np.array(
            [[1, 0, 0, 1], [-1, 0, 0, 1], [0, 0, -1, 1], [0, 2 * s, s, s], [0, -2 * s, s, s]], np.float32
        )
        self.solids.append(Solid("planes", centre, np.diag(half), color, planes=planes, **kw))

    def cabin(self, centre, half, color, slant=0.35, **kw) -> None:
        """Adds a box whose ends (in x) lean inwards towards the top."""
        k = np.sqrt(1 + slant**2 / 4)
        end = [1 / k, 0, slant / 2 / k, (1 - slant / 2) / k]
        planes = np.array(
            [end, [-end[0], 0, end[2], end[3]], [0, 1, 0, 1], [0, -1, 0, 1], [0, 0, 1, 1], [0, 0, -1, 1]],
            np.float32,
        )
        self.solids.append(Solid("planes", centre, np.diag(half), color, planes=planes, **kw))

    def finish(self, size: float) -> list[Solid]:
        """Scales so that the larger of width and height is ``size`` and stands the object on z = 0."""
        corners = np.concatenate([s.corners() for s in self.solids])
        low, high = corners.min(0), corners.max(0)
        scale = size / max(high[2] - low[2], high[0] - low[0])
        offset = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
        return [
            replace(s, centre=(s.centre - offset) * scale, forward=s.forward * scale) for s in self.solids
        ]
