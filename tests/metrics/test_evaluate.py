"""One subject's and method's evaluation: its formulas, its tables, and what must not matter."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.cut_out import OtherPlaces
from hypnos_pipeline.metrics.evaluate import PAIR_COLUMNS, SCORE_COLUMNS, evaluate_samples, summarise
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.registry import METRICS
from tests.metrics.conftest import as_bytes, random_images
from tests.tiny_models import save_tiny_text_to_image, tiny_text_to_image

COUNTS = {"invariant": 4, "varying": 3, "backgrounds": 4, "disentangle": 2}
PHOTOS = 3
VIEWS = 5
ALL = list(METRICS)
COLOURS = ["red", "green", "blue", "yellow"]
REQUESTED = ["red", "blue"]


SCENES = ["on a beach", "in the snow", "at night"]
REQUESTS = {
    "backgrounds": lambda index: {"colour": REQUESTED[index % 2]},
    "varying": lambda index: {"scene": SCENES[index]},
    "disentangle": lambda index: {"object_colours": ["red", "blue"]} if index else {"scene_colour": "green"},
}
"""What prompts request, by prompt set and the image's index."""
DEFINED = {
    **{name: "backgrounds" for name, metric in METRICS.items() if metric.requested_colour},
    "diversity": "backgrounds",
    "scene_obeyed": "varying",
    "disentangled": "disentangle",
}
"""Metrics that are not defined of all images, and the prompt set that they are defined of."""


def colour_of(name: str) -> str:
    """What tells prompts apart: each of `backgrounds` comes twice, the others once."""
    index = int(name[-3:])
    return REQUESTED[index % 2] if name.startswith("backgrounds") else COLOURS[index]


def samples_of(counts: dict[str, int]) -> ImageSet:
    names = [f"{prompt_set}/{index:03d}" for prompt_set, count in counts.items() for index in range(count)]
    manifest = [
        {
            "name": name,
            "prompt_set": name.split("/")[0],
            "index": int(name.split("/")[1]),
            "prompt": f"a {colour_of(name)} sks robot",
            "noun_prompt": f"a {colour_of(name)} robot",
            "seed": 0,
            **REQUESTS.get(name.split("/")[0], lambda _: {})(int(name[-3:])),
        }
        for name in names
    ]
    images = dict(zip(names, as_bytes(random_images(len(names), seed=20)), strict=True))
    return ImageSet(images, manifest)


def photos_of(count: int) -> ImageSet:
    return ImageSet({f"photo_{i}": image for i, image in enumerate(as_bytes(random_images(count, seed=21)))})


def truth_of(count: int) -> tuple[ImageSet, ImageSet]:
    """Discs for mattes, and foregrounds, of as many photos."""
    rows, columns = np.mgrid[0:64, 0:64]
    mattes = [
        np.where(np.hypot(rows - 32, columns - 24 - 8 * i) < 15, 255, 0).astype(np.uint8)
        for i in range(count)
    ]
    foregrounds = as_bytes(random_images(count, seed=22))
    manifest = [{"name": f"photo_{i}", "source": "known masks"} for i in range(count)]
    return tuple(
        ImageSet({row["name"]: image for row, image in zip(manifest, images, strict=True)}, manifest)
        for images in (mattes, foregrounds)
    )


def views_of(count: int) -> ImageSet:
    return ImageSet({f"{i:02d}": image for i, image in enumerate(as_bytes(random_images(count, seed=23)))})


def mattes_of(images: ImageSet) -> dict[str, np.ndarray]:
    """Discs in the middle."""
    rows, columns = np.mgrid[0:64, 0:64]
    disc = (np.hypot(rows - 32, columns - 32) < 20).astype(np.float32)
    return dict.fromkeys(images.images, disc)


def places_of(count: int) -> OtherPlaces:
    images = photos_of(count + PHOTOS).stack()[PHOTOS:]
    return OtherPlaces(images, np.stack([*mattes_of(photos_of(count)).values()]))


def run(networks, samples=None, photos=None, metrics=ALL, batch=32, model=None, truth=True, unseen=True):
    return evaluate_samples(
        samples or samples_of(COUNTS),
        photos or photos_of(PHOTOS),
        networks,
        metrics=metrics,
        batch=batch,
        subject="lego_robot",
        method="hypnos",
        model=model,
        cut_outs=CutOuts.of(*truth_of(len((photos or photos_of(PHOTOS)).images))) if truth else None,
        sample_mattes=mattes_of(samples or samples_of(COUNTS)),
        other_places=places_of(5),
        unseen=views_of(VIEWS) if unseen else None,
    )


