"""The tracked subjects and models, and the function that makes subjects."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hypnos_pipeline.errors import MissingModels
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS, TUNING, make_subject
from hypnos_pipeline.miniworld.train.promote import LIMIT_BYTES, MODELS, folder_bytes, promote

RAW = Path("data/01_raw")


@pytest.mark.parametrize("name", SUBJECTS)
def test_tracked_subjects(name):
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
    assert len(list((RAW / "truth" / name / "unseen").glob("*.jpg"))) == 20
    assert len(list((RAW / "truth" / name / "unseen_masks").glob("*.png"))) == 20


def test_photos_are_small():
    truth = sum(folder_bytes(RAW / "truth" / name) for name in SUBJECTS)
    assert folder_bytes(RAW / "subjects") + truth < 6_000_000


def test_a_subject_is_made_alike_twice(tmp_path):
    for run in ("a", "b"):
        folder = tmp_path / run
        make_subject("tuning_robot", TUNING["tuning_robot"], folder / "photos", folder / "truth", 7, 64)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 4 + 4 + 20 + 20
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


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
