"""Robot, figurine and duck: their solids, and the parameters that an instance draws."""

from __future__ import annotations

import numpy as np

from hypnos_pipeline.miniworld.render.builder import DARK, EYE, GREY, SKIN, Builder, tint
from hypnos_pipeline.miniworld.render.kinds import Kind, between, chance, one_of, whole


def _studs(b: Builder, p: dict, shoulders: float, crown: float, color, trim) -> None:
    """Adds studs on head, shoulders and chest; the heights are those of the first two."""
    (hw, _), (bw, bh) = p["head"], p["body"]
    for x in (-0.5, 0.5):
        b.tube((x * hw, 0, crown), (x * hw, 0, crown + 0.12), 0.17, 0.17, color)
        side = x * (bw + 0.2) * 2
        b.tube((side, 0, shoulders + 0.04), (side, 0, shoulders + 0.14), 0.13, 0.13, color)
    for x in (-0.45, 0.45):
        for z in (0.55, 1.35):
            centre = np.array([x * bw, -0.36, 2 * p["leg"] + bh * z])
            b.tube(centre, centre - [0, 0.1, 0], 0.13, 0.13, trim)


def robot(p: dict, c1, c2) -> Builder:
    """A boxy figure with a box head on a neck, antennae, square arms and legs."""
    b = Builder()
    hw, hh = p["head"]
    bw, bh = p["body"]
    second = c2 or c1
    trim = c2 or tint(c1, 0.62)
    top = 2 * p["leg"] + 2 * bh
    for x in (-1, 1):
        b.box((x * bw * 0.52, 0, p["leg"]), (bw * 0.33, 0.24, p["leg"]), second)
        b.box((x * bw * 0.52, -0.1, 0.09), (bw * 0.4, 0.36, 0.1), DARK if not c2 else tint(c2, 0.6))
        shoulder = np.array([x * (bw + 0.2), 0, top - 0.16])
        b.box(shoulder - np.array([0, 0, 0.3]), (0.15, 0.18, 0.42), second, rx=p["arm_drop"] * x)
        b.box(shoulder + np.array([0, p["arm_drop"] * x * 0.7, -0.78]), (0.13, 0.17, 0.12), GREY)
    b.box((0, 0, 2 * p["leg"] + bh), (bw, 0.36, bh), c1)
    if p["panel"] == "box":
        b.box((0, -0.35, 2 * p["leg"] + bh * 1.1), (bw * 0.55, 0.05, bh * 0.45), trim)
    elif p["panel"] == "round":
        b.ball((0, -0.34, 2 * p["leg"] + bh * 1.1), (bw * 0.45, 0.09, bh * 0.45), trim)
    b.tube((0, 0, top), (0, 0, top + 0.14), 0.16, 0.16, GREY)
    hz = top + 0.12 + hh
    b.box((0, 0, hz), (hw, 0.36, hh), c1 if c2 is None else second)
    for x in (-1, 1):
        b.ball((x * hw * 0.45, -0.36, hz + hh * 0.2), (p["eye"], 0.07, p["eye"]), (1, 1, 0.92), glow=True)
        b.ball((x * hw * 0.45, -0.43, hz + hh * 0.2), (p["eye"] * 0.45, 0.04, p["eye"] * 0.45), EYE)
        if p["ears"]:
            b.tube((x * hw, 0, hz), (x * (hw + 0.14), 0, hz), 0.16, 0.12, GREY)
    b.box((0, -0.36, hz - hh * 0.5), (hw * 0.55, 0.04, hh * 0.13), DARK)
    for x in (0.0,) if p["antenna"] == 1 else (-hw * 0.6, hw * 0.6):
        b.tube((x, 0, hz + hh), (x, 0, hz + hh + 0.26), 0.05, 0.05, GREY)
        b.ball((x, 0, hz + hh + 0.32), 0.12, trim)
    if p["studs"]:
        _studs(b, p, top, hz + hh, second, trim)
    return b


def _hat(b: Builder, kind: str, z: float, hw: float, hh: float, color) -> None:
    if kind == "tophat":
        b.tube((0, 0, z + hh * 0.62), (0, 0, z + hh * 0.72), hw * 1.12, hw * 1.12, color)
        b.tube((0, 0, z + hh * 0.7), (0, 0, z + hh * 1.75), hw * 0.66, hw * 0.7, color)
        b.tube((0, 0, z + hh * 0.74), (0, 0, z + hh * 0.95), hw * 0.69, hw * 0.69, tint(color, 0.5))
    elif kind == "cone":
        b.tube((0, 0, z + hh * 0.5), (0, 0, z + hh * 2.1), hw * 0.86, 0.03, color)
        b.ball((0, 0, z + hh * 2.1), 0.13, (0.95, 0.95, 0.95))
    elif kind == "crown":
        b.tube((0, 0, z + hh * 0.62), (0, 0, z + hh * 1.15), hw * 0.72, hw * 0.8, color)
        for k in range(6):
            a = k * np.pi / 3 + 0.3
            x, y = hw * 0.68 * np.cos(a), hw * 0.68 * np.sin(a)
            b.tube((x, y, z + hh * 1.1), (x, y, z + hh * 1.5), 0.15, 0.02, color)
    elif kind == "cap":
        b.ball((0, 0.03, z + hh * 0.42), (hw * 1.02, hw * 0.98, hh * 0.76), color)
        b.ball((0, -hw * 0.95, z + hh * 0.45), (hw * 0.72, hw * 0.55, 0.07), tint(color, 0.75))


