"""Soft shadows on the ground."""

from __future__ import annotations

import numpy as np

from hypnos_pipeline.miniworld.render.raycast import Camera, Solid

F = np.float32


def _foot(solids: list[Solid]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the centre and half extent (x, y) of what stands on the ground."""
    corners = np.concatenate([s.corners() for s in solids])
    low = corners[corners[:, 2] < 0.6][:, :2]
    return (low.max(0) + low.min(0)) / 2, np.maximum((low.max(0) - low.min(0)) / 2, 0.15)


def shadow(solids: list[Solid], camera: Camera, light: np.ndarray, size: int) -> np.ndarray:
    """Returns a soft contact shadow on the ground, (size, size) float32 in [0, 1], 1 where unlit.

    Args:
        solids: What stands there.
        camera: Whose rays meet the ground, z = 0.
        light: Unit vector (3,) towards the light.
        size: Side of the picture in pixels.
    """
    origin, rays = camera.rays(size)
    down = rays[..., 2] < -1e-3
    t = np.where(down, -origin[2] / np.where(down, rays[..., 2], -1), 0)
    ground = origin[:2] + t[..., None] * rays[..., :2]
    centre, half = _foot(solids)
    away = -light[:2] / max(float(light[2]), 0.3)
    contact = ((ground - centre - away * 0.12) / (half * 1.1)) ** 2
    cast_far = ((ground - centre - away * 0.6) / (half * 0.9 + np.abs(away) * 0.7)) ** 2
    dark = 0.5 * np.exp(-(contact.sum(-1) ** 2)) + 0.3 * np.exp(-cast_far.sum(-1))
    return (np.clip(dark, 0, 0.65) * down).astype(F)
