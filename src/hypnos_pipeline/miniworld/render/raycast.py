"""Analytic ray casting of a few convex solids, with exact coverage.

Every solid is a unit shape under an affine map; a ray is carried into the shape's own space, where its
parameter t is unchanged. World: z up, ground at z = 0, lengths in units of about one object radius.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

F = np.float32
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=F)


@dataclass
class Solid:
    """One primitive: ``kind`` in sphere, box, frustum, planes; all fit in the local cube [-1, 1]^3."""

    kind: str
    centre: np.ndarray  # (3,)
    forward: np.ndarray  # (3, 3) local -> world
    color: tuple[float, ...]
    radii: tuple[float, float] = (1.0, 1.0)  # frustum: radius at local z = -1 and +1
    planes: np.ndarray | None = None  # (k, 4): n.x <= d
    pattern: tuple = ()  # (name, colour, parameter)
    glow: bool = False  # drawn without shading
    inverse: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.centre = np.asarray(self.centre, F)
        self.forward = np.asarray(self.forward, F)
        self.inverse = np.linalg.inv(self.forward).astype(F)

    def corners(self) -> np.ndarray:
        """Returns the 8 world corners of the local cube, (8, 3)."""
        return _CORNERS @ self.forward.T + self.centre


@dataclass
class Camera:
    """Perspective camera orbiting ``target``; ``shift`` and ``zoom`` act on the image plane."""

    azimuth: float
    elevation: float
    distance: float = 6.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    target: tuple[float, float, float] = (0.0, 0.0, 0.9)

    def basis(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns origin, right, up, forward as (3,) float32."""
        (ca, sa), (ce, se) = ((np.cos(angle), np.sin(angle)) for angle in (self.azimuth, self.elevation))
        back = np.array([sa * ce, -ca * ce, se], F)
        right = np.array([ca, sa, 0.0], F)
        up = np.cross(back, right).astype(F)
        return np.asarray(self.target, F) + self.distance * back, right, up, -back

    def rays(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the origin (3,) and unnormalised directions (n, n, 3), row 0 at the top."""
        origin, right, up, ahead = self.basis()
        axis = ((np.arange(n, dtype=F) + F(0.5)) / n * 2 - 1).astype(F)
        half = F(1.0 / (self.distance * 0.5) / self.zoom)
        u = (axis - F(self.shift[0])) * half
        v = (-axis - F(self.shift[1])) * half
        return origin, ahead + u[None, :, None] * right + v[:, None, None] * up

    def project(self, points: np.ndarray, n: int) -> np.ndarray:
        """Maps world points (k, 3) to pixel coordinates (k, 2) as (column, row)."""
        origin, right, up, ahead = self.basis()
        q = points - origin
        depth = np.maximum(q @ ahead, 1e-3)
        half = 1.0 / (self.distance * 0.5) / self.zoom
        u = q @ right / depth / half + self.shift[0]
        v = q @ up / depth / half + self.shift[1]
        return np.stack([(u + 1) / 2 * n, (1 - v) / 2 * n], -1)


def _sphere(o, d, _):
    a = np.einsum("...i,...i->...", d, d)
    b = d @ o
    disc = b * b - a * F(o @ o - 1)
    t = (-b - np.sqrt(np.maximum(disc, 0))) / a
    return np.where(disc > 0, t, np.inf), o + t[..., None] * d


def _box(o, d, _):
    inv = F(1) / np.where(np.abs(d) < 1e-9, F(1e-9), d)
    t1, t2 = (-1 - o) * inv, (1 - o) * inv
    near = np.minimum(t1, t2)
    axis = near.argmax(-1)
    tn = near.max(-1)
    tf = np.maximum(t1, t2).min(-1)
    normal = np.zeros_like(d)
    sign = -np.sign(np.take_along_axis(d, axis[..., None], -1))
    np.put_along_axis(normal, axis[..., None], sign, -1)
    return np.where(tn < tf, tn, np.inf), normal


def _planes(o, d, solid):
    tn = np.full(d.shape[:-1], -np.inf, F)
    tf = np.full(d.shape[:-1], np.inf, F)
    which = np.zeros(d.shape[:-1], np.int64)
    for i, plane in enumerate(solid.planes):
        denom = d @ plane[:3]
        denom = np.where(np.abs(denom) < 1e-9, F(1e-9), denom)
        t = (plane[3] - plane[:3] @ o) / denom
        entering = denom < 0
        newer = entering & (t > tn)
        tn, which = np.where(newer, t, tn), np.where(newer, i, which)
        tf = np.where(~entering & (t < tf), t, tf)
    return np.where(tn < tf, tn, np.inf), solid.planes[which, :3]


def _frustum(o, d, solid):
    r0, r1 = solid.radii
    a, b = F((r0 + r1) / 2), F((r1 - r0) / 2)
    dz = np.where(np.abs(d[..., 2]) < 1e-9, F(1e-9), d[..., 2])
    t1, t2 = (-1 - o[2]) / dz, (1 - o[2]) / dz
    slab_near, slab_far = np.minimum(t1, t2), np.maximum(t1, t2)
    ro = a + b * o[2]
    qa = np.maximum(d[..., 0] ** 2 + d[..., 1] ** 2 - b * b * dz * dz, F(1e-6))
    qb = d[..., 0] * o[0] + d[..., 1] * o[1] - b * dz * ro
    qc = F(o[0] ** 2 + o[1] ** 2 - ro**2)
    disc = qb * qb - qa * qc
    root = np.sqrt(np.maximum(disc, 0))
    side_near, side_far = (-qb - root) / qa, (-qb + root) / qa
    tn = np.maximum(slab_near, side_near)
    hit = (disc > 0) & (tn < np.minimum(slab_far, side_far))
    p = o + tn[..., None] * d
    normal = np.stack([p[..., 0], p[..., 1], -b * (a + b * p[..., 2])], -1)
    cap = slab_near > side_near
    normal[cap] = 0
    normal[..., 2] = np.where(cap, -np.sign(dz), normal[..., 2])
    return np.where(hit, tn, np.inf), normal


_SHAPES = {"sphere": _sphere, "box": _box, "planes": _planes, "frustum": _frustum}


def _patterned(solid: Solid, p: np.ndarray) -> np.ndarray:
    """Returns the albedo at local points p (m, 3)."""
    base = np.asarray(solid.color, F)
    name, other, value = solid.pattern
    if name == "band":
        mask = np.abs(p[:, 2]) < value
    elif name == "slices":
        mask = np.sin(np.arctan2(p[:, 1], p[:, 0]) * value) > 0
    elif name == "weave":
        cells = np.floor((p[:, 0] + 1) * value / 2) + np.floor((p[:, 2] + p[:, 1] + 2) * value / 2)
        mask = cells % 2 > 0.5
    else:
        raise ValueError(f"unknown pattern {name!r}")
    return np.where(mask[:, None], np.asarray(other, F), base)


def cast(solids: list[Solid], camera: Camera, n: int) -> dict[str, np.ndarray]:
    """Finds the nearest surface for n x n rays.

    Returns:
        ``hit`` (n, n) bool, ``depth`` (n, n) float32 in lengths of the rays (infinite without a hit),
        ``normal`` and ``albedo`` (n, n, 3) float32, ``glow`` (n, n) bool, ``origin`` (3,) and ``rays``
        (n, n, 3).
    """
    origin, rays = camera.rays(n)
    depth = np.full((n, n), np.inf, F)
    normal = np.zeros((n, n, 3), F)
    albedo = np.zeros((n, n, 3), F)
    glow = np.zeros((n, n), bool)
    for solid in solids:
        uv = camera.project(solid.corners(), n)
        lo = np.clip(np.floor(uv.min(0)).astype(int), 0, n)
        hi = np.clip(np.ceil(uv.max(0)).astype(int) + 1, 0, n)
        if (hi <= lo).any():
            continue
        window = (slice(lo[1], hi[1]), slice(lo[0], hi[0]))
        o = solid.inverse @ (origin - solid.centre)
        d = rays[window] @ solid.inverse.T
        t, local_normal = _SHAPES[solid.kind](o, d, solid)
        better = t < depth[window]
        if not better.any():
            continue
        depth[window][better] = t[better]
        normal[window][better] = local_normal[better] @ solid.inverse
        if not solid.pattern:
            albedo[window][better] = solid.color
        else:
            albedo[window][better] = _patterned(solid, o + t[better][:, None] * d[better])
        glow[window][better] = solid.glow
    found = {"normal": normal, "albedo": albedo, "glow": glow, "origin": origin, "rays": rays}
    return {"hit": depth < np.inf, "depth": depth, **found}


def shade(found: dict[str, np.ndarray], light: np.ndarray, ambient: float = 0.55) -> np.ndarray:
    """Lambert, a sky term and a small highlight; returns colours (m, 3) of the hit rays, unclipped."""
    hit = found["hit"]
    normal = found["normal"][hit]
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    view = -found["rays"][hit]
    view /= np.linalg.norm(view, axis=-1, keepdims=True)
    half = view + light
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    lambert = np.maximum(normal @ light.astype(F), 0)
    highlight = np.maximum(np.einsum("ij,ij->i", normal, half), 0) ** 24
    sky = F(0.08) * normal[:, 2]
    power = np.where(found["glow"][hit], F(1), ambient + sky + (1.08 - ambient) * lambert)
    return found["albedo"][hit] * power[:, None] + np.where(found["glow"][hit], 0, 0.16 * highlight)[:, None]