@pytest.fixture(scope="module")
def tables(networks):
    return run(networks)


def test_formulas_on_a_case_worked_by_hand():
    values = np.array([[1.0, 3.0], [5.0, 7.0], [0.0, 2.0]])
    summary = summarise(METRICS["dino"], values, images=3)
    # mean 3; squared deviations 4 0 4 16 9 1 = 34 over 5; means per image 2 6 1, deviations 1 9 4 = 14 over 2
    assert summary == pytest.approx(
        {"mean": 3.0, "std": math.sqrt(34 / 5), "std_images": math.sqrt(7), "n": 6}
    )
    per_image = summarise(METRICS["clip_t"], np.array([[1.0], [2.0], [6.0]]), images=3)
    assert per_image == pytest.approx({"mean": 3.0, "std": math.sqrt(7), "std_images": math.sqrt(7), "n": 3})
    of_a_set = summarise(METRICS["fid"], np.array([[12.5]]), images=3)
    assert (of_a_set["mean"], of_a_set["n"]) == (12.5, 3)
    assert math.isnan(of_a_set["std"])
    assert math.isnan(of_a_set["std_images"])


def test_scores_have_one_row_per_cell(tables):
    _, scores = tables
    assert list(scores.columns) == SCORE_COLUMNS
    assert scores["mean"].notna().all()
    counted = scores.set_index(["metric", "prompt_set"])["n"]
    for name, metric in METRICS.items():
        if name == "clip_t_paper":
            assert name not in counted.index  # no model was given
            continue
        for prompt_set, images in COUNTS.items():
            if prompt_set != DEFINED.get(name, prompt_set):
                assert (name, prompt_set) not in counted.index
                continue
            expected = images * PHOTOS if metric.kind == "pairwise" else images
            # images of a scene that the photos show have no value of scene_obeyed
            fewest = 1 if name == "scene_obeyed" else expected
            assert fewest <= counted[name, prompt_set] <= expected
    with_deviation = scores.dropna(subset=["std", "std_images"])["metric"].unique()
    assert {*with_deviation, "scene_obeyed"} == {n for n, m in METRICS.items() if m.kind != "set"} - {
        "clip_t_paper"
    }


def test_scores_are_those_of_the_pairs(tables):
    pairs, scores = tables
    assert list(pairs.columns) == PAIR_COLUMNS
    assert not {"fid", "fid_64", "kid"} & set(pairs["metric"])
    assert (pairs.loc[pairs["metric"].isin(["clip_t", "background_obeyed"]), "photo"] == "").all()
    assert set(pairs.loc[pairs["prompt_set"] == "backgrounds", "colour"]) == set(REQUESTED)
    assert (pairs.loc[pairs["prompt_set"] != "backgrounds", "colour"] == "").all()
    rows = scores.set_index(["metric", "prompt_set"])
    for key, cell in pairs.groupby(["metric", "prompt_set"]):
        assert not cell.duplicated(["image", "photo"]).any()
        assert rows.loc[key, "mean"] == pytest.approx(cell["value"].mean())
        assert rows.loc[key, "std"] == pytest.approx(cell["value"].std(), nan_ok=True)
        assert rows.loc[key, "std_images"] == pytest.approx(
            cell.groupby("image")["value"].mean().std(), nan_ok=True
        )
        assert rows.loc[key, "n"] == len(cell)


def test_every_pair_has_the_value_of_its_image_and_photo(tables, networks):
    from hypnos_pipeline.metrics.images import to_unit_range
    from hypnos_pipeline.metrics.lpips import lpips
    from hypnos_pipeline.metrics.psnr import psnr

    samples, photos = samples_of(COUNTS), photos_of(PHOTOS)
    values = tables[0].set_index(["metric", "image", "photo"])["value"]
    for image, photo in [("invariant/002", "photo_1"), ("varying/000", "photo_2")]:
        a, b = to_unit_range(samples.stack([image])), to_unit_range(photos.stack([photo]))
        assert values["psnr", image, photo] == pytest.approx(psnr(a, b).item(), rel=1e-5)
        assert values["lpips", image, photo] == pytest.approx(lpips(a, b, networks.lpips).item(), rel=1e-5)


