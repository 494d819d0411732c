"""The lines on networks and preprocessing."""

import json

from hypnos_pipeline.models.reference import describe
from hypnos_pipeline.models.settings import ModelReference, ModelsSettings
from hypnos_pipeline.reporting.sources import source_lines

NAMES = ("text_to_image", "perceptual", "dino", "clip", "clip_b32", "inception", "lpips")


def references(tmp_path, monkeypatch) -> ModelsSettings:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"name": name}))
    preprocessing = {
        "size": {"shortest_edge": 72},
        "do_center_crop": True,
        "crop_size": {"height": 64, "width": 64},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    for name in ("dino", "clip"):
        (tmp_path / name / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return ModelsSettings(**{name: ModelReference(folder=name) for name in NAMES})


def test_every_network_in_use_is_named_with_its_digest(tmp_path, monkeypatch) -> None:
    models = dict(references(tmp_path, monkeypatch))
    networks, preprocessing = source_lines(models, ["dino", "clip_i", "clip_t", "psnr", "fid"])
    digest = describe(models["clip"])["sha256"][:12]
    assert f"CLIP-I and CLIP-T: clip (sha256 {digest})" in networks
    assert "FID: inception (sha256" in networks
    assert "base model: text_to_image (sha256" in networks
    assert "lpips" not in networks
    assert "DINO: shorter edge to 72 px, bicubic, centre crop 64 px" in preprocessing


def test_a_changed_network_changes_its_line(tmp_path, monkeypatch) -> None:
    models = dict(references(tmp_path, monkeypatch))
    before = source_lines(models, ["fid"])
    (tmp_path / "inception" / "config.json").write_text("{}")
    assert source_lines(models, ["fid"]) != before


def test_without_networks_only_the_base_model_is_named(tmp_path, monkeypatch) -> None:
    (line, *_) = source_lines(dict(references(tmp_path, monkeypatch)), ["psnr"])
    assert line.startswith("Networks. base model: text_to_image")


def test_fids_own_inception_has_a_preprocessing_of_its_own(tmp_path, monkeypatch) -> None:
    models = dict(references(tmp_path, monkeypatch))
    assert "FID and KID: bicubic to the network's input size" in source_lines(models, ["fid", "kid"])[1]
    (tmp_path / "inception" / "config.json").write_text('{"architecture": "fid_inception_v3"}')
    assert "FID and KID: bicubic to 299 px as clean-fid does" in source_lines(models, ["fid", "kid"])[1]
