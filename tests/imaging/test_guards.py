"""Guards: each kind of wrong matte is named, on its own photo, and right mattes are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hypnos_pipeline.imaging.mattes.guards import matte_row
from hypnos_pipeline.imaging.mattes.measures import measure
from hypnos_pipeline.imaging.pixels import to_uint8
from hypnos_pipeline.miniworld.render.scene import Scene, render
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS

WALLS = {"00": "green", "01": "white", "02": "cyan"}


@pytest.fixture(scope="module")
def photographed() -> tuple[dict[str, Image.Image], dict[str, np.ndarray]]:
    """Three photos of a red and yellow robot against plain walls, and their true mattes."""
    photos, mattes = {}, {}
    for turn, (name, wall) in enumerate(WALLS.items()):
        scene = Scene(background="plain", wall=wall, azimuth=0.3 * turn - 0.3)
        drawn = render(SUBJECTS["lego_robot"], scene, size=160, ss=2)
        photos[name] = Image.fromarray(to_uint8(drawn["image"]))
        mattes[name] = drawn["alpha"][..., 0]
    return photos, mattes


def said(photos, mattes) -> dict[str, str]:
    """Returns what the guards say of each photo."""
    measured = measure(photos, mattes)
    rows = [matte_row(name, "grabcut", matte, 0.02, 0.8, measured[name]) for name, matte in mattes.items()]
    return {row["photo"]: "; ".join(problem["what"] for problem in row["problems"]) for row in rows}


def box(matte: np.ndarray) -> tuple[int, int, int, int]:
    """Returns top, bottom, left and right of a matte."""
    rows, columns = np.nonzero(matte > 0.5)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_true_mattes_are_not_flagged(photographed) -> None:
    assert said(*photographed) == {"00": "", "01": "", "02": ""}


def test_a_lost_part_is_named(photographed) -> None:
    photos, mattes = photographed
    cut = mattes["01"].copy()
    top, bottom, _, _ = box(cut)
    cut[(top + bottom) // 2 :] = 0.0
    found = said(photos, mattes | {"01": cut})
    assert "parts lost" in found["01"]


def test_background_that_was_taken_along_is_named(photographed) -> None:
    photos, mattes = photographed
    wide = mattes["01"].copy()
    top, bottom, left, right = box(wide)
    wide[top:bottom, left - 12 : (left + right) // 2] = 1.0
    found = said(photos, mattes | {"01": wide})
    assert "parts gained" in found["01"]


def test_a_thing_beside_the_object_is_named(photographed) -> None:
    """Its colours are in no other photo's cut-out."""
    photos, mattes = photographed
    _, bottom, _, right = box(mattes["02"])
    pixels, wide = np.array(photos["02"]), mattes["02"].copy()
    place = slice(bottom - 40, bottom), slice(right - 2, right + 26)
    pixels[place], wide[place] = (120, 40, 170), 1.0
    found = said(photos | {"02": Image.fromarray(pixels)}, mattes | {"02": wide})
    assert "parts gained" in found["02"]


def test_another_object_disagrees_with_the_other_photos(photographed) -> None:
    photos, mattes = photographed
    drawn = render(SUBJECTS["rattan_chair"], Scene(background="plain", wall="white"), size=160, ss=2)
    photo = Image.fromarray(to_uint8(drawn["image"]))
    found = said(photos | {"00": photo}, mattes | {"00": drawn["alpha"][..., 0]})
    assert "not this object" in found["00"]


def test_a_cut_out_of_another_shape_is_named(photographed) -> None:
    """What lay beside the object on both sides was taken along: wider, and as lopsided as before."""
    photos, mattes = photographed
    wide = mattes["01"].copy()
    _, bottom, left, right = box(wide)
    wide[bottom - 12 : bottom, max(0, left - 30) : right + 30] = 1.0
    assert "times wider" in said(photos, mattes | {"01": wide})["01"]


def test_a_lopsided_and_unsteady_matte_is_measured(photographed) -> None:
    """With the wall beside it on one side, the cut-out loses its symmetry, and GrabCut changes it."""
    photos, mattes = photographed
    wide = mattes["01"].copy()
    top, bottom, left, right = box(wide)
    wide[top:bottom, left - 20 : (left + right) // 2] = 1.0
    true, widened = measure(photos, mattes)["01"], measure(photos, mattes | {"01": wide})["01"]
    assert true.lopsided < 0.15 < 0.25 < widened.lopsided
    assert true.unsteady < 0.1 < 0.3 < widened.unsteady


def test_low_contrast_is_named(photographed) -> None:
    photos, mattes = photographed
    robot = replace(SUBJECTS["lego_robot"], first=(0.86, 0.72, 0.12))
    wall = (0.9, 0.72, 0.14)
    drawn = render(robot, Scene(background="plain", wall=wall), size=160, ss=2)
    photo = Image.fromarray(to_uint8(drawn["image"]))
    found = said(photos | {"00": photo}, mattes | {"00": drawn["alpha"][..., 0]})
    assert "low contrast" in found["00"]


def test_masks_of_the_user_s_own_are_not_doubted(photographed) -> None:
    """A mask is the fix of a wrong matte; what it holds is the user's choice."""
    from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
    from hypnos_pipeline.imaging.photos import RawPhotos
    from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings

    photos, mattes = photographed
    cut = mattes["01"].copy()
    cut[(sum(box(cut)[:2])) // 2 :] = 0.0
    masks = {name: matte.astype(np.float32) for name, matte in (mattes | {"01": cut}).items()}
    _, rows = estimate_mattes(RawPhotos(photos, masks), BackgroundRemovalSettings())
    assert all(row["problems"] == [] and row["measures"] == {} for row in rows)
