"""A scene as plain numbers (what to draw) and its picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hypnos_pipeline.miniworld.render.backgrounds import background, noise
from hypnos_pipeline.miniworld.render.figures import FIGURES
from hypnos_pipeline.miniworld.render.kinds import Kind
from hypnos_pipeline.miniworld.render.palette import unit_rgb
from hypnos_pipeline.miniworld.render.places import PLACES
from hypnos_pipeline.miniworld.render.raycast import Camera, Solid, cast, shade
from hypnos_pipeline.miniworld.render.shadow import shadow
from hypnos_pipeline.miniworld.render.things import THINGS
from hypnos_pipeline.randomness import numpy_generator

F = np.float32
KINDS: dict[str, Kind] = {**FIGURES, **THINGS}
_LIGHT = {
    "bright light": (1.25, 1.25, 1.22),
    "dim light": (0.62, 0.62, 0.64),
    "warm light": (1.12, 0.96, 0.7),
    "cold light": (0.8, 0.95, 1.16),
}
_NIGHT = np.array([0.8, 0.82, 0.92], F)
_ZOOM = {"close-up": 1.3, "wide shot": 0.66}


@dataclass(frozen=True)
class Instance:
    """One object of a class: its parameters and colours (palette names or sRGB triples in [0, 1])."""

    cls: str
    params: dict
    first: str | tuple
    second: str | tuple | None = None

    def solids(self) -> list[Solid]:
        """Builds the object at its class's size, standing on the ground."""
        rgb = [unit_rgb(c) if isinstance(c, str) else c for c in (self.first, self.second)]
        kind = KINDS[self.cls]
        return kind.build(self.params, *rgb).finish(kind.size)


def draw_instance(cls: str, seed: int, stream: str, index: int, first, second=None) -> Instance:
    """Draws an instance's parameters from ``(seed, stream/cls, index)``."""
    params = KINDS[cls].draw(numpy_generator(seed, f"{stream}/{cls}", index))
    return Instance(cls, params, first, second)


@dataclass(frozen=True)
class Scene:
    """Everything the picture shows besides the instance."""

    background: str = "plain"  # a name of words.BACKGROUNDS or places.PLACES
    wall: str | tuple | None = "white"
    kind: str = "photo"
    style: str | None = None
    azimuth: float = 0.2
    elevation: float = 0.3
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    light: tuple[float, float] = (-0.6, 0.8)  # azimuth against the camera, elevation; a place has its own
    texture: int = 0  # seed of the background's own variation
    clutter: tuple = field(default=())  # (Instance, x, y, turn, scale) besides the object


def draw_scene(rng: np.random.Generator, cls: str, **given) -> Scene:
    """Draws camera, light and texture; ``given`` fixes any field."""
    drawn = {
        "azimuth": float(rng.uniform(-1, 1) * KINDS[cls].turn),
        "elevation": float(rng.uniform(0.12, 0.5)),
        "zoom": float(rng.uniform(0.92, 1.1)),
        "shift": (float(rng.uniform(-0.13, 0.13)), float(rng.uniform(-0.12, 0.02))),
        "light": (float(rng.uniform(-1.1, 1.1)), float(rng.uniform(0.6, 1.1))),
        "texture": int(rng.integers(2**31)),
    }
    return Scene(**{**drawn, **given})


def _camera(scene: Scene) -> Camera:
    zoom = scene.zoom * _ZOOM.get(scene.style or "", 1.0)
    return Camera(scene.azimuth, scene.elevation, zoom=zoom * 0.88, shift=scene.shift, target=(0, 0, 1.05))


def _moved(solids: list[Solid], x: float, y: float, turn: float, scale: float) -> list[Solid]:
    c, s = np.cos(turn), np.sin(turn)
    spin = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * scale
    return [replace(o, centre=spin @ o.centre + [x, y, 0], forward=spin @ o.forward) for o in solids]


def _layer(solids, camera, light, ambient, gain, size, ss) -> tuple[np.ndarray, np.ndarray]:
    """Casts solids: premultiplied colour (size, size, 3) and exact coverage (size, size, 1)."""
    n = size * ss
    found = cast(solids, camera, n)
    color = np.zeros((n, n, 3), F)
    color[found["hit"]] = np.clip(shade(found, light, ambient) * gain, 0, 1)
    alpha = found["hit"].astype(F).reshape(size, ss, size, ss).mean((1, 3))[..., None]
    return color.reshape(size, ss, size, ss, 3).mean((1, 3)), alpha


