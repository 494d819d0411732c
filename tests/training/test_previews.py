"""Previews show a model learn, and change no bit of what it learns."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from hypnos_pipeline.errors import NotFinite
from hypnos_pipeline.models.finetuned import FullFinetune, save_finetuned
from hypnos_pipeline.storage.settings import OFF
from hypnos_pipeline.training.previews import PreviewStrip
from hypnos_pipeline.training.settings import Previews, TextualInversionSettings
from hypnos_pipeline.training.textual_inversion import textual_inversion
from tests.tiny_models import tiny_text_to_image
from tests.training.test_resume import every_2, kill_at
from tests.training.tiny_study import PHRASE, RUNTIME, SEED, SIZE, finetuning, hypnos, latents, same, weights

EVERY_2 = Previews(every=2, images=2, steps=2, prompts=("a photo of {subject}", "{subject} on the beach"))


def strip(settings: Previews = EVERY_2, phrase: str = PHRASE) -> PreviewStrip:
    return PreviewStrip(settings, phrase, seed=SEED, runtime=RUNTIME, image_size=SIZE)


def run_with(settings, previews=None, checkpoints=OFF):
    run = finetuning(settings, checkpoints, previews=previews)
    run.run()
    return run


def everything(run) -> list:
    return weights(run.model.unet, run.model.text_encoder, run.model.vae, run.discriminator)


def saved_bytes(run, folder) -> dict[str, str]:
    save_finetuned(FullFinetune(run.model), folder)
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


@pytest.fixture(scope="module")
def shown():
    return run_with(hypnos(), strip())


def test_weights_are_the_same_bits_with_and_without(shown, tmp_path):
    silent = run_with(hypnos())
    assert same(everything(shown), everything(silent))
    assert shown.curve == silent.curve
    assert shown.report() == silent.report()
    assert saved_bytes(shown, tmp_path / "shown") == saved_bytes(silent, tmp_path / "silent")


def test_a_frame_every_so_many_steps_on_the_same_noise(shown):
    frames = shown.previews.frames
    assert list(frames) == [2, 4]
    assert frames[2].shape == (2, SIZE, SIZE, 3)
    assert not np.array_equal(frames[2][0], frames[2][1])
    assert not np.array_equal(frames[2], frames[4])
    # The last frame is the trained model's, on the strip's own noise.
    again = strip()
    again.watch(shown.model)
    again.after(2)
    assert np.array_equal(again.frames[2], frames[4])
    assert again.prompts == ["a photo of sks robot", "sks robot on the beach"]


def test_taking_one_leaves_the_random_state_alone(shown):
    before = torch.get_rng_state()
    again = strip()
    again.watch(shown.model)
    again.after(2)
    assert torch.equal(before, torch.get_rng_state())


def test_a_resumed_run_has_the_whole_strip(shown, tmp_path):
    settings, saved = hypnos(steps=6), every_2(tmp_path)
    whole = run_with(settings, strip())
    kill_at(finetuning(settings, saved, previews=strip()), 5)
    resumed = run_with(settings, strip(), saved)
    assert list(resumed.previews.frames) == [2, 4, 6]
    for step, frame in whole.previews.frames.items():
        assert np.array_equal(resumed.previews.frames[step], frame)
    assert resumed.previews.picture().tobytes() == whole.previews.picture().tobytes()
    assert same(everything(resumed), everything(whole))


def test_textual_inversion_learns_the_same_row():
    settings = TextualInversionSettings(steps=4, batch=2)
    common = {"noun": "robot", "seed": SEED, "runtime": RUNTIME}
    previews = strip(phrase="<sks>")
    learned, curve, _ = textual_inversion(
        tiny_text_to_image(), latents(), settings, **common, previews=previews
    )
    silent, silent_curve, _ = textual_inversion(tiny_text_to_image(), latents(), settings, **common)
    assert torch.equal(learned.embedding, silent.embedding)
    assert curve == silent_curve
    assert list(previews.frames) == [2, 4]
    assert previews.prompts[0] == "a photo of <sks>"
    assert not np.array_equal(previews.frames[2], previews.frames[4])


def test_a_preview_that_is_no_number_stops_the_training():
    model, previews = tiny_text_to_image(), strip()
    with torch.no_grad():
        model.vae.decoder.conv_out.bias.fill_(torch.nan)
    previews.watch(model)
    previews.after(1)
    with pytest.raises(NotFinite, match=r"the preview after step 2: the model: 2 of 2 images hold NaN"):
        previews.after(2)


def test_off_by_default():
    previews = strip(Previews())
    run_with(hypnos(steps=2), previews)
    assert previews.frames == {}
    assert min(previews.picture().size) > 0


def test_the_picture_has_a_row_an_image_and_a_column_a_moment(shown):
    two = shown.previews.picture()
    wider = strip()
    wider.frames = shown.previews.frames | {6: shown.previews.frames[2]}
    assert wider.picture().width > two.width
    assert wider.picture().height == two.height


def test_prompts_are_refused_before_training():
    with pytest.raises(ValueError, match="expected the placeholder"):
        Previews(prompts=("a photo",))
    with pytest.raises(ValueError, match="expected no other placeholder"):
        strip(Previews(every=1, prompts=("{subject} {colour}",)))
    long = strip(Previews(every=1, prompts=("{subject} " + "robot " * 90,)))
    with pytest.raises(ValueError, match="more than 77 tokens"):
        finetuning(hypnos(), previews=long)


def test_the_report_says_how_much_each_frame_changed_and_which_show_nothing():
    """A test of numbers that are known: grey rises by one unit of ΔE's L* scale, then a picture appears."""
    watched = strip()
    grey, darker = np.full((2, SIZE, SIZE, 3), 119, np.uint8), np.full((2, SIZE, SIZE, 3), 0, np.uint8)
    picture = grey.copy()
    picture[0, : SIZE // 2] = 255
    watched.frames = {2: grey, 4: darker, 6: picture}
    report = watched.report()["previews"]
    assert report["steps"] == [2, 4, 6]
    assert report["change"][0] == pytest.approx(50.0, abs=0.2)  # sRGB 119 is L* 50
    assert report["flat"] == [2, 2, 1]
    assert strip().report() == {}
