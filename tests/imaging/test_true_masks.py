"""True masks go through the same square as their photos, and every problem with them is reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hypnos_pipeline.errors import PhotoError
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.imaging.true_masks import KNOWN, OWN, true_cut_outs
from hypnos_pipeline.imaging.working_set import WorkingSet, make_working_set

SIZE = 32


def disc(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """A disc with an edge so soft that no filter overshoots at it, height×width float in [0, 1]."""
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot(columns - x * width, rows - y * height) / min(width, height)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((distance - radius) / 0.3 + 0.5, 0, 1))


def working_set(photo: Image.Image, found: np.ndarray, crop: str) -> WorkingSet:
    """Returns the working set of one photo with a matte, right or wrong."""
    raw = RawPhotos({"a": photo}, {"a": found.astype(np.float32)})
    return make_working_set(raw, BackgroundRemovalSettings(backend="provided", crop=crop), SIZE)


def truth(working: WorkingSet, folder) -> tuple[ImageSet, ImageSet]:
    return true_cut_outs(working.photos, working.mattes, working.foregrounds, working.report, folder)


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(40, 120), st.integers(40, 120)),
    true=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)),
    found=st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
    crop=st.sampled_from(["matte", "centre", "pad"]),
)
def test_a_mask_lies_on_its_photo_whatever_square_was_cut(tmp_path_factory, size, true, found, crop):
    """A white object on black is its own mask, so both must come out alike, wherever the matte was seen."""
    folder = tmp_path_factory.mktemp("masks")
    mask = Image.fromarray(np.rint(disc(*size, *true, 0.25) * 255).astype(np.uint8))
    mask.save(folder / "a.png")
    working = working_set(mask.convert("RGB"), disc(*size, *found, 0.15), crop)
    mattes, foregrounds = truth(working, folder)
    difference = mattes.images["a"].astype(int) - working.photos.images["a"][..., 0]
    assert np.abs(difference).max() <= 3  # one pixel aside, they differ by more than 20
    assert foregrounds.images["a"].shape == (SIZE, SIZE, 3)
    opaque = mattes.images["a"] == 255
    assert (foregrounds.images["a"][opaque] == working.photos.images["a"][opaque]).all()
    assert mattes.manifest == foregrounds.manifest == [{"name": "a", "source": KNOWN}]


def test_without_known_masks_the_stages_own_stand_for_them(working):
    photos, mattes, foregrounds = working
    own = true_cut_outs(photos, mattes, foregrounds, [], None)
    assert own[0].images == mattes.images
    assert own[1].images == foregrounds.images
    assert own[0].manifest == [{"name": name, "source": OWN} for name in photos.images]


def test_every_unusable_mask_is_named(tmp_path, working):
    photos, mattes, foregrounds = working
    names = ("front", "side", "back")
    report = [{"photo": name, "frame": [48, 48], "square": [0, 0, 48]} for name in names]
    Image.new("L", (48, 40)).save(tmp_path / "front.png")
    (tmp_path / "side.png").write_bytes(b"not a picture")
    with pytest.raises(PhotoError) as error:
        true_cut_outs(photos, mattes, foregrounds, report, tmp_path)
    parts = ("front.png: 48×40", "of 48×48", "side.png: cannot be read", "back.png: no true mask")
    assert all(part in str(error.value) for part in parts)
    assert {problem.where for problem in error.value.problems} == {f"{tmp_path} (true_masks)"}