def _light(scene: Scene) -> np.ndarray:
    turn, tilt = scene.light
    angle = scene.azimuth + turn
    return np.array([np.sin(angle) * np.cos(tilt), -np.cos(angle) * np.cos(tilt), np.sin(tilt)], F)


def _drawn(scene: Scene, camera: Camera, solids: list[Solid], light, gain, size: int) -> np.ndarray:
    """Draws a flat background, with the object's shadow."""
    rng = numpy_generator(scene.texture, "miniworld/texture")
    wall = unit_rgb(scene.wall) if isinstance(scene.wall, str) else scene.wall
    horizon = float(np.clip(0.46 - 0.35 * scene.elevation + rng.uniform(-0.04, 0.04), 0.26, 0.46))
    backdrop = background(scene.background, wall, horizon, rng, size)
    backdrop = backdrop * (1 - shadow(solids, camera, light, size))[..., None]
    if scene.background in ("plain", "walled"):
        gain_back = gain if scene.style not in ("warm light", "cold light") else gain**0.6
    else:
        gain_back = gain if scene.background != "night" else gain / _NIGHT
    return np.clip(backdrop * gain_back, 0, 1)


def render(instance: Instance, scene: Scene, size: int = 64, ss: int = 3) -> dict[str, np.ndarray]:
    """Draws a scene.

    Returns:
        ``image``, ``backdrop`` and premultiplied ``object`` (size, size, 3) and ``alpha``
        (size, size, 1), float32 in [0, 1], with image = object + (1 - alpha) * backdrop exactly.
    """
    camera, solids = _camera(scene), instance.solids()
    gain = np.asarray(_LIGHT.get(scene.style or "", (1, 1, 1)), F)
    if place := PLACES.get(scene.background):
        light, ambient = place.light, place.ambient
        backdrop = np.clip(place.picture(camera, solids, size, ss) * gain, 0, 1)
        gain = gain * np.asarray(place.tone, F)
    else:
        light, ambient = _light(scene), 0.55
        gain = gain * _NIGHT if scene.background == "night" else gain
        backdrop = _drawn(scene, camera, solids, light, gain, size)
    for other, x, y, spin, scale in scene.clutter:
        extra, cover = _layer(
            _moved(other.solids(), x, y, spin, scale), camera, light, ambient, gain, size, ss
        )
        backdrop = extra + (1 - cover) * backdrop
    front, alpha = _layer(solids, camera, light, ambient, gain, size, ss)
    if scene.kind == "painting":
        front, alpha, backdrop = _painted(front, alpha, backdrop, scene, size)
    return {"image": front + (1 - alpha) * backdrop, "object": front, "alpha": alpha, "backdrop": backdrop}


def _posterise(x: np.ndarray, levels: int) -> np.ndarray:
    return np.round(x * levels) / levels


def _painted(front, alpha, backdrop, scene: Scene, size: int):
    """Brush-like displacement and few tones, the same for object and backdrop; keeps the composite exact."""
    rng = numpy_generator(scene.texture, "miniworld/paint")
    axis = (np.arange(size, dtype=F) + F(0.5)) / size
    u, v = np.meshgrid(axis, axis)
    thick = scene.style == "thick paint"
    cells = (12, 12) if thick else (16, 16)
    reach = size / 64 * (1.9 if thick else 1.0)
    row = np.clip(np.round(v * size - 0.5 + reach * noise(rng, u, v, cells)), 0, size - 1).astype(int)
    col = np.clip(np.round(u * size - 0.5 + reach * noise(rng, u, v, cells)), 0, size - 1).astype(int)
    front, alpha, backdrop = front[row, col], alpha[row, col], backdrop[row, col]
    stroke = (0.11 if thick else 0.04) * noise(rng, u + 0.35 * v, v, (26, 8))[..., None]
    color = front / np.maximum(alpha, 1e-4)
    tones = []
    for x in (color, backdrop):
        grey = x.mean(-1, keepdims=True)
        if scene.style == "bold colors":
            x = (grey + (x - grey) * 1.6 - 0.5) * 1.25 + 0.5
        elif scene.style == "pale colors":
            x = 0.5 + 0.5 * x
        tones.append(np.clip(0.6 * _posterise(np.clip(x, 0, 1), 5) + 0.4 * x + stroke, 0, 1))
    return tones[0] * alpha, alpha, tones[1]
