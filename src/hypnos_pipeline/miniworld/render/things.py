"""Chair, mug, car, house, lamp and ball: parameters of an instance and its solids."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hypnos_pipeline.miniworld.render.builder import DARK, GLASS, GREY, Builder, tint

WOOD = (0.45, 0.29, 0.16)


def draw_chair(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "seat": float(rng.uniform(0.58, 0.78)),
        "leg": float(rng.uniform(0.38, 0.52)),
        "back": float(rng.uniform(0.5, 0.85)),
        "arms": bool(rng.random() < 0.35),
        "slats": int(rng.choice([0, 0, 2, 3])),
        "round": bool(rng.random() < 0.25),
        "thick": float(rng.uniform(0.09, 0.13)),
        "weave": None,
    }


def chair(p: dict, c1, c2) -> Builder:
    """Four legs, a seat, a back (solid, slatted, round or woven), perhaps arms."""
    b = Builder()
    w, leg, t = p["seat"], p["leg"], p["thick"]
    seat_z = 2 * leg
    legs = c2 or c1
    for x in (-1, 1):
        for y in (-1, 1):
            b.box((x * (w - t), y * (w * 0.85 - t), leg), (t, t, leg), tint(legs, 0.9))
    weave = {} if not p["weave"] else {"pattern": ("weave", p["weave"], 6.0)}
    b.box((0, 0, seat_z), (w, w * 0.85, 0.12), c1, **weave)
    if p["weave"]:
        b.box((0, -0.05, seat_z + 0.16), (w * 0.82, w * 0.66, 0.08), c2 or c1)
    y, h = w * 0.85 - 0.08, p["back"]
    if p["round"]:
        b.ball((0, y, seat_z + h * 1.05), (w, 0.12, h), c1, rx=-0.1, **weave)
    elif p["slats"]:
        for x in (-1, 1):
            b.box((x * (w - t), y, seat_z + h), (t, 0.09, h), c1)
        for k in range(p["slats"]):
            b.box(
                (0, y, seat_z + 2 * h * (k + 0.8) / p["slats"] * 0.95), (w, 0.08, 0.62 * h / p["slats"]), c1
            )
    else:
        b.box((0, y, seat_z + h), (w, 0.1, h), c1, **weave)
    if p["arms"]:
        for x in (-1, 1):
            b.box((x * w, -0.05, seat_z + 0.5), (t * 1.1, w * 0.8, 0.08), legs)
            b.box((x * w, -w * 0.7, seat_z + 0.25), (t * 0.9, t, 0.25), legs)
    return b


def draw_mug(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "radius": float(rng.uniform(0.52, 0.66)),
        "taper": float(rng.uniform(0.85, 1.08)),
        "height": float(rng.uniform(1.2, 1.5)),
        "handle": float(rng.uniform(0.34, 0.46)),
        "square": bool(rng.random() < 0.4),
        "flip": bool(rng.random() < 0.4),
        "band": float(rng.uniform(0.22, 0.45)),
    }


def mug(p: dict, c1, c2) -> Builder:
    """A cup with a thick handle that stands out to one side."""
    b = Builder()
    s = -1 if p["flip"] else 1
    r, h, reach = p["radius"], p["height"], p["handle"]
    pattern = {"pattern": ("band", c2, p["band"])} if c2 else {}
    low = r * p["taper"]
    b.tube((0, 0, 0), (0, 0, h), low, r, c1, **pattern)
    b.tube((0, 0, h), (0, 0, h + 0.005), r * 0.86, r * 0.86, tint(c1, 0.42))
    grip = c2 or c1
    t = 0.13
    mid = (r + low) / 2
    if p["square"]:
        b.box((s * (mid + reach / 2), 0, h * 0.8), (reach / 2 + 0.1, t, t), grip)
        b.box((s * (mid + reach / 2), 0, h * 0.3), (reach / 2 + 0.1, t, t), grip)
        b.box((s * (mid + reach), 0, h * 0.55), (t, t, h * 0.25 + t), grip)
    else:
        angles = np.linspace(-np.pi / 2, np.pi / 2, 7)
        pts = [
            (s * (mid - 0.03 + (reach + 0.1) * np.cos(a)), 0, h * 0.53 + h * 0.3 * np.sin(a)) for a in angles
        ]
        for p0, p1 in pairwise(pts):
            b.tube(p0, p1, t, t, grip)
    return b


def draw_car(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "length": float(rng.uniform(1.15, 1.4)),
        "body": float(rng.uniform(0.22, 0.3)),
        "cabin": [float(rng.uniform(0.5, 0.75)), float(rng.uniform(0.26, 0.34))],
        "offset": float(rng.uniform(-0.3, 0.1)),
        "slant": float(rng.uniform(0.3, 0.75)),
        "wheel": float(rng.uniform(0.27, 0.34)),
        "flip": bool(rng.random() < 0.5),
    }


def car(p: dict, c1, c2) -> Builder:
    """A car from the side: body, cabin with windows, dark wheels, lamps."""
    b = Builder()
    s = -1 if p["flip"] else 1
    length, h, (cw, ch), wheel = p["length"], p["body"], p["cabin"], p["wheel"]
    z = wheel * 0.85 + h
    b.box((0, 0, z), (length, 0.58, h), c1)
    x = s * p["offset"]
    b.cabin((x, 0, z + h + ch), (cw, 0.5, ch), c2 or c1, slant=p["slant"])
    b.cabin((x, 0, z + h + ch * 0.92), (cw * 0.84, 0.53, ch * 0.68), GLASS, slant=p["slant"])
    b.cabin((x, 0, z + h + ch * 0.92), (cw * 1.02, 0.4, ch * 0.68), GLASS, slant=p["slant"])
    b.box((x, 0, z + h + ch), (0.05, 0.535, ch * 0.8), c2 or c1)
    for wx in (-0.62, 0.62):
        for y in (-1, 1):
            b.tube((wx * length, y * 0.42, wheel), (wx * length, y * 0.63, wheel), wheel, wheel, DARK)
            b.tube(
                (wx * length, y * 0.6, wheel), (wx * length, y * 0.66, wheel), wheel * 0.5, wheel * 0.5, GREY
            )
    for y in (-1, 1):
        b.ball((s * length, y * 0.4, z + 0.05), 0.11, (1, 0.95, 0.6), glow=True)
        b.box((-s * length, y * 0.42, z + 0.08), (0.03, 0.12, 0.07), (0.8, 0.1, 0.1))
    return b


def draw_house(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "width": float(rng.uniform(0.8, 1.05)),
        "wall": float(rng.uniform(0.42, 0.56)),
        "roof": float(rng.uniform(0.42, 0.62)),
        "chimney": bool(rng.random() < 0.6),
        "door": float(rng.uniform(-0.4, 0.4)),
        "plain_roof": int(rng.integers(0, 2)),
    }


def house(p: dict, c1, c2) -> Builder:
    """Walls, an overhanging gable roof in another tone, a door, windows, perhaps a chimney."""
    b = Builder()
    w, h, r = p["width"], p["wall"], p["roof"]
    depth = 0.72
    roof = c2 or [(0.36, 0.22, 0.17), (0.32, 0.33, 0.37)][p["plain_roof"]]
    b.box((0, 0, h), (w, depth, h), c1)
    b.roof((0, 0, 2 * h + r), (w * 1.16, depth * 1.28, r), roof)
    door = p["door"] * w
    b.box((door, -depth, 0.34), (0.17, 0.03, 0.34), (0.3, 0.17, 0.1))
    for x in (-0.62, 0.0, 0.62):
        if abs(x * w - door) > 0.38:
            b.box((x * w, -depth, h * 1.15), (0.17, 0.02, 0.17), (0.97, 0.97, 0.95))
            b.box((x * w, -depth, h * 1.15), (0.13, 0.04, 0.13), (0.3, 0.42, 0.55))
    for x in (-1, 1):
        b.box((x * w, 0, h * 1.15), (0.04, 0.16, 0.16), (0.3, 0.42, 0.55))
    if p["chimney"]:
        b.box((w * 0.55, 0.05, 2 * h + r * 1.75), (0.15, 0.15, r * 0.75), (0.55, 0.28, 0.22))
    return b


def draw_lamp(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "shade": [float(rng.uniform(0.55, 0.75)), float(rng.uniform(0.28, 0.46))],
        "height": float(rng.uniform(0.6, 0.85)),
        "pole": float(rng.uniform(0.7, 1.1)),
        "base": float(rng.uniform(0.34, 0.5)),
        "bulge": bool(rng.random() < 0.35),
    }


def lamp(p: dict, c1, c2) -> Builder:
    """A table lamp: base, pole and a conical shade."""
    b = Builder()
    low, high = p["shade"]
    foot = c2 or GREY
    b.tube((0, 0, 0), (0, 0, 0.14), p["base"], p["base"] * 0.85, foot)
    b.tube((0, 0, 0.1), (0, 0, p["pole"] + 0.2), 0.09, 0.09, foot)
    if p["bulge"]:
        b.ball((0, 0, p["pole"] * 0.45 + 0.1), (0.26, 0.26, p["pole"] * 0.36), foot)
    b.tube((0, 0, p["pole"]), (0, 0, p["pole"] + p["height"]), low, high, c1)
    b.tube((0, 0, p["pole"] - 0.02), (0, 0, p["pole"]), low * 0.92, low * 0.92, (1, 0.95, 0.7), glow=True)
    return b


def draw_ball(rng: np.random.Generator) -> dict:
    """Draws an instance's parameters."""
    return {
        "kind": str(rng.choice(["band", "slices"])),
        "value": float(rng.uniform(0.2, 0.4)),
        "tilt": [float(rng.uniform(-0.35, 0.35)), float(rng.uniform(-0.35, 0.35))],
        "size": float(rng.uniform(0.85, 1.0)),
    }


def ball(p: dict, c1, c2) -> Builder:
    """A ball, with a band or beach-ball slices in the second colour."""
    b = Builder()
    pattern = {} if c2 is None else {"pattern": (p["kind"], c2, p["value"] if p["kind"] == "band" else 3)}
    ry, rx = p["tilt"]
    b.ball((0, 0, 1), 1.0, c1, ry=ry, rx=rx, **pattern)
    return b