def test_a_requested_background_is_compared_with_cut_outs_on_its_own_colour(tables, networks):
    from hypnos_pipeline.metrics.background_obeyed import background_obeyed
    from hypnos_pipeline.metrics.dino import dino
    from hypnos_pipeline.metrics.images import to_unit_range
    from hypnos_pipeline.metrics.lpips import lpips
    from hypnos_pipeline.metrics.ssim import ssim

    samples, cut_outs = samples_of(COUNTS), CutOuts.of(*truth_of(PHOTOS))
    values = tables[0].set_index(["metric", "image", "photo"])["value"].sort_index()
    for index, colour in enumerate(REQUESTED * 2):
        name = f"backgrounds/{index:03d}"
        image = samples.stack([name])
        a, b = to_unit_range(image), to_unit_range(cut_outs.on(colour))
        expected = {
            "foreground_ssim": ssim(a, b),
            "foreground_lpips": lpips(a, b, networks.lpips),
            "foreground_dino": dino(a, b, networks.dino),
        }
        for metric, row in expected.items():
            np.testing.assert_allclose(values[metric, name].to_numpy(), row[0], rtol=1e-4)
        obeyed = background_obeyed(image, [colour]).item()
        assert values["background_obeyed", name, ""] == pytest.approx(obeyed)


def test_without_known_foregrounds_the_background_is_still_measured(networks):
    metrics = ["foreground_psnr", "background_obeyed"]
    _, scores = run(networks, metrics=metrics, truth=False)
    assert scores["metric"].tolist() == ["background_obeyed"]
    others = CutOuts.of(*truth_of(PHOTOS + 1))
    with pytest.raises(ValueError, match="are not the photos'"):
        evaluate_samples(
            samples_of(COUNTS), photos_of(PHOTOS), networks,
            metrics=metrics, batch=4, subject="s", method="m", cut_outs=others,
        )  # fmt: skip


def test_what_is_not_given_leaves_its_metrics_out_without_a_word(networks, caplog):
    metrics = [name for name, metric in METRICS.items() if metric.reads]
    pairs, scores = evaluate_samples(
        samples_of(COUNTS), photos_of(PHOTOS), networks,
        metrics=metrics, batch=4, subject="s", method="m", unseen=ImageSet({}),
    )  # fmt: skip
    assert pairs.empty
    assert scores.empty
    assert caplog.messages == []


def test_clip_t_reads_the_noun_prompts_and_the_papers_variant_the_models_own(tables, networks):
    from hypnos_pipeline.metrics.clip_t import clip_t
    from hypnos_pipeline.metrics.clip_t_paper import clip_t_paper
    from hypnos_pipeline.metrics.images import to_unit_range

    samples = samples_of(COUNTS)
    images = to_unit_range(samples.stack())
    nouns = [row["noun_prompt"] for row in samples.manifest]
    found = tables[0].query("metric == 'clip_t'")["value"]
    np.testing.assert_allclose(found, clip_t(images, nouns, networks.clip).numpy(), rtol=1e-5)

    # an embedding as wide as the tiny text encoder's states, so that the paper's variant is defined
    wide = SimpleNamespace(embed_images=networks.dino.embed)
    model = tiny_text_to_image()
    pairs, scores = run(replace(networks, clip=wide), metrics=["clip_t_paper"], model=model)
    prompts = [row["prompt"] for row in samples.manifest]
    expected = clip_t_paper(images, prompts, model, wide).numpy()
    np.testing.assert_allclose(pairs["value"], expected, rtol=1e-5)
    assert scores["n"].tolist() == list(COUNTS.values())


def test_the_second_clip_gives_its_own_metrics_and_no_others(tables, networks):
    """``clip_*_b32`` are ``clip_*`` with the other network in its place."""
    swapped, _ = run(replace(networks, clip=networks.clip_b32), metrics=["clip_i", "clip_t"])
    pairs = tables[0]
    for name in ("clip_i", "clip_t"):
        found, first = (pairs.loc[pairs["metric"] == each, "value"] for each in (f"{name}_b32", name))
        np.testing.assert_array_equal(found, swapped.loc[swapped["metric"] == name, "value"])
        assert not np.allclose(found, first)


def test_batch_size_and_the_order_of_photos_do_not_matter(tables, networks):
    photos = photos_of(PHOTOS)
    turned = ImageSet(dict(reversed(photos.images.items())))
    for other in (run(networks, batch=2), run(networks, photos=turned)):
        for table, expected in zip(other, tables, strict=True):
            pd.testing.assert_frame_equal(table, expected, rtol=1e-5, atol=1e-6)


