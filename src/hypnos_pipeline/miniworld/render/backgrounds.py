"""Backgrounds, drawn as functions of picture coordinates so that any size shows the same scene."""

from __future__ import annotations

import numpy as np

F = np.float32


def smooth(x: np.ndarray, edge, width: float) -> np.ndarray:
    """A linear step from 0 below ``edge`` to 1 above it, ``width`` wide."""
    return np.clip((x - edge) / width + 0.5, 0, 1).astype(F)


def noise(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """Smooth noise in about [-1, 1] with ``cells`` (columns, rows) over the picture."""
    cx, cy = cells
    grid = rng.uniform(-1, 1, (cy + 2, cx + 2)).astype(F)
    x, y = np.clip(u, 0, 0.9999) * cx, np.clip(v, 0, 0.9999) * cy
    i, j = x.astype(int), y.astype(int)
    fx, fy = x - i, y - j
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    top = grid[j, i] * (1 - fx) + grid[j, i + 1] * fx
    low = grid[j + 1, i] * (1 - fx) + grid[j + 1, i + 1] * fx
    return top * (1 - fy) + low * fy


def _mix(a, b, m: np.ndarray) -> np.ndarray:
    m = m[..., None]
    return np.asarray(a, F) * (1 - m) + np.asarray(b, F) * m


def _span(a, b, t: np.ndarray) -> np.ndarray:
    return _mix(a, b, np.clip(t, 0, 1))


def _beach(rng, u, v, h, e):
    img = _span((0.36, 0.62, 0.93), (0.78, 0.9, 0.98), v / h)
    shore = h + 0.14 + 0.012 * np.sin(u * 9 + rng.uniform(0, 6))
    img = _mix(img, (0.08, 0.4, 0.68), smooth(v, h, e))
    img = _mix(img, (0.96, 0.98, 1.0), smooth(v, shore - 0.02, e))
    sand = _span((0.92, 0.82, 0.58), (0.84, 0.71, 0.46), (v - shore) / (1 - h))
    sand = sand + (0.03 * noise(rng, u, v, (10, 14)))[..., None]
    return _mix(img, sand, smooth(v, shore + 0.015, e))


def _triangles(img, rng, u, v, h, e, color, count, height):
    for x in rng.uniform(0, 1, count):
        tall = height * rng.uniform(0.7, 1.2)
        inside = smooth(tall * 0.32 * (v - (h - tall)) / tall - np.abs(u - x), 0, e)
        img = _mix(img, np.asarray(color, F) * F(rng.uniform(0.85, 1.2)), inside * smooth(h + 0.02 - v, 0, e))
    return img


def _snow(rng, u, v, h, e):
    img = _span((0.62, 0.75, 0.9), (0.88, 0.92, 0.97), v / h)
    img = _triangles(img, rng, u, v, h, e, (0.12, 0.3, 0.24), int(rng.integers(4, 8)), 0.26)
    ground = _span((0.86, 0.9, 0.97), (0.96, 0.97, 1.0), (v - h) / (1 - h))
    return _mix(img, ground + (0.025 * noise(rng, u, v, (6, 10)))[..., None], smooth(v, h, e))


def _forest(rng, u, v, h, e):
    img = np.asarray((0.09, 0.26, 0.12), F) * (1 + 0.3 * noise(rng, u, v, (7, 8)))[..., None]
    for x in np.linspace(0.02, 0.98, 7) + rng.uniform(-0.06, 0.06, 7):
        width = rng.uniform(0.025, 0.045)
        img = _mix(
            img,
            np.asarray((0.34, 0.2, 0.11), F) * F(rng.uniform(0.8, 1.2)),
            smooth(width - np.abs(u - x), 0, e),
        )
    ground = _span((0.16, 0.3, 0.1), (0.26, 0.4, 0.14), (v - h) / (1 - h))
    return _mix(img, ground * (1 + 0.12 * noise(rng, u, v, (9, 14)))[..., None], smooth(v, h, e))


def _desert(rng, u, v, h, e):
    img = _span((0.98, 0.72, 0.42), (1.0, 0.9, 0.7), v / h)
    dune = h - 0.05 * np.sin(u * rng.uniform(3, 6) + rng.uniform(0, 6))
    img = _mix(img, (0.74, 0.4, 0.2), smooth(v, dune, e))
    for x in rng.uniform(0.05, 0.95, 3):
        trunk = smooth(0.014 - np.abs(u - x), 0, e) * smooth(v, h - 0.1, e)
        arm = smooth(0.04 - np.abs(u - x), 0, e) * smooth(0.012 - np.abs(v - h + 0.05), 0, e)
        img = _mix(img, (0.2, 0.42, 0.2), np.maximum(trunk, arm) * smooth(h + 0.04 - v, 0, e))
    ripple = np.sin(v * 60 + 3 * np.sin(u * 5 + rng.uniform(0, 6)))
    ground = np.asarray((0.85, 0.55, 0.28), F) * (1 + 0.05 * ripple)[..., None]
    return _mix(img, ground, smooth(v, h + 0.03, e))


def _city(rng, u, v, h, e):
    img = _span((0.6, 0.7, 0.84), (0.85, 0.88, 0.92), v / h)
    x = -0.05
    while x < 1:
        width, tall = rng.uniform(0.13, 0.22), rng.uniform(0.18, 0.36)
        inside = smooth(width / 2 - np.abs(u - x - width / 2), 0, e) * smooth(v, h - tall, e)
        tone = np.asarray(((0.5, 0.5, 0.54), (0.62, 0.55, 0.48), (0.42, 0.45, 0.52))[int(rng.integers(3))], F)
        img = _mix(img, tone, inside)
        pane = (np.sin((u - x) / width * 3 * 2 * np.pi - 1.5) > 0.1) & (
            np.sin((v - h) / 0.085 * 2 * np.pi) > 0.1
        )
        img = _mix(img, (0.96, 0.9, 0.62), inside * pane * 0.8)
        x += width + rng.uniform(0, 0.02)
    road = _span((0.36, 0.36, 0.38), (0.46, 0.46, 0.48), (v - h) / (1 - h))
    img = _mix(img, road, smooth(v, h, e))
    img = _mix(img, (0.72, 0.72, 0.72), smooth(0.012 - np.abs(v - h - 0.02), 0, e))
    dash = smooth(0.012 - np.abs(v - 0.9), 0, e) * (np.sin(u * 14 + rng.uniform(0, 6)) > -0.2)
    return _mix(img, (0.95, 0.95, 0.92), dash)


def _night(rng, u, v, h, e):
    img = _span((0.03, 0.03, 0.13), (0.1, 0.1, 0.26), v / h)
    for x, y in rng.uniform(0, 1, (14, 2)):
        star = smooth(0.009 - np.hypot(u - x, v - y * h * 0.95), 0, e)
        img = _mix(img, (0.95, 0.95, 0.8), star)
    x, y = rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.2)
    img = _mix(img, (0.98, 0.95, 0.78), smooth(0.065 - np.hypot(u - x, v - y), 0, e))
    ground = np.asarray((0.1, 0.12, 0.2), F) * (1 + 0.15 * noise(rng, u, v, (8, 10)))[..., None]
    return _mix(img, ground, smooth(v, h, e))