def figurine(p: dict, c1, c2) -> Builder:
    """A vinyl figure: huge head with round black eyes, small body, on a disc."""
    b = Builder()
    hw, hh = p["head"]
    top = c2 or c1
    skin = tint(SKIN, p["skin"])
    b.tube((0, 0, 0), (0, 0, 0.1), 0.6, 0.56, DARK)
    w = p["body"]
    for x in (-1, 1):
        b.tube((x * w * 0.5, 0, 0.1), (x * w * 0.45, 0, 0.45), 0.15, 0.15, tint(c1, 0.7))
        hand = np.array([x * (w + 0.2 + 0.12 * p["arm"]), -0.12, 0.52 + 0.3 * p["arm"]])
        b.tube((x * w * 0.75, 0, 0.92), hand, 0.12, 0.11, c1)
        b.ball(hand, 0.13, skin)
    b.tube((0, 0, 0.4), (0, 0, 1.08), w, w * 0.74, c1)
    if p["belt"]:
        b.tube((0, 0, 0.52), (0, 0, 0.64), w * 1.03, w * 0.99, top if c2 else DARK)
    z = 1.0 + hh
    b.ball((0, 0, z), (hw, hw * 0.86, hh), skin)
    # Hair wraps the back and top of the head; a hat sits over it.
    hair = top if p["hat"] == "hair" else (0.25, 0.16, 0.1)
    if p["hat"] == "hair":
        b.ball((0, 0.12, z + 0.17), (hw * 1.07, hw * 0.92, hh * 0.98), hair)
        b.ball((0, -hw * 0.42, z + hh * 0.72), (hw * 0.72, hw * 0.42, hh * 0.3), hair)
    else:
        b.ball((0, 0.16, z + 0.04), (hw * 1.04, hw * 0.82, hh * 0.98), hair)
    if p["bun"]:
        for x in (-1, 1):
            b.ball((x * hw * 0.85, 0.1, z + hh * 0.75), 0.26, hair)
    _hat(b, p["hat"], z, hw, hh, top)
    for x in (-1, 1):
        b.ball((x * hw * 0.42, -hw * 0.79, z - hh * 0.1), (p["eye"], 0.07, p["eye"] * 1.1), EYE)
    b.ball((0, -hw * 0.86, z - hh * 0.28), (0.06, 0.05, 0.05), tint(skin, 0.8))
    return b


def duck(p: dict, c1, c2) -> Builder:
    """A bath duck seen from the side: body, tail, round head, beak."""
    b = Builder()
    s = -1 if p["flip"] else 1
    h, w = p["body"], 0.92
    beak = [(0.97, 0.55, 0.1), (0.95, 0.75, 0.15)][p["beak"]]
    if c1[0] > 0.9 and c1[2] < 0.3:
        beak = (0.88, 0.25, 0.1)
    b.ball((0, 0, h), (w, 0.62, h), c1)
    b.tube((-s * w * 0.6, 0, h * 1.15), (-s * w * 1.25, 0, h * 1.2 + p["tail"]), 0.34, 0.05, c1)
    x, z = s * w * 0.58, h + p["neck"]
    b.ball((x, 0, z), p["head"], c1)
    b.tube((x - s * 0.05, 0, h * 1.1), (x, 0, z), 0.36, 0.3, c2 if c2 and p["scarf"] else c1)
    b.ball((x + s * p["head"] * 1.1, 0, z - 0.06), (0.26, 0.2, 0.09), beak)
    for y in (-1, 1):
        wing = c2 if c2 else tint(c1, 0.78)
        b.ball((-s * 0.12, y * 0.55, h * 1.1), (0.5, 0.14, 0.3), wing, ry=s * 0.25)
        b.ball((x + s * p["head"] * 0.45, y * p["head"] * 0.8, z + 0.1), 0.085, EYE)
        b.ball((x + s * p["head"] * 0.48, y * p["head"] * 0.87, z + 0.13), 0.03, (1, 1, 1), glow=True)
    return b


FIGURES: dict[str, Kind] = {
    "robot": Kind(
        robot, size=2.65, turn=0.6, head=[between(0.46, 0.66), between(0.38, 0.52)],
        body=[between(0.42, 0.62), between(0.42, 0.6)], antenna=whole(1, 3), leg=between(0.2, 0.36),
        arm_drop=between(-0.3, 0.5), panel=one_of("none", "box", "round"), eye=between(0.11, 0.17),
        ears=chance(0.5), studs=False,
    ),
    "figurine": Kind(
        figurine, size=2.35, turn=0.6, head=[between(0.62, 0.76), between(0.54, 0.66)],
        hat=one_of("hair", "hair", "cap", "tophat", "cone", "crown"), bun=chance(0.3),
        body=between(0.3, 0.42), belt=chance(0.4), arm=between(0.15, 0.75), skin=one_of(1.0, 0.8, 0.58),
        eye=between(0.12, 0.16),
    ),
    "duck": Kind(
        duck, size=2.2, turn=0.55, body=between(0.46, 0.6), head=between(0.34, 0.44),
        neck=between(0.62, 0.85), tail=between(0.3, 0.6), beak=whole(0, 2), flip=chance(0.5),
        scarf=chance(0.5),
    ),
}  # fmt: skip
