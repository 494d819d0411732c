"""Backends, guards, and masks that win."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hypnos_pipeline.errors import PhotoError
from hypnos_pipeline.imaging.mattes import registry
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.mattes.grabcut import remove_background
from hypnos_pipeline.imaging.mattes.guards import matte_row
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.imaging.working_set import make_working_set, matte_sheet

from .conftest import disc_matte, picture


@pytest.fixture
def half(monkeypatch) -> None:
    """A backend whose matte is the photo's left half."""

    def left_half(photo: Image.Image, *, value: float = 1.0) -> np.ndarray:
        alpha = np.zeros(photo.size[::-1], dtype=np.float32)
        alpha[:, : photo.width // 2] = value
        return alpha

    monkeypatch.setattr(registry, "_BACKENDS", dict(registry._BACKENDS))
    registry.register_backend("half", left_half)


@pytest.fixture
def raw() -> RawPhotos:
    return RawPhotos({str(index): picture(index) for index in range(3)})


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (disc_matte(64, radius=0.05), "less than 2%"),
        (np.pad(np.ones((60, 60)), 2), "more than 80%"),
        (np.full((64, 64), 0.4), "flat"),
        (np.pad(np.ones((30, 64)), ((34, 0), (0, 0))), "touches 3 borders (left, right, bottom)"),
    ],
)
def test_guards_report_suspicious_mattes_with_the_fix(alpha, expected) -> None:
    problems = matte_row("03", "grabcut", alpha, 0.02, 0.80)["problems"]
    assert any(expected in problem["what"] for problem in problems)
    for problem in problems:
        assert (problem["where"], problem["severity"]) == ("03", "warning")
        assert "masks/<photo>.png" in problem["fix"]


def test_guards_pass_a_good_matte() -> None:
    row = matte_row("03", "grabcut", disc_matte(64), 0.02, 0.80)
    assert row["problems"] == row["borders_touched"] == []
    assert row["area"] == pytest.approx(np.pi * 0.22**2, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "magic"}, "unknown backend 'magic'; expected one of grabcut, half, network, provided"),
        ({"backend": "grabcat"}, r"unknown backend 'grabcat'; expected grabcut, or another one of "),
        ({"backend": "half", "options": {"size": 3}}, "options: size: unknown key; .*value"),
        ({"backend": "half", "options": {"values": 3}}, "options: values: unknown key; .*value"),
        # What comes back is no matte.
        ({"backend": "half", "options": {"value": 2.0}}, r"'half': expected 40×60 values in \[0, 1\]"),
    ],
)
def test_unknown_backends_and_options_are_refused_naming_the_known_ones(raw, half, settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        estimate_mattes(raw, BackgroundRemovalSettings(**settings))


def test_a_provided_mask_wins_for_its_photo(raw, half) -> None:
    mask = np.asarray(disc_matte(60), dtype=np.float32)[10:50]
    raw = RawPhotos(raw.photos, {"1": mask})
    mattes, rows = estimate_mattes(raw, BackgroundRemovalSettings(backend="half"))
    assert [row["backend"] for row in rows] == ["half", "provided", "half"]
    np.testing.assert_array_equal(mattes["1"], mask)
    assert mattes["0"][:, :30].min() == 1


def test_the_provided_backend_names_every_photo_without_mask(raw) -> None:
    raw = RawPhotos(raw.photos, {"1": np.asarray(disc_matte(60), np.float32)[10:50]})
    with pytest.raises(PhotoError) as caught:
        estimate_mattes(raw, BackgroundRemovalSettings(backend="provided"))
    assert [problem.what for problem in caught.value.problems] == ["0: has no mask", "2: has no mask"]


def test_options_reach_the_backend_and_suspicion_is_warned_of(raw, half, caplog) -> None:
    settings = BackgroundRemovalSettings(backend="half", options={"value": 0.01})
    with caplog.at_level(logging.WARNING):
        _, rows = estimate_mattes(raw, settings)
    assert all(row["problems"] for row in rows)
    assert "matte of 2: covers 0.5%" in caplog.text


def test_grabcut_finds_a_plain_subject_and_the_working_set_is_consistent() -> None:
    alpha = disc_matte(96, x=0.55, y=0.5, radius=0.25)[..., None]
    photos = {}
    for index in range(3):
        noise = np.random.default_rng(index).normal(0, 0.02, (96, 96, 3))
        ground = np.array((0.8, 0.75, 0.5 + 0.1 * index))
        image = alpha * np.array((0.1, 0.2, 0.6)) + (1 - alpha) * ground + noise
        photos[str(index)] = Image.fromarray((image.clip(0, 1) * 255).astype(np.uint8))
    settings = BackgroundRemovalSettings()
    working = make_working_set(RawPhotos(photos), settings, 64)
    for name in photos:
        small = np.asarray(Image.fromarray(alpha[..., 0].astype(np.float32)).resize((64, 64)))
        found = working.mattes.images[name] / 255
        assert np.minimum(found, small).sum() / np.maximum(found, small).sum() > 0.85
        f, photo = working.foregrounds.images[name] / 255, working.photos.images[name] / 255
        assert np.abs(f[found > 0.3] - (0.1, 0.2, 0.6)).mean() < 0.1
        assert photo.shape == (64, 64, 3)
    again = make_working_set(RawPhotos(photos), settings, 64)
    for name in photos:
        np.testing.assert_array_equal(again.mattes.images[name], working.mattes.images[name])
    assert all(row["problems"] == [] for row in working.report)
    assert matte_sheet(working).width > 4 * 160


def test_grabcut_keeps_thin_parts_on_a_plain_background() -> None:
    """A pole, its base, and a ring on a thin arm, beside the disc that they hold."""
    truth = Image.new("L", (200, 200))
    photo = Image.new("RGB", truth.size, (236, 232, 226))
    for canvas, red, black, blue in (
        (photo, (200, 40, 30), (20, 20, 24), (30, 90, 160)),
        (truth, *[255] * 3),
    ):
        draw = ImageDraw.Draw(canvas)
        draw.ellipse((75, 40, 125, 80), fill=red)
        draw.rectangle((98, 78, 101, 170), fill=black)
        draw.rectangle((80, 168, 120, 174), fill=black)
        draw.rectangle((100, 112, 126, 114), fill=black)
        draw.ellipse((126, 98, 156, 128), outline=blue, width=4)
    found, known = remove_background(photo), np.asarray(truth) / 255
    assert np.minimum(found, known).sum() / np.maximum(found, known).sum() > 0.8
    pole, ring, opening = found[150, 99], found[113, 154], found[113, 141]
    assert min(pole, ring) > 0.5 > opening


def test_real_photos_give_usable_mattes(real_photos) -> None:
    _, rows = estimate_mattes(real_photos, BackgroundRemovalSettings())
    assert all(row["problems"] == [] and 0.1 < row["area"] < 0.4 for row in rows)
