"""The tracked subjects and models, and the function that makes subjects."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hypnos_pipeline.errors import MissingModels
from hypnos_pipeline.miniworld.render.places import PLACES
from hypnos_pipeline.miniworld.render.scene import Scene, render
from hypnos_pipeline.miniworld.render.subjects import (
    SEVERAL_PLACES,
    SUBJECTS,
    TUNING,
    make_photos,
    make_unseen,
)
from hypnos_pipeline.miniworld.train.promote import LIMIT_BYTES, MODELS, folder_bytes, promote

RAW = Path("data/01_raw")


SETS = [name + ending for name in SUBJECTS for ending in ("", SEVERAL_PLACES)]


@pytest.mark.parametrize("name", SETS)
def test_tracked_photos(name):
    photos = sorted((RAW / "subjects" / name).glob("*.jpg"))
    assert 4 <= len(photos) <= 5
    orientations = []
    for path in photos:
        image = Image.open(path)
        exif = image.getexif()
        assert exif[0x010F]
        assert exif[0x0110]
        orientations.append(exif[0x0112])
        mask = Image.open(RAW / "truth" / name / "masks" / f"{path.stem}.png")
        assert mask.size == ImageOps.exif_transpose(image).size
        assert 0.04 < np.asarray(mask).mean() / 255 < 0.5
    assert set(orientations) == {1, 6}


@pytest.mark.parametrize("name", SUBJECTS)
def test_tracked_unseen_renders(name):
    assert len(list((RAW / "truth" / name / "unseen").glob("*.jpg"))) == 20
    assert len(list((RAW / "truth" / name / "unseen_masks").glob("*.png"))) == 20


def test_photos_are_small():
    truth = sum(folder_bytes(RAW / "truth" / name) for name in SETS)
    assert folder_bytes(RAW / "subjects") + truth < 6_000_000


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("ending", ["", SEVERAL_PLACES])
def test_tracked_photos_are_made_by_this_code(tmp_path, name, ending):
    """In a quarter of their size; another kind of CPU rounds some pixels otherwise."""
    make_photos(name, tmp_path, tmp_path, 7, one_place=not ending, size=128)
    for made in sorted(tmp_path.glob("*.jpg")):
        tracked = ImageOps.exif_transpose(Image.open(RAW / "subjects" / (name + ending) / made.name))
        image = ImageOps.exif_transpose(Image.open(made))
        tracked = tracked.resize(image.size, Image.Resampling.BOX)
        assert np.abs(np.asarray(image, float) - np.asarray(tracked, float)).mean() < 6


def test_a_subject_is_made_alike_twice(tmp_path):
    for run in ("a", "b"):
        folder = tmp_path / run
        for one_place in (True, False):
            place = folder / str(one_place)
            make_photos("tuning_robot", place / "photos", place, 7, one_place, 64)
        make_unseen("tuning_robot", folder, 7, 32)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 2 * (4 + 4) + 20 + 20
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def picture(place: str, azimuth: float, part: str) -> np.ndarray:
    return render(TUNING["tuning_robot"], Scene(place, azimuth=azimuth), size=64, ss=2)[part]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_stays_while_the_camera_moves(place):
    """What is seen moves; its colours stay, and are nearer to each other than to another place."""
    here, turned = (picture(place, azimuth, "backdrop") for azimuth in (-0.4, 0.4))
    assert np.abs(here - turned).mean() > 0.02
    within = np.abs(histogram(here) - histogram(turned)).sum()
    for other in PLACES.keys() - {place}:
        assert within < 0.8 * np.abs(histogram(here) - histogram(picture(other, 0.4, "backdrop"))).sum()


def histogram(image: np.ndarray) -> np.ndarray:
    counts, _ = np.histogramdd(image.reshape(-1, 3), bins=5, range=[(0, 1)] * 3)
    return counts / counts.sum()


def test_a_matte_in_a_place_is_exact():
    whole = {part: picture("lounge", 0.2, part) for part in ("image", "object", "alpha", "backdrop")}
    composed = whole["object"] + (1 - whole["alpha"]) * whole["backdrop"]
    np.testing.assert_allclose(whole["image"], composed, atol=1e-6)


def test_one_place_is_poorly_lit():
    light = {place: picture(place, 0.0, "image").mean() for place in PLACES}
    assert light["lounge"] < 0.5 * min(light["bookcase"], light["workshop"])


def test_tracked_models_are_small_and_described():
    mini = RAW / "models/mini"
    assert folder_bytes(mini) <= LIMIT_BYTES
    for name in MODELS:
        assert list((mini / name).rglob("*.safetensors")), name
        assert "sha256" in (mini / name / "README.md").read_text()
        assert not list((mini / name).rglob("*.bin"))


def test_tracked_text_to_image_loads_and_obeys_the_contract():
    torch = pytest.importorskip("torch")
    from diffusers import AutoencoderKL
    from transformers import CLIPTokenizer

    folder = RAW / "models/mini/text_to_image"
    vae = AutoencoderKL.from_pretrained(folder / "vae", local_files_only=True, dtype=torch.float32)
    photo = Image.open(RAW / "subjects/lego_robot/00.jpg").convert("RGB")
    photo = photo.resize((64, 64), Image.Resampling.LANCZOS)
    x = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        posterior = vae.encode(x).latent_dist
        back = vae.decode(posterior.mean).sample
    assert posterior.mean.shape == (1, 4, 16, 16)
    assert float(((back - x) ** 2).mean()) < 4 * 10**-2.3
    assert CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True).model_max_length == 77


def test_promotion_of_nothing_is_refused(tmp_path):
    with pytest.raises(MissingModels, match="kedro run --pipelines=miniworld"):
        promote(tmp_path, tmp_path / "promoted")
