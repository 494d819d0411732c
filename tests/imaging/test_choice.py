"""A subject's choices for single photos: left out, or cut out by another backend."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hypnos_pipeline.errors import PhotoError
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackendSettings, BackgroundRemovalSettings
from hypnos_pipeline.imaging.true_masks import true_cut_outs
from hypnos_pipeline.imaging.working_set import make_working_set, matte_sheet
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.pipelines.background_removal.nodes import remove_background
from hypnos_pipeline.prompting.settings import SubjectSettings

from .conftest import disc_matte, picture
from .networks import save_onnx

NAMES = ("00", "my photo (1).v2", "02", "03", "04")
DISC = np.asarray(disc_matte(60), dtype=np.float32)[10:50]


@pytest.fixture
def raw() -> RawPhotos:
    """Five photos, all but the second with masks."""
    masks = {name: DISC for name in NAMES if name != NAMES[1]}
    return RawPhotos({name: picture(index) for index, name in enumerate(NAMES)}, masks)


def test_the_node_leaves_out_and_overrides_as_the_subject_says(raw, tmp_path):
    save_onnx(tmp_path / "u2net.onnx")
    network = {"backend": "rembg", "options": {"model": "u2net", "threads": 1}}
    subject = SubjectSettings(
        noun="robot", exclude=["02"], mattes={NAMES[1]: network, "03": {"backend": "grabcut"}}
    )
    provided, networks = BackgroundRemovalSettings(backend="provided"), ModelReference(folder=str(tmp_path))
    photos, mattes, foregrounds, report, sheet = remove_background(raw, subject, provided, networks, 32)
    kept = [name for name in NAMES if name != "02"]
    assert list(photos.images) == list(mattes.images) == list(foregrounds.images) == kept
    assert [(row["photo"], row["backend"]) for row in report] == [
        ("00", "provided"),
        (NAMES[1], "rembg"),
        ("03", "provided"),  # a mask beside the photo wins over the photo's own backend
        ("04", "provided"),
        ("02", "excluded"),
    ]
    assert [bool(row.get("network")) for row in report] == [False, True, False, False, False]
    without = make_working_set(raw, BackgroundRemovalSettings(), 32, mattes=subject.mattes, networks=tmp_path)
    assert sheet.height == matte_sheet(without).height  # the excluded photo has its row


def test_what_is_left_out_is_seen_by_nobody_after(raw, tmp_path):
    raw = RawPhotos(raw.photos, {name: DISC for name in NAMES})
    made = make_working_set(raw, BackgroundRemovalSettings(), 32, exclude=["02", NAMES[1]])
    for name in ("00", "03", "04"):  # the others need no true mask
        Image.fromarray((DISC * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    known, freed = true_cut_outs(made.photos, made.mattes, made.foregrounds, made.report, tmp_path)
    assert list(known.images) == list(freed.images) == ["00", "03", "04"]


@pytest.mark.parametrize(
    ("exclude", "mattes", "message"),
    [
        (["2"], {}, "exclude: no photo '2'; expected 02, or another one of 00, my photo (1).v2, 02, "),
        ([], {"7": BackendSettings(backend="grabcut")}, "mattes: no photo '7'; expected one of 00, my "),
        (["00", "02", "03"], {}, "exclude: leaves 2 photos, fewer than 3; exclude fewer, or add photos"),
    ],
)
def test_names_of_no_photo_and_too_few_are_refused(raw, exclude, mattes, message):
    with pytest.raises(PhotoError) as refused:
        make_working_set(raw, BackgroundRemovalSettings(), 32, exclude=exclude, mattes=mattes)
    assert message in str(refused.value)


def test_real_photos_with_one_left_out_and_one_masked(real_photos):
    first, second, *_ = real_photos.photos
    width, height = real_photos.photos[first].size
    mask = np.zeros((height, width), dtype=np.float32)
    mask[height // 4 : -height // 4, width // 4 : -width // 4] = 1
    raw = RawPhotos(dict(list(real_photos.photos.items())[:4]), {first: mask})
    working = make_working_set(raw, BackgroundRemovalSettings(), 128, exclude=[second])
    assert [row["backend"] for row in working.report] == ["provided", "grabcut", "grabcut", "excluded"]
    assert list(working.photos.images) == [name for name in raw.photos if name != second]
