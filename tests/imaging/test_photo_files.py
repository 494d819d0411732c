"""Photos as people have them: names, folders, masks and formats of other people's tools."""

from __future__ import annotations

import logging
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from hypnos_pipeline.imaging import opening
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.photos import read_photos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.prompting.settings import SubjectSettings

from .conftest import picture

ACCENT = "tasse_é"
HALF = np.repeat([[0, 255]], 40, axis=0).repeat(30, axis=1).astype(np.uint8)
"""A mask of a photo of 60×40 pixels."""


@pytest.mark.parametrize(
    "name",
    [
        "0-masklabel.png",
        "0_mask.png",
        "0-mask.png",
        "0_matte.png",
        "masks/0.png",
        "masks/0_mask.png",
        "mask/0.png",
    ],
)
def test_a_mask_is_known_by_the_names_that_tools_give_it(photo_folder: Path, name: str) -> None:
    (photo_folder / name).parent.mkdir(exist_ok=True)
    Image.fromarray(HALF).save(photo_folder / name)
    raw = read_photos(photo_folder)
    assert list(raw.photos) == ["0", "1", "2"]
    assert np.array_equal(raw.masks["0"], HALF / np.float32(255))


def test_names_are_compared_in_one_unicode_form(photo_folder: Path) -> None:
    composed, parts = (unicodedata.normalize(form, ACCENT) for form in ("NFC", "NFD"))
    assert composed != parts
    (photo_folder / "0.jpg").rename(photo_folder / f"{parts}.jpg")
    (photo_folder / "masks").mkdir()
    Image.fromarray(HALF).save(photo_folder / "masks" / f"{composed}.png")
    raw = read_photos(photo_folder)
    assert composed in raw.photos
    assert raw.masks.keys() == {composed}
    assert SubjectSettings(noun="mug", exclude=[parts]).exclude == [composed]


def test_a_cut_out_s_transparency_is_its_matte(photo_folder: Path) -> None:
    cut_out = np.dstack([np.zeros((40, 60, 3), np.uint8), HALF])  # black where nothing is
    cut_out[:, 30:, :3] = (10, 20, 200)
    Image.fromarray(cut_out).save(photo_folder / "3.png")
    raw = read_photos(photo_folder)
    assert raw.photos["3"].getpixel((5, 5)) == (255, 255, 255)
    mattes, rows = estimate_mattes(raw, BackgroundRemovalSettings())
    assert np.array_equal(mattes["3"], HALF / np.float32(255))
    assert [row["backend"] for row in rows] == ["grabcut", "grabcut", "grabcut", "alpha"]
    _, rows = estimate_mattes(raw, BackgroundRemovalSettings(alpha="ignore"))
    assert rows[3]["backend"] == "grabcut"


def test_heic_and_avif_are_read(photo_folder: Path) -> None:
    from pillow_heif import from_pillow

    from_pillow(picture(3)).save(photo_folder / "3.HEIC", quality=95)
    picture(4).save(photo_folder / "4.avif", quality=95)
    from_pillow(picture(5)).save(photo_folder / "00.heic")
    photos = read_photos(photo_folder).photos
    assert list(photos) == ["0", "00", "1", "2", "3", "4"]
    for name, index in (("3", 3), ("4", 4)):
        difference = np.asarray(photos[name]).astype(int) - np.asarray(picture(index))
        assert np.abs(difference).mean() < 4


def test_what_a_camera_stores_beside_a_jpeg_is_named_and_not_used(photo_folder: Path, caplog) -> None:
    for name in ("0.HEIC", "1.cr2"):
        (photo_folder / name).write_bytes(b"not even a picture")
    with caplog.at_level(logging.WARNING):
        assert list(read_photos(photo_folder).photos) == ["0", "1", "2"]
    assert caplog.messages == [
        f"{photo_folder / '0.HEIC'}: 0.jpg is there too, and is used; .heic ignored",
        f"{photo_folder / '1.cr2'}: 1.jpg is there too, and is used; .cr2 ignored",
    ]


def test_other_files_and_folders_are_named_once(photo_folder: Path, caplog) -> None:
    for name in ("0.txt", "offer.pdf"):
        (photo_folder / name).write_bytes(b"a mug on a table")
    (photo_folder / "old").mkdir()
    picture(9).save(photo_folder / "old/9.jpg")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert list(read_photos(photo_folder).photos) == ["0", "1", "2"]
    assert caplog.messages == [
        f"{photo_folder / '0.txt'}: captions are not used, prompts come from the study's file; ignored",
        f"{photo_folder / 'offer.pdf'}: not a photo; ignored",
        f"{photo_folder}: 1 photo in the folder 'old'; ignored",
    ]


def test_a_png_with_much_text_is_read(photo_folder: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 3_000_000, zip=True)
    picture(3).save(photo_folder / "3.png", pnginfo=text)
    assert np.array_equal(read_photos(photo_folder).photos["3"], picture(3))


@pytest.mark.parametrize(
    ("kind", "mode"), [("jpg", "RGB"), ("png", "RGB"), ("png", "P"), ("png", "1"), ("png", "I;16")]
)
def test_a_very_large_photo_is_scaled_while_it_is_read(photo_folder: Path, monkeypatch, kind, mode) -> None:
    monkeypatch.setattr(opening, "LARGEST", 60 * 40)
    large = picture(3).resize((120, 80))
    large = (
        Image.fromarray(np.asarray(large.convert("I"), np.uint16) * 257)
        if mode == "I;16"
        else large.convert(mode)
    )
    exif = Image.Exif()
    exif[274] = 6  # turned
    large.save(photo_folder / f"3.{kind}", exif=exif)
    (photo_folder / "masks").mkdir()
    Image.fromarray(HALF.T.repeat(2, axis=0).repeat(2, axis=1)).save(photo_folder / "masks/3.png")
    raw = read_photos(photo_folder)
    assert raw.photos["3"].size == (40, 60)
    assert np.array_equal(raw.masks["3"], HALF.T / np.float32(255))
    if mode == "RGB":
        upright = np.asarray(picture(3).transpose(Image.Transpose.ROTATE_270)).astype(int)
        assert np.abs(np.asarray(raw.photos["3"]) - upright).mean() < 4