def test_cells_that_are_not_defined_are_absent(networks):
    pairs, scores = run(
        networks, samples=samples_of({"invariant": 1, "varying": 2}), model=tiny_text_to_image()
    )
    assert not any(METRICS[name].requested_colour for name in scores["metric"])
    present = set(scores[["prompt_set", "metric"]].itertuples(index=False, name=None))
    assert ("varying", "fid") in present
    # one image has no covariance; the tiny text encoder and CLIP differ in dimensions
    assert not {("invariant", "fid"), ("invariant", "fid_64"), ("invariant", "kid")} & present
    assert "clip_t_paper" not in set(scores["metric"]) | set(pairs["metric"])
    assert scores["mean"].notna().all()
    assert pairs["value"].notna().all()


def test_only_the_networks_that_are_needed_are_loaded(models):
    import torch

    from hypnos_pipeline.metrics.features import load_metric_networks

    networks = load_metric_networks(dict(models), ["psnr", "dino"], torch.device("cpu"))
    assert networks.clip is networks.inception is networks.lpips is None
    assert networks.dino is load_metric_networks(dict(models), ["dino"], torch.device("cpu")).dino
    pairs, _ = run(networks, metrics=["psnr", "dino"])
    assert set(pairs["metric"]) == {"psnr", "dino"}


BLACK = np.zeros((64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"photos": ImageSet({}, [{"name": "none"}])}, "0 photos"),
        ({"samples": ImageSet({"stray": BLACK})}, "no row for: stray"),
        ({"photos": ImageSet({"photo": BLACK[:32, :32]})}, "sizes must agree"),
    ],
)
def test_what_cannot_be_compared_is_refused(networks, given, message):
    with pytest.raises(ValueError, match=message):
        run(networks, **given, truth=False)


def test_the_pipeline_has_one_node_per_subject_and_method(project_root):
    import pickle

    import yaml

    from hypnos_pipeline.pipelines.evaluation import create_pipeline
    from hypnos_pipeline.study.model import Study

    file = project_root / "conf/mini/parameters_study.yml"
    study = Study.from_parameters(yaml.safe_load(file.read_text()))
    nodes = {node.namespace: node for node in create_pipeline(study).nodes}
    assert len(nodes) == len(study.subjects) * len(study.entries())
    made = ("pairs", "scores", "evaluation_report", "cut_out_sheet")
    assert nodes["lego_robot.hypnos"].outputs == [f"lego_robot.hypnos.{name}" for name in made]
    assert nodes["lego_robot.hypnos"].func.keywords == {"subject": "lego_robot", "method": "hypnos"}
    assert "lego_robot.hypnos.finetuned" in nodes["lego_robot.hypnos"].inputs
    assert not any("finetuned" in name for name in nodes["lego_robot.base"].inputs)
    # runners of several processes send a node's function to another one
    pickle.loads(pickle.dumps(nodes["lego_robot.base"].func))


def evaluated(models, folder, samples, metrics):
    """What the node gives for the base model, saved into the folder."""
    from hypnos_pipeline.metrics.settings import NETWORKS, EvaluationSettings
    from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
    from hypnos_pipeline.pipelines.evaluation.nodes import evaluate

    save_tiny_text_to_image(folder)
    base = ModelReference(folder=str(folder))
    return evaluate(
        samples,
        photos_of(PHOTOS),
        *truth_of(PHOTOS),
        views_of(VIEWS),
        photos_of(5),
        **{name: base if name == "text_to_image" else getattr(models, name) for name in NETWORKS},
        evaluation=EvaluationSettings(metrics=metrics),
        runtime=RuntimeSettings(device="cpu", threads=1),
        matting=ModelReference(folder="absent"),
        subject="lego_robot",
        method="base",
    )


def test_the_base_model_stands_for_a_method_that_leaves_nothing(models, tmp_path):
    from hypnos_pipeline.metrics.settings import NETWORKS
    from hypnos_pipeline.models.reference import describe
    from hypnos_pipeline.models.settings import ModelReference

    pairs, scores, report, _ = evaluated(
        models, tmp_path / "base", samples_of(COUNTS), ["clip_t", "clip_t_paper", "psnr"]
    )
    assert set(scores["metric"]) == {"clip_t", "psnr"}
    assert set(scores["method"]) == {"base"}
    assert len(pairs) == sum(COUNTS.values()) * (1 + PHOTOS)
    assert set(report["truth"].values()) == {"known masks"}
    assert set(report["networks"]) == set(NETWORKS)
    base = ModelReference(folder=str(tmp_path / "base"))
    assert report["networks"]["text_to_image"] == describe(base)
    assert report["machine"]["threads"] == 1
    assert json.loads(json.dumps(report)) == report
