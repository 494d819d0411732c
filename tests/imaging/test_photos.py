"""Reading photos: every way a file may be stored, and every problem at once."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from hypnos_pipeline.errors import PhotoError
from hypnos_pipeline.imaging.photos import read_photos

from .conftest import picture


def save_mask(folder: Path, name: str, mask: np.ndarray) -> None:
    (folder / "masks").mkdir(exist_ok=True)
    Image.fromarray(mask.astype(np.uint8)).save(folder / "masks" / f"{name}.png")


def test_photos_come_sorted_upright_rgb_and_strays_are_ignored(photo_folder: Path) -> None:
    picture(7).save(photo_folder / "A.PNG")
    for stray in (".DS_Store", "Thumbs.db", "._0.jpg", "notes.txt"):
        (photo_folder / stray).write_bytes(b"stray")
    (photo_folder / "old").mkdir()
    picture(9).save(photo_folder / "old" / "9.jpg")
    raw = read_photos(photo_folder)
    assert list(raw.photos) == ["0", "1", "2", "A"]
    assert {photo.mode for photo in raw.photos.values()} == {"RGB"}
    assert raw.masks == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned(photo_folder: Path, orientation: int) -> None:
    upright = picture(5)
    stored = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    image = upright if stored is None else upright.transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(photo_folder / "turned.png", exif=exif)
    photo = read_photos(photo_folder).photos["turned"]
    np.testing.assert_array_equal(np.asarray(photo), np.asarray(upright))
    assert not photo.getexif()


def test_a_wide_gamut_profile_is_converted_to_srgb(photo_folder: Path) -> None:
    # A matrix profile with swapped primaries, made from sRGB's own: its red is sRGB's green.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for entry in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * entry
        swapped = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(bytes(profile[at : at + 4]))
        if swapped:
            profile[at : at + 4] = swapped
    Image.new("RGB", (60, 40), (220, 30, 40)).save(photo_folder / "p.png", icc_profile=bytes(profile))
    Image.new("RGB", (60, 40), (9, 99, 40)).save(photo_folder / "broken.png", icc_profile=b"no profile")
    photos = read_photos(photo_folder).photos
    assert np.abs(np.array(photos["p"].getpixel((5, 5))) - (30, 220, 40)).max() <= 3
    assert photos["broken"].getpixel((5, 5)) == (9, 99, 40)


def test_sixteen_bits_are_scaled_and_not_clipped(photo_folder: Path) -> None:
    ramp = np.linspace(0, 65535, 60 * 40).reshape(40, 60).astype(np.uint16)
    Image.fromarray(ramp).save(photo_folder / "deep.png")
    Image.fromarray(ramp).save(photo_folder / "deep_tiff.tif")
    with pytest.raises(PhotoError, match="same pixels as deep"):
        read_photos(photo_folder)
    for name, other in (("deep.png", "deep_tiff.tif"), ("deep_tiff.tif", "deep.png")):
        hidden = (photo_folder / other).rename(photo_folder / f".{other}")
        photo = read_photos(photo_folder).photos[Path(name).stem]
        assert np.abs(np.asarray(photo)[..., 1] - ramp / 257.0).max() <= 1
        hidden.rename(photo_folder / other)


def test_cmyk_grey_palette_and_transparent_photos_become_rgb(photo_folder: Path) -> None:
    Image.new("CMYK", (60, 40), (0, 255, 255, 0)).save(photo_folder / "cmyk.jpg", quality=95)
    picture(5).convert("L").save(photo_folder / "grey.png")
    picture(6).quantize(64).save(photo_folder / "palette.png")
    cut_out = np.zeros((40, 60, 4), dtype=np.uint8)
    cut_out[:, :30] = (10, 20, 200, 255)
    Image.fromarray(cut_out).save(photo_folder / "clear.png")
    photos = read_photos(photo_folder).photos
    red, green, blue = photos["cmyk"].getpixel((30, 20))
    assert red > 200
    assert max(green, blue) < 60
    grey = np.asarray(photos["grey"])
    assert (grey[..., 0] == grey[..., 2]).all()
    assert np.abs(np.asarray(photos["palette"]).astype(int) - np.asarray(picture(6))).mean() < 8
    assert photos["clear"].getpixel((5, 5)) == (10, 20, 200)
    assert photos["clear"].getpixel((50, 5)) == (255, 255, 255)


def test_all_problems_are_reported_at_once_with_their_fixes(photo_folder: Path) -> None:
    (photo_folder / "empty.jpg").write_bytes(b"")
    (photo_folder / "text.png").write_text("no picture")
    whole = (photo_folder / "1.jpg").read_bytes()
    (photo_folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    picture(0).save(photo_folder / "copy.png")
    picture(0).save(photo_folder / "0.png")
    (photo_folder / "camera.cr2").write_bytes(b"raw")
    (photo_folder / "phone.heic").write_bytes(b"heic")
    frames = [picture(index) for index in (3, 4)]
    frames[0].save(photo_folder / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("RGB", (20, 20)).save(photo_folder / "tiny.png")
    Image.fromarray(np.asarray(picture(0))).save(photo_folder / "same.bmp")
    save_mask(photo_folder, "0", np.zeros((40, 60)))
    save_mask(photo_folder, "1", np.full((40, 60), 255))
    save_mask(photo_folder, "2", np.pad(np.full((10, 10), 255), 10))
    with pytest.raises(PhotoError) as caught:
        read_photos(photo_folder)
    problems = {problem.what.partition(": ")[0]: problem for problem in caught.value.problems}
    assert all(problem.fix and problem.where == str(photo_folder) for problem in problems.values())
    expected = {
        "0.png": "same name as 0.jpg",
        "empty.jpg": "zero bytes",
        "text.png": "no known kind of picture",
        "cut.jpg": "cannot be read",
        "same.bmp": "same pixels as copy.png",
        "camera.cr2": ".cr2 is not read",
        "phone.heic": "no known kind of picture",
        "moving.gif": "2 frames",
        "tiny.png": "20×20",
        "masks/0.png": "empty",
        "masks/1.png": "full",
        "masks/2.png": "30×30 for an upright photo of 60×40",
    }
    assert problems.keys() == expected.keys()
    for file, what in expected.items():
        assert what in problems[file].what
        assert file in str(caught.value)


def test_a_phone_jpeg_with_a_second_picture_is_a_photo(photo_folder: Path) -> None:
    picture(4).save(photo_folder / "phone.jpg", format="MPO", save_all=True, append_images=[picture(5)])
    assert "phone" in read_photos(photo_folder).photos


@pytest.mark.parametrize(("count", "message"), [(0, "no photos"), (2, "2 different photos, fewer than 3")])
def test_fewer_than_three_photos_are_refused(photo_folder: Path, count: int, message: str) -> None:
    for file in sorted(photo_folder.iterdir())[count:]:
        file.unlink()
    with pytest.raises(PhotoError, match=message):
        read_photos(photo_folder)
    with pytest.raises(PhotoError, match="nowhere: no such folder; put the photos there"):
        read_photos(photo_folder / "nowhere")


def test_many_photos_only_warn(photo_folder: Path, caplog) -> None:
    for index in range(3, 13):
        Image.new("RGB", (40, 40), (index, 0, 0)).save(photo_folder / f"more_{index}.png")
    with caplog.at_level(logging.WARNING):
        assert len(read_photos(photo_folder).photos) == 13
    assert "13 photos" in caplog.text


def test_masks_of_every_kind_are_read_in_unit_range(photo_folder: Path, caplog) -> None:
    ramp = np.tile(np.linspace(0, 255, 60), (40, 1))
    save_mask(photo_folder, "0", ramp)
    Image.fromarray((ramp * 257).astype(np.uint16)).save(photo_folder / "masks" / "1.png")
    cut_out = np.dstack([np.full((40, 60, 3), 90), ramp]).astype(np.uint8)
    Image.fromarray(cut_out).save(photo_folder / "masks" / "2.png")
    save_mask(photo_folder, "gone", ramp)
    with caplog.at_level(logging.WARNING):
        masks = read_photos(photo_folder).masks
    assert set(masks) == {"0", "1", "2"}
    for mask in masks.values():
        assert mask.dtype == np.float32
        assert np.abs(mask - ramp / 255).max() <= 1 / 255
    assert "gone.png" in caplog.text


def test_a_damaged_png_is_no_photo(photo_folder: Path) -> None:
    """Pillow alone decodes it: the checksums are not looked at."""
    picture(5).save(photo_folder / "damaged.png")
    content = bytearray((photo_folder / "damaged.png").read_bytes())
    content[len(content) // 2] ^= 255
    (photo_folder / "damaged.png").write_bytes(content)
    with pytest.raises(PhotoError, match=r"damaged\.png: cannot be read \(broken PNG"):
        read_photos(photo_folder)


def test_photos_with_a_problem_count_as_photos(photo_folder: Path) -> None:
    """Three files of a kind that is not read are three problems, not too few photos besides."""
    for file in photo_folder.iterdir():
        file.rename(file.with_suffix(".cr2"))
    with pytest.raises(PhotoError) as caught:
        read_photos(photo_folder)
    found = [problem.what for problem in caught.value.problems]
    assert found == [f"{index}.cr2: .cr2 is not read" for index in range(3)]
