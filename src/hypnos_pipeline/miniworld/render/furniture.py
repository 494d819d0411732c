"""Rooms, and what stands and hangs in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypnos_pipeline.miniworld.render.builder import DARK, GREY, Builder, tint
from hypnos_pipeline.miniworld.render.raycast import Solid
from hypnos_pipeline.randomness import numpy_generator

_SEED = 7
_WOOD, _OAK, _STEEL, _PAPER = (0.45, 0.29, 0.18), (0.62, 0.47, 0.31), (0.5, 0.53, 0.56), (0.93, 0.92, 0.88)
_PAINT = (0.8, 0.81, 0.82)
_COVERS = ((0.34, 0.45, 0.64), (0.66, 0.4, 0.3), (0.46, 0.6, 0.45), (0.86, 0.84, 0.78), (0.5, 0.54, 0.6),
           (0.8, 0.68, 0.36), (0.62, 0.66, 0.7), (0.76, 0.76, 0.75), (0.56, 0.5, 0.66))  # fmt: skip

_PICTURES = ((-3.1, 3.0, _PAPER), (-2.3, 2.5, (0.72, 0.78, 0.7)), (-1.5, 3.0, _PAPER),
          (-2.4, 3.25, (0.8, 0.7, 0.72)), (-1.1, 2.2, (0.7, 0.75, 0.82)))  # fmt: skip


@dataclass(frozen=True)
class Room:
    """A room.

    Attributes:
        walls: Solids that cast no shadow on the ground: walls, the ground itself, what hangs.
        things: What stands on the ground, each a list of solids with a shadow of its own.
    """

    walls: list[Solid]
    things: list[list[Solid]]


def _books(room: Builder, stream: str, left: float, right: float, front: float, shelf: float) -> None:
    """Puts a row of books on a shelf at height ``shelf``, from x = ``left`` on; here and there one leans."""
    rng, x = numpy_generator(_SEED, f"miniworld/place/{stream}"), left
    while x < right:
        thick, tall, deep = rng.uniform(0.13, 0.3), rng.uniform(1.35, 2.05), rng.uniform(0.5, 0.65)
        colour = tint(_COVERS[int(rng.integers(len(_COVERS)))], rng.uniform(0.85, 1.1))
        lean, back = rng.choice([0.0, 0.0, 0.0, 0.0, 0.14]), front + rng.uniform(0, 0.2)
        centre = np.array([x + thick / 2 + lean * tall / 2, back + deep, shelf + tall / 2])
        room.box(centre, (thick / 2, deep, tall / 2), colour, ry=lean)
        label, up = tint(colour, 1.5), tall * rng.uniform(0.1, 0.3)
        title = centre + np.array([np.sin(lean) * up, -deep, up])
        room.box(title, (thick / 2, 0.012, tall * rng.uniform(0.05, 0.12)), label, ry=lean)
        x += thick + 0.015 + lean * tall


def bookcase() -> Room:
    """A board of a bookcase before two rows of books, with what gathers on such boards."""
    room, clock, globe, pile = (Builder() for _ in range(4))
    room.box((0, 0, -0.1), (9, 3.6, 0.1), _PAINT)
    room.box((0, 3.7, 3), (9, 0.1, 4), tint(_PAINT, 0.8))
    room.box((0, 2.6, 2.62), (9, 1.1, 0.09), _PAINT)
    for x in (-6.2, 6.2):
        room.box((x, 2.0, 3), (0.1, 1.7, 4), tint(_PAINT, 0.9))
    _books(room, "bookcase/lower", -6.0, -1.9, 1.7, 0.0)
    _books(room, "bookcase/middle", -1.2, 6.0, 1.7, 0.0)
    _books(room, "bookcase/upper", -6.0, 6.0, 1.75, 2.71)
    for k in range(4):
        lying, half = (-3.1 + 0.05 * k, 0.5, 0.11 + 0.22 * k), (0.8 - 0.06 * k, 0.6, 0.1)
        pile.box(lying, half, _COVERS[k + 1], rz=0.1 * k)
    clock.tube((2.9, 0.9, 0.62), (2.9, 0.62, 0.62), 0.6, 0.6, DARK)
    clock.tube((2.9, 0.63, 0.62), (2.9, 0.6, 0.62), 0.5, 0.5, _PAPER)
    clock.box((2.9, 0.59, 0.76), (0.03, 0.01, 0.2), DARK)
    clock.box((3.03, 0.59, 0.62), (0.16, 0.01, 0.03), DARK)
    globe.tube((-1.55, 2.1, 0), (-1.55, 2.1, 0.5), 0.35, 0.08, _WOOD)
    globe.ball((-1.55, 2.1, 1.0), 0.55, (0.42, 0.52, 0.62), pattern=("slices", (0.62, 0.6, 0.45), 5))
    return Room(room.solids, [pile.solids, clock.solids, globe.solids])


def workshop() -> Room:
    """A workshop: concrete, a bench with a vice, tools on a board, tins on a shelf, timber in the corner."""
    room, bench, bucket, timber, tins = (Builder() for _ in range(5))
    room.box((0, 0, -0.1), (14, 9, 0.1), (0.56, 0.56, 0.54))
    for k in range(12):
        room.box((0, 4.9, 0.3 + 0.6 * k), (12, 0.1, 0.285), tint((0.8, 0.74, 0.6), 0.96 if k % 2 else 1.0))
    room.box((0, 4.98, 3), (12, 0.1, 5), (0.5, 0.49, 0.46))
    room.box((-0.4, 4.75, 3.1), (2.9, 0.05, 0.95), (0.24, 0.36, 0.46))
    bench.box((0.2, 4.0, 1.55), (3.6, 0.8, 0.1), tint(_OAK, 0.8))
    for x in (-3.1, -0.6, 1.4, 3.5):
        bench.box((x, 3.5, 0.72), (0.12, 0.12, 0.72), _WOOD)
    bench.box((2.45, 4.0, 0.85), (1.0, 0.6, 0.6), (0.25, 0.31, 0.3))
    for z in (0.6, 1.0):
        bench.box((2.45, 3.38, z), (0.4, 0.03, 0.04), _STEEL)
    bench.box((-1.9, 3.4, 1.85), (0.35, 0.3, 0.2), _STEEL)
    bench.tube((-1.9, 3.1, 1.85), (-1.9, 2.8, 1.85), 0.06, 0.06, GREY)
    _tools(room)
    for k, colour in enumerate(((0.55, 0.16, 0.12), _STEEL, (0.84, 0.82, 0.76), (0.2, 0.3, 0.22), _STEEL)):
        tins.tube((3.2 + 0.5 * k, 4.5, 2.9), (3.2 + 0.5 * k, 4.5, 3.45), 0.21, 0.21, colour)
    tins.box((4.3, 4.5, 2.84), (1.6, 0.35, 0.06), _WOOD)
    bucket.tube((-3.1, 1.6, 0), (-3.1, 1.6, 0.95), 0.42, 0.56, _STEEL)
    bucket.tube((-3.1, 1.6, 0.95), (-3.1, 1.6, 0.96), 0.5, 0.5, DARK)
    for k in range(3):
        start, end = (4.7 + 0.35 * k, 3.5, 0), (5.4 + 0.35 * k, 4.7, 4.2 - 0.4 * k)
        timber.tube(start, end, 0.13, 0.13, tint((0.66, 0.55, 0.4), 1 - 0.1 * k))
    return Room([*room.solids, *tins.solids], [bench.solids, bucket.solids, timber.solids])


def _tools(wall: Builder) -> None:
    """Hangs a saw, hammers, spanners and screwdrivers on a board."""
    wall.cabin((-2.3, 4.66, 3.1), (0.2, 0.03, 0.6), _STEEL, slant=0.9)
    wall.box((-2.3, 4.66, 3.8), (0.2, 0.05, 0.16), (0.6, 0.3, 0.12))
    for k, x in enumerate((-1.4, -0.9)):
        wall.tube((x, 4.62, 2.5), (x, 4.62, 3.5), 0.06, 0.05, tint(_OAK, 0.9))
        wall.box((x, 4.62, 3.55), (0.24 - 0.05 * k, 0.08, 0.1), DARK)
    for k in range(3):
        wall.box((-0.3 + 0.35 * k, 4.66, 3.1), (0.05, 0.03, 0.55 - 0.08 * k), _STEEL)
        wall.tube((-0.3 + 0.35 * k, 4.68, 3.6), (-0.3 + 0.35 * k, 4.6, 3.6), 0.12, 0.12, _STEEL)
    for k, colour in enumerate(((0.6, 0.2, 0.12), (0.2, 0.35, 0.25), (0.75, 0.6, 0.2), (0.3, 0.3, 0.32))):
        wall.tube((0.9 + 0.3 * k, 4.64, 3.2), (0.9 + 0.3 * k, 4.64, 3.6), 0.08, 0.08, colour)
        wall.tube((0.9 + 0.3 * k, 4.64, 2.7), (0.9 + 0.3 * k, 4.64, 3.2), 0.03, 0.03, GREY)


def lounge() -> Room:
    """A living room in the evening: a television, a lamp, blankets, a vase, a plant, a board of pictures."""
    room, television, lamp, blankets, vase, plant = (Builder() for _ in range(6))
    room.box((0, 0, -0.1), (9, 4.2, 0.1), (0.4, 0.36, 0.33))
    room.box((0, 4.3, 3), (12, 0.1, 4), (0.5, 0.55, 0.6))
    room.box((-2.1, 4.15, 2.7), (1.7, 0.06, 1.0), (0.48, 0.4, 0.3))
    for k, (x, z, colour) in enumerate(_PICTURES):
        room.box((x, 4.07, z), (0.3, 0.02, 0.24 + 0.05 * (k % 2)), colour, ry=0.15 * (k - 2))
    television.box((4.3, 2.4, 1.75), (1.5, 0.08, 0.95), DARK, rz=-0.15)
    television.box((4.285, 2.31, 1.75), (1.4, 0.02, 0.85), (0.2, 0.29, 0.38), rz=-0.15, glow=True)
    for k in range(5):
        line, half = (3.9 + 0.06 * k, 2.3 - 0.005 * k, 2.35 - 0.25 * k), (0.7 - 0.09 * k, 0.02, 0.05)
        television.box(line, half, (0.4, 0.48, 0.55), rz=-0.15, glow=True)
    television.box((4.3, 2.45, 0.45), (0.16, 0.08, 0.45), DARK)
    television.box((4.3, 2.4, 0.04), (0.7, 0.4, 0.04), DARK)
    lamp.tube((-3.2, 1.4, 0), (-3.2, 1.4, 0.12), 0.55, 0.5, DARK)
    lamp.tube((-3.2, 1.4, 0.1), (-3.7, 1.7, 1.7), 0.06, 0.06, _STEEL)
    lamp.tube((-3.7, 1.7, 1.7), (-2.9, 1.1, 2.9), 0.06, 0.06, _STEEL)
    lamp.tube((-2.95, 1.15, 3.0), (-2.6, 0.75, 2.6), 0.16, 0.5, (0.22, 0.3, 0.26))
    lamp.tube((-2.61, 0.76, 2.61), (-2.58, 0.73, 2.58), 0.42, 0.42, (1.0, 0.93, 0.7), glow=True)
    for k in range(5):
        folded, half = (-1.9 + 0.03 * k, 1.9, 0.05 + 0.06 * k), (0.75, 0.95, 0.03)
        blankets.box(folded, half, tint(_PAPER, 1 - 0.05 * k), rz=0.2 - 0.1 * k)
    vase.tube((2.5, 0.75, 0), (2.5, 0.75, 0.75), 0.3, 0.32, (0.3, 0.36, 0.42))
    for k, colour in enumerate(((0.2, 0.4, 0.3), (0.6, 0.58, 0.52), (0.25, 0.3, 0.5), DARK)):
        x, y = 2.5 + 0.13 * np.cos(2 * k), 0.75 + 0.13 * np.sin(2 * k)
        vase.tube((x, y, 0.5), (x + 0.1 * np.cos(2 * k), y, 1.25 + 0.1 * k), 0.045, 0.04, colour)
    plant.tube((2.1, 3.2, 0), (2.1, 3.2, 0.6), 0.35, 0.45, (0.5, 0.46, 0.44))
    for k in range(9):
        turn = 2.4 * k
        leaf = (2.1 + 0.38 * np.cos(turn), 3.2 + 0.3 * np.sin(turn), 0.95 + 0.09 * k)
        plant.ball(leaf, (0.36, 0.14, 0.2), tint((0.16, 0.3, 0.17), 0.8 + 0.05 * k), rz=turn)
    return Room(room.solids, [each.solids for each in (television, lamp, blankets, vase, plant)])