def _grass(rng, u, v, h, e):
    img = _span((0.3, 0.58, 0.95), (0.72, 0.86, 0.98), v / h)
    for x, y in rng.uniform(0, 1, (3, 2)):
        cloud = np.exp(-(((u - x) / 0.13) ** 2) - ((v - y * h * 0.7) / 0.035) ** 2)
        img = _mix(img, (1, 1, 1), np.clip(cloud * 1.3, 0, 1))
    ground = _span((0.42, 0.7, 0.22), (0.3, 0.6, 0.16), (v - h) / (1 - h))
    return _mix(img, ground * (1 + 0.1 * noise(rng, u, v, (10, 18)))[..., None], smooth(v, h, e))


def _room(rng, u, v, h, e, wall=None):
    given = wall is not None
    wall = np.asarray(wall if given else ((0.88, 0.83, 0.72), (0.9, 0.86, 0.8))[int(rng.integers(2))], F)
    img = wall * (1.03 - 0.12 * np.abs(u - 0.45))[..., None]
    if rng.random() < 0.6:
        x, y = rng.uniform(0.12, 0.88), rng.uniform(0.1, 0.16)
        frame = smooth(0.1 - np.abs(u - x), 0, e) * smooth(0.085 - np.abs(v - y), 0, e)
        pane = smooth(0.082 - np.abs(u - x), 0, e) * smooth(0.067 - np.abs(v - y), 0, e)
        img = _mix(_mix(img, (0.97, 0.97, 0.97), frame), (0.6, 0.8, 0.95), pane)
    img = _mix(img, (0.95, 0.94, 0.92), smooth(v, h - 0.02, e))
    depth = 0.4 / np.maximum(v - h + 0.25, 0.05)
    board = np.sin((u - 0.5) * 20 * depth + 0.5)
    floor = np.asarray((0.58, 0.36, 0.2), F) * (1 + 0.07 * np.sign(board))[..., None]
    return _mix(img, floor * (1.1 - 0.3 * (1 - v))[..., None], smooth(v, h + 0.01, e))


def _plain(rng, u, v, h, e, wall):
    slope = rng.uniform(-0.04, 0.04)
    return np.asarray(wall, F) * (1 + slope * (v - 0.5) - 0.05 * (np.hypot(u - 0.5, v - 0.5)))[..., None]


_SCENES = {
    "beach": _beach,
    "snow": _snow,
    "forest": _forest,
    "desert": _desert,
    "city": _city,
    "night": _night,
    "grass": _grass,
    "room": _room,
}


def background(name: str, rgb, horizon: float, rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws a background.

    Args:
        name: A scene, ``walled`` or ``plain``.
        rgb: Wall or backdrop colour in [0, 1] (``walled`` and ``plain``), else ``None``.
        horizon: Height of the horizon, fraction of the picture from the top.
        rng: Source of the scene's own variation.
        size: Side in pixels; drawn at twice the size and averaged.

    Returns:
        (size, size, 3) float32 in [0, 1].
    """
    n = size * 2
    axis = (np.arange(n, dtype=F) + F(0.5)) / n
    u, v = np.meshgrid(axis, axis)
    edge = 1.5 / size
    if name == "walled":
        img = _room(rng, u, v, horizon, edge, rgb)
    elif name == "plain":
        img = _plain(rng, u, v, horizon, edge, rgb)
    else:
        img = _SCENES[name](rng, u, v, horizon, edge)
    img = np.clip(img, 0, 1).astype(F)
    return img.reshape(size, 2, size, 2, 3).mean((1, 3))
