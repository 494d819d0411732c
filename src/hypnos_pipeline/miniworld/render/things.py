"""Chair, mug, car, house, lamp and ball: their solids, and the parameters that an instance draws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hypnos_pipeline.miniworld.render.builder import DARK, GLASS, GREY, Builder, tint
from hypnos_pipeline.miniworld.render.kinds import Kind, between, chance, one_of, whole


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


def ball(p: dict, c1, c2) -> Builder:
    """A ball, with a band or beach-ball slices in the second colour."""
    b = Builder()
    pattern = {} if c2 is None else {"pattern": (p["kind"], c2, p["value"] if p["kind"] == "band" else 3)}
    ry, rx = p["tilt"]
    b.ball((0, 0, 1), 1.0, c1, ry=ry, rx=rx, **pattern)
    return b


THINGS: dict[str, Kind] = {
    "chair": Kind(
        chair, size=2.3, turn=0.75, seat=between(0.58, 0.78), leg=between(0.38, 0.52),
        back=between(0.5, 0.85), arms=chance(0.35), slats=one_of(0, 0, 2, 3), round=chance(0.25),
        thick=between(0.09, 0.13), weave=None,
    ),
    "mug": Kind(
        mug, size=1.95, turn=0.5, radius=between(0.52, 0.66), taper=between(0.85, 1.08),
        height=between(1.2, 1.5), handle=between(0.34, 0.46), square=chance(0.4), flip=chance(0.4),
        band=between(0.22, 0.45),
    ),
    "car": Kind(
        car, size=2.6, turn=0.6, length=between(1.15, 1.4), body=between(0.22, 0.3),
        cabin=[between(0.5, 0.75), between(0.26, 0.34)], offset=between(-0.3, 0.1),
        slant=between(0.3, 0.75), wheel=between(0.27, 0.34), flip=chance(0.5),
    ),
    "house": Kind(
        house, size=2.45, turn=0.6, width=between(0.8, 1.05), wall=between(0.42, 0.56),
        roof=between(0.42, 0.62), chimney=chance(0.6), door=between(-0.4, 0.4), plain_roof=whole(0, 2),
    ),
    "lamp": Kind(
        lamp, size=2.35, turn=0.4, shade=[between(0.55, 0.75), between(0.28, 0.46)],
        height=between(0.6, 0.85), pole=between(0.7, 1.1), base=between(0.34, 0.5), bulge=chance(0.35),
    ),
    "ball": Kind(
        ball, size=1.75, turn=0.4, kind=one_of("band", "slices"), value=between(0.2, 0.4),
        tilt=[between(-0.35, 0.35), between(-0.35, 0.35)],
    ),
}  # fmt: skip
