"""Requested backgrounds: perfect images get the best values, each half of the claim has its own metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypnos_pipeline.imaging.colours import COLOURS, listed_colour
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.background_obeyed import background_obeyed, border_colours
from hypnos_pipeline.metrics.evaluate import evaluate_samples
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.psnr import QUANTISATION_NOISE

SIZE = 48
METRICS = ["foreground_dino", "foreground_clip_i", "foreground_ssim", "foreground_psnr", "foreground_lpips"]
names = st.sampled_from(sorted(COLOURS))


def cut_outs(seed: int, count: int = 1) -> CutOuts:
    """Striped discs with soft edges."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    mattes, foregrounds = {}, {}
    for index in range(count):
        y, x = draw.uniform(0.4, 0.6, 2) * SIZE
        alpha = np.clip(0.25 * SIZE - np.hypot(rows - y, columns - x), 0, 1)
        mattes[f"{index}"] = np.rint(alpha * 255).astype(np.uint8)
        stripes = draw.integers(0, 256, (SIZE // 6, 1, 3)).repeat(6, axis=0)
        foregrounds[f"{index}"] = np.broadcast_to(stripes, (SIZE, SIZE, 3)).astype(np.uint8)
    return CutOuts.of(ImageSet(mattes), ImageSet(foregrounds))


def scores(networks, truth: CutOuts, image: np.ndarray, colour: str, metrics=METRICS) -> dict[str, float]:
    """Scores of one generated image of which a colour was requested."""
    row = {"name": "a", "prompt_set": "b", "prompt": "", "noun_prompt": "", "colour": colour}
    photos = ImageSet(dict(zip(truth.names, truth.foregrounds, strict=True)))
    _, table = evaluate_samples(
        ImageSet({"a": image}, [row]), photos, networks,
        metrics=metrics, batch=4, subject="s", method="m", cut_outs=truth,
    )  # fmt: skip
    return table.set_index("metric")["mean"].to_dict()


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), colour=names)
def test_the_cut_out_on_its_colour_has_the_best_value(networks, seed, colour):
    truth = cut_outs(seed)
    perfect = truth.on(colour)[0]
    found = scores(networks, truth, perfect, colour, [*METRICS, "background_obeyed"])
    best = {
        **dict.fromkeys(["foreground_dino", "foreground_clip_i", "foreground_ssim"], 1.0),
        "foreground_psnr": -10 * np.log10(QUANTISATION_NOISE),
        "foreground_lpips": 0.0,
    }
    assert found.pop("background_obeyed") < 0.1  # the requested colour itself
    assert found == pytest.approx(best, abs=1e-4)


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), pair=st.lists(names, min_size=2, max_size=2, unique=True))
def test_a_wrong_background_shows_and_does_not_turn_the_foregrounds_ranking(networks, seed, pair):
    requested, got = pair
    truth = cut_outs(seed)
    right, wrong = truth.on(requested)[0], truth.on(got)[0]
    pixel = ["foreground_psnr", "foreground_ssim", "background_obeyed"]
    obeyed, missed = (scores(networks, truth, image, requested, pixel) for image in (right, wrong))
    assert missed["background_obeyed"] > obeyed["background_obeyed"] + 10
    # A spoilt foreground loses to the true one, on the requested background as on the other.
    spoilt = CutOuts(truth.names, truth.mattes, 255 - truth.foregrounds)
    for background, kept in ((requested, obeyed), (got, missed)):
        lost = scores(networks, truth, spoilt.on(background)[0], requested, pixel)
        assert lost["foreground_psnr"] < kept["foreground_psnr"]
        assert lost["foreground_ssim"] < kept["foreground_ssim"]
        assert lost["background_obeyed"] == pytest.approx(kept["background_obeyed"])


@given(colour=names, requested=names, side=st.integers(8, 90))
def test_a_plain_image_has_its_own_colour_at_any_size(colour, requested, side):
    image = np.full((1, side, side, 3), listed_colour(colour), np.uint8)
    distance = background_obeyed(image, [requested]).item()
    assert (distance < 1e-6) == (colour == requested)
    assert distance == pytest.approx(
        background_obeyed(np.full((1, side, side, 3), listed_colour(requested), np.uint8), [colour]).item()
    )


@settings(max_examples=30)
@given(
    colour=names,
    inside=st.tuples(*[st.integers(0, 255)] * 3),
    left=st.integers(0, 40),
    width=st.integers(1, 30),
    noise=st.integers(0, 100),
)
def test_an_object_that_reaches_the_border_does_not_count(colour, inside, left, width, noise):
    """From top to bottom through the frame, up to 30 of its 64 columns."""
    image = np.full((64, 64, 3), listed_colour(colour), np.uint8)
    image[:, left : left + width] = inside
    clean = background_obeyed(image[None], [colour]).item()
    grain = np.random.default_rng(noise).integers(-3, 4, image.shape)
    grainy = background_obeyed(np.clip(image + grain, 0, 255).astype(np.uint8)[None], [colour]).item()
    frame = 2 * 6 * 64 + 2 * 6 * 52
    covered = 2 * 6 * width + sum(52 for edge in range(left, left + width) if edge < 6 or edge >= 58)
    if covered < 0.45 * frame:
        assert clean < 1e-6
        assert grainy < 6


def test_what_lies_inside_the_frame_does_not_count():
    image = np.full((64, 64, 3), listed_colour("red"), np.uint8)
    image[6:58, 6:58] = 0
    assert background_obeyed(image[None], ["red"]).item() < 1e-6
    assert border_colours(image[None]).shape == (1, 3)


def test_cut_outs_are_sorted_and_composited_as_the_pool_is():
    truth = cut_outs(3, count=3)
    turned = CutOuts.of(
        ImageSet({name: truth.mattes[int(name)] for name in "201"}),
        ImageSet({name: truth.foregrounds[int(name)] for name in "012"}),
    )
    assert np.array_equal(truth.on("cyan"), turned.on("cyan"))
    on = truth.on("cyan")
    assert (on[truth.mattes == 0] == listed_colour("cyan")).all()
    assert (on[truth.mattes == 255] == truth.foregrounds[truth.mattes == 255]).all()
