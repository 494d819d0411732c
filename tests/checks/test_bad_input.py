"""Bad input, row by row of docs/bad_input.md: refused by name before any work, converted, or warned of."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline, node
from PIL import Image, ImageCms

from hypnos_pipeline.checks.hooks import StudyChecks
from hypnos_pipeline.checks.metrics import metric_warnings
from hypnos_pipeline.checks.networks import network_problems
from hypnos_pipeline.checks.photos import (
    class_prior_problems,
    cut_out_problems,
    known_mask_problems,
    photo_problems,
    true_mask_problems,
    unseen_problems,
    use_problems,
    users_of,
)
from hypnos_pipeline.checks.read_once import KEPT, ReadOnce
from hypnos_pipeline.checks.words import WORDS as PLACE_OF_WORDS
from hypnos_pipeline.checks.words import word_problems
from hypnos_pipeline.datasets import RawPhotosDataset
from hypnos_pipeline.errors import Problem, StorageFull, StudyError
from hypnos_pipeline.imaging.photos import RawPhotos, read_photos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.imaging.working_set import make_working_set
from hypnos_pipeline.models.integrity import DIGESTS
from hypnos_pipeline.models.lock import FileRecord, ModelRecord, write_lock, write_record
from hypnos_pipeline.running.hooks import PlainErrors
from hypnos_pipeline.study.loading import StudyConfigLoader
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts
from tests.checks.bad_input import KEYS, PHOTOS, SIZE, WORDS, at, encoded, grey, picture, writes
from tests.end_to_end.shrunken import make_project, shrink


@pytest.fixture
def parameters(project_root, monkeypatch) -> dict:
    """The study of the default environment, with the project as working directory."""
    monkeypatch.chdir(project_root)
    monkeypatch.setattr(StudyConfigLoader, "newest", None)
    return yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())


@pytest.fixture
def mug(tmp_path) -> Path:
    folder = tmp_path / "mug"
    (folder / "masks").mkdir(parents=True)
    for index in range(3):
        picture(index).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("row", PHOTOS)
def test_unusable_photos_are_refused(row, mug, parameters):
    spoil, message = PHOTOS[row]
    spoil(mug)
    catalog = DataCatalog({"mug.photos": RawPhotosDataset(filepath=str(mug))})
    with pytest.raises(StudyError) as refused:
        StudyChecks().before_pipeline_run(Pipeline([node(print, "mug.photos", None, name="reads")]), catalog)
    assert str(refused.value) == f"Nothing was run: 1 problem to fix.\n{mug}\n  - {message}"


@pytest.mark.parametrize("row", KEYS)
def test_wrong_keys_are_refused(row, parameters):
    change, message = KEYS[row]
    change(parameters)
    with pytest.raises(StudyError) as refused:
        Study.from_parameters(parameters)
    (problem,) = refused.value.problems
    assert problem.where == "parameters_study.yml"
    assert message in str(problem)


@pytest.mark.parametrize("row", WORDS)
def test_unusable_words_are_refused(row, parameters):
    change, message = WORDS[row]
    change(parameters)
    assert Problem(PLACE_OF_WORDS, message) in word_problems(ValidParts.of(Study, parameters))


def test_a_noun_that_the_model_does_not_know_is_warned_of(parameters, caplog):
    parameters["subjects"]["figurine"]["noun"] = "lego spaceship"
    assert word_problems(ValidParts.of(Study, parameters)) == []
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith(
        "subjects.figurine.noun: 'spaceship': the model does not know the word and reads s + "
    )


def test_a_token_of_the_model_cannot_be_learned(parameters, tmp_path):
    from transformers import CLIPTokenizer

    model = tmp_path / "text_to_image"
    shutil.copytree("data/01_raw/models/mini/text_to_image", model)
    tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
    tokenizer.add_tokens("<sks>")
    tokenizer.save_pretrained(model / "tokenizer")
    parameters["models"]["text_to_image"]["folder"] = str(model)
    (problem,) = word_problems(ValidParts.of(Study, parameters))
    key = "methods.textual_inversion.textual_inversion.token"
    assert str(problem) == f"{key}: '<sks>' is a token of the model already; choose a new one"


def test_images_of_the_class_and_masks_are_missed_before_any_work(mug, parameters):
    parts = ValidParts.of(Study, parameters)
    sections = parts.sections | {
        "background_removal": BackgroundRemovalSettings(backend="provided"),
        "class_prior": parts.sections["class_prior"].model_copy(
            update={"source": "folder", "folder": str(mug), "count": 5}
        ),
    }
    Image.fromarray(np.eye(SIZE[1], SIZE[0], dtype=np.uint8) * 255).save(mug / "masks/0.png")
    parts = ValidParts(**(vars(parts) | {"sections": sections}))
    assert photo_problems(mug, parts) == [
        Problem(
            str(mug),
            f"{name}: has no mask",
            f"add masks/{name}.png or change background_removal.backend",
        )
        for name in ("1", "2")
    ]
    what = "3 images, fewer than class_prior.count (5)"
    place = f"{mug} (class_prior.folder)"
    assert class_prior_problems(parts) == [Problem(place, what, "add images or lower the count")]


# What a subject says of single photos, and the networks that it takes, none of which is there.
USES: dict[str, tuple[Callable[[dict], object], str]] = {
    "unknown photo": (
        at("subjects/figurine/exclude", ["07"]),
        "subjects.figurine.exclude: no photo '07'; expected one of 00, 01, 02, 03",
    ),
    "unknown photo of mattes": (
        at("subjects/figurine/mattes", {"07": {"backend": "grabcut"}}),
        "subjects.figurine.mattes: no photo '07'; expected one of 00, 01, 02, 03",
    ),
    "too many": (
        at("subjects/figurine/exclude", ["00", "03"]),
        "subjects.figurine.exclude: leaves 2 photos, fewer than 3; "
        "exclude fewer, or add photos of the same object (3 to 5 work best)",
    ),
    "no network": (
        at("background_removal", {"backend": "rembg", "options": {"model": "u2net"}}),
        "u2net.onnx is missing; ",
    ),
    "no ONNX": (
        at("background_removal", {"backend": "rembg", "options": {"model": "u2net", "file": "README.md"}}),
        "is no ONNX file that can be run (",
    ),
    "no TRACER": (
        at("subjects/figurine/mattes", {"01": {"backend": "tracer_b7"}}),
        "tracer_b7.safetensors is missing (there: network.safetensors); ",
    ),
}


@pytest.mark.parametrize("row", USES)
def test_what_a_subject_cannot_make_of_its_photos_is_refused(row, parameters):
    change, message = USES[row]
    change(parameters)
    assert Study.problems(parameters) == []
    (problem,) = photo_problems(Path("data/01_raw/subjects/figurine"), ValidParts.of(Study, parameters))
    assert message in str(problem)


def test_a_backend_whose_network_was_never_fetched_is_reported_once_with_the_network(parameters):
    """``models.matting`` says so, with the environment's own command; a second line would only confuse."""
    parameters["background_removal"] = {"backend": "tracer_b7"}
    folder = Path("data/01_raw/subjects/figurine")
    fetched = {"folder": "data/01_raw/models/paper/nowhere", "hub": "Carve/tracer_b7"}
    for matting, reported in ((fetched, False), ({"folder": "data/01_raw/models/mini/matting"}, True)):
        parameters["models"]["matting"] = matting
        assert bool(photo_problems(folder, ValidParts.of(Study, parameters))) is reported


def test_excluded_photos_and_those_with_masks_need_no_backend_and_no_true_mask(parameters, tmp_path):
    subject = Path("data/01_raw/subjects/figurine")
    raw = read_photos(subject)
    masks = {
        name: np.eye(*photo.size[::-1], dtype=np.float32)
        for name, photo in raw.photos.items()
        if name != "03"
    }
    parameters["background_removal"] = {"backend": "provided"}
    parameters["subjects"]["figurine"]["exclude"] = ["03"]
    parameters["subjects"]["shared"] = {"noun": "figurine", "photos": "figurine"}
    shutil.copytree("data/01_raw/truth/figurine/masks", tmp_path / "figurine/masks")
    (tmp_path / "figurine/masks/03.png").unlink()
    parts = ValidParts.of(Study, parameters)
    users = users_of("figurine", parts)
    own = {"figurine": users["figurine"]}
    outline = RawPhotos(raw.photos, masks).outline
    assert use_problems(outline, "here", own, parts) == []
    assert known_mask_problems(outline, users.values(), tmp_path, ReadOnce()) == []
    fix = "add masks/03.png or change background_removal.backend"
    assert use_problems(outline, "here", users, parts) == [Problem("here", "03: has no mask", fix)]


def shorten(masks: Path) -> None:
    with Image.open(masks / "00.png") as mask:
        mask.crop((0, 0, 50, 40)).save(masks / "00.png")


# The folder of true masks that a subject names, spoilt in one way; the line that says so.
TRUE_MASKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no such folder; put a mask of every photo there, or leave out true_masks"),
    "a photo without": (
        lambda masks: (masks / "00.png").unlink(),
        "00.png: no true mask of this photo; add it or leave out true_masks",
    ),
    "another size": (shorten, "00.png: 50×40 for an upright photo of "),
    "unreadable": (writes("00.png", b"x"), "00.png: cannot be read ("),
}


@pytest.mark.parametrize("row", TRUE_MASKS)
def test_unusable_true_masks_are_refused(row, parameters, tmp_path):
    spoil, message = TRUE_MASKS[row]
    shutil.copytree("data/01_raw/truth/figurine/masks", tmp_path / "known/masks")
    parameters["subjects"]["figurine"]["true_masks"] = "known"
    parts = ValidParts.of(Study, parameters)
    users = users_of("figurine", parts).values()
    outline = read_photos(Path("data/01_raw/subjects/figurine")).outline
    masks, known = tmp_path / "known/masks", ReadOnce()
    assert true_mask_problems(outline.sizes, masks) == []
    assert known_mask_problems(outline, users, tmp_path, known) == []
    spoil(masks)
    (problem,) = known_mask_problems(outline, users, tmp_path, known)
    assert problem.where == f"{masks} (true_masks)"
    assert message in str(problem)


def test_a_subject_of_which_no_truth_is_known_needs_no_masks(parameters, tmp_path):
    del parameters["subjects"]["figurine"]["true_masks"]
    outline = read_photos(Path("data/01_raw/subjects/figurine")).outline
    users = users_of("figurine", ValidParts.of(Study, parameters)).values()
    assert known_mask_problems(outline, users, tmp_path, ReadOnce()) == []


UNSEEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (
        lambda folder: shutil.rmtree(folder / "unseen"),
        "no such folder; put further photos of the subject there, or leave out unseen",
    ),
    "a view without a mask": (
        lambda folder: (folder / "unseen_masks/00.png").unlink(),
        "00.png: no true mask of this photo; add it or leave out unseen",
    ),
    "an unreadable view": (lambda folder: writes("00.jpg", b"x")(folder / "unseen"), "00.jpg: no known kind"),
}


@pytest.mark.parametrize("row", UNSEEN)
def test_unusable_unseen_views_are_refused(row, parameters, tmp_path):
    spoil, message = UNSEEN[row]
    known = tmp_path / "known"
    for kind in ("unseen", "unseen_masks"):
        (known / kind).mkdir(parents=True)
        for file in sorted(Path("data/01_raw/truth/figurine", kind).iterdir())[:2]:
            shutil.copy(file, known / kind)
    parameters["subjects"]["figurine"]["unseen"] = "known"
    subjects = [ValidParts.of(Study, parameters).subjects["figurine"]]
    before = ReadOnce()
    assert unseen_problems(subjects, tmp_path, before) == []
    spoil(known)
    (problem,) = unseen_problems(subjects, tmp_path, before)
    assert message in str(problem)
    assert unseen_problems([subjects[0].model_copy(update={"unseen": None})], tmp_path, before) == []


def test_what_cuts_samples_out_is_checked_like_what_cuts_photos_out(parameters):
    parameters["evaluation"]["cut_out"] = {"backend": "tracer_b7"}
    (problem,) = cut_out_problems(ValidParts.of(Study, parameters))
    assert "evaluation.cut_out: " in str(problem)
    assert "tracer_b7.safetensors is missing" in str(problem)
    for backend, message in (("tracer_b8", "evaluation.cut_out.backend: unknown"), ("provided", "no masks")):
        parameters["evaluation"]["cut_out"] = {"backend": backend}
        (problem,) = Study.problems(parameters)
        assert message in str(problem)
    parameters["evaluation"]["cut_out"] = None
    assert cut_out_problems(ValidParts.of(Study, parameters)) == []


def test_metrics_that_no_subject_can_have_are_warned_of(parameters):
    parameters["evaluation"] |= {"metrics": ["dino", "background_leak", "unseen_dino"], "cut_out": None}
    for subject in parameters["subjects"].values():
        subject.pop("unseen", None)
    leak, unseen = metric_warnings(ValidParts.of(Study, parameters))
    assert (leak.severity, unseen.severity) == ("warning", "warning")
    assert "background_leak has no value, because samples are not cut out" in str(leak)
    assert "unseen_dino has no value, because no subject has unseen views" in str(unseen)
    parameters["subjects"]["figurine"]["unseen"] = "figurine"
    parameters["evaluation"]["cut_out"] = {"backend": "grabcut"}
    assert list(metric_warnings(ValidParts.of(Study, parameters))) == []


# --- converted, ignored, warned of ---------------------------------------------------------------------


def deep(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    return encoded(picture().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)


def with_swapped_primaries() -> bytes:
    """A picture whose profile says that its red is sRGB's green, and its green sRGB's red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for entry in range(int.from_bytes(profile[128:132], "big")):
        tag = slice(132 + 12 * entry, 136 + 12 * entry)
        profile[tag] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(bytes(profile[tag]), profile[tag])
    red, green, blue = picture().split()
    return encoded(Image.merge("RGB", (green, red, blue)), "PNG", icc_profile=bytes(profile))


GREY = picture().convert("L").convert("RGB")
PALETTE, BILEVEL = picture().quantize(256), picture().convert("1")
CUT_OUT = picture().convert("RGBA")
CUT_OUT.putalpha(Image.fromarray(np.eye(SIZE[1], SIZE[0], dtype=np.uint8) * 255))
ON_WHITE = Image.composite(picture(), Image.new("RGB", SIZE, "white"), CUT_OUT.getchannel("A"))

# What is stored, what is read of it, and how far values may be off on average (JPEG, colour management).
CONVERTED: dict[str, tuple[bytes, Image.Image, float]] = {
    "CMYK": (encoded(picture().convert("CMYK"), "TIFF"), picture(), 0),
    "CMYK as JPEG": (encoded(picture().convert("CMYK"), "JPEG", quality=98), picture(), 3),
    "16 bits": (encoded(deep(picture()), "PNG"), GREY, 0),
    "16 bits as TIFF": (encoded(deep(picture()), "TIFF"), GREY, 0),
    "palette": (encoded(PALETTE, "PNG"), PALETTE.convert("RGB"), 0),
    "grey": (encoded(picture().convert("L"), "PNG"), GREY, 0),
    "grey with alpha": (encoded(picture().convert("LA"), "PNG"), GREY, 0),
    "RGBA": (encoded(CUT_OUT, "PNG"), ON_WHITE, 0),
    "black and white": (encoded(BILEVEL, "PNG"), BILEVEL.convert("RGB"), 0),
    "EXIF": (turned(), picture(), 0),
    "EXIF that is broken": (encoded(picture(), "PNG", exif=b"Exif\0\0no TIFF"), picture(), 0),
    "ICC": (with_swapped_primaries(), picture(), 3),
}


@pytest.mark.parametrize("row", CONVERTED)
def test_what_can_be_converted_rightly_is(row, mug):
    content, expected, tolerance = CONVERTED[row]
    kind = Image.open(io.BytesIO(content)).format
    (mug / f"photo.{kind.lower()}").write_bytes(content)
    photo = read_photos(mug).photos["photo"]
    assert photo.mode == "RGB"
    difference = np.abs(np.asarray(photo).astype(int) - np.asarray(expected))
    assert difference.mean() <= tolerance
    assert difference.max() <= 8 * tolerance


def test_many_photos_and_small_ones_are_warned_of(mug, caplog):
    for index in range(3, 13):
        picture().resize((40, 30 + index)).save(mug / f"{index}.png")
    grey(0, (40, 35)).save(mug / "masks/5.png")
    with Image.open(mug / "masks/5.png") as mask:
        mask.paste(255, (10, 10, 30, 25))
        mask.save(mug / "masks/5.png")
    with caplog.at_level(logging.WARNING):
        raw = read_photos(mug)
        small = RawPhotos({"5": raw.photos["5"]}, raw.masks)
        make_working_set(small, BackgroundRemovalSettings(), image_size=64)
    assert f"{mug}: 13 photos, more than 12; the method is made for 3 to 5: keep the best" in caplog.messages
    assert "5: its square of 35 pixels is enlarged to the working size 64" in " ".join(caplog.messages)


# --- networks --------------------------------------------------------------------------------------------


@pytest.fixture
def network(tmp_path, project_root) -> Path:
    """A copy of a tracked network, with the list of digests beside it."""
    tracked = project_root / "data/01_raw/models/mini"
    shutil.copytree(tracked / "dino", tmp_path / "models/dino")
    shutil.copy(tracked / DIGESTS, tmp_path / "models")
    return tmp_path / "models/dino"


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 100)


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


NETWORKS = {
    "altered weights": (alter, "model.safetensors", True, "is not the file that {list} lists"),
    "altered configuration": (
        lambda file: file.write_text(file.read_text() + " "),
        "config.json",
        True,
        "is not the file that {list} lists",
    ),
    "missing weights": (Path.unlink, "model.safetensors", True, "is missing"),
    "missing configuration, not listed": (Path.unlink, "preprocessor_config.json", False, "is missing"),
    "truncated weights, not listed": (
        truncate,
        "model.safetensors",
        False,
        "is truncated or no safetensors file "
        "(Error while deserializing header: incomplete metadata, file not fully covered)",
    ),
    "broken configuration, not listed": (
        lambda file: file.write_text("{"),
        "config.json",
        False,
        "is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
    ),
}


@pytest.mark.parametrize("row", NETWORKS)
def test_a_missing_or_altered_file_of_a_network_is_named(row, network, parameters):
    spoil, name, listed, message = NETWORKS[row]
    parameters["models"]["dino"]["folder"] = str(network)
    if not listed:
        (network.parent / DIGESTS).unlink()
    parts = ValidParts.of(Study, parameters)
    assert network_problems(parts, ["dino"]) == []
    spoil(network / name)
    message = message.format(list=network.parent / DIGESTS)
    restored = f"restore it (`git checkout -- {network}`); a change you want belongs in a folder of its own"
    fix = restored if listed else "copy the network there again"
    assert network_problems(parts, ["dino"]) == [Problem("models.dino", f"{network / name} {message}", fix)]


def fetched(parameters, network: Path) -> ModelRecord:
    """Lets the study take the network from a hub, and records it as it lies there."""
    (network.parent / DIGESTS).unlink()
    kept = {file.name: FileRecord.of(file) for file in network.iterdir()}
    record = ModelRecord(source="facebook/dino-vits16", revision="a" * 40, kept=kept)
    write_record(network, record)
    parameters["models"]["dino"] = {"folder": str(network), "hub": "facebook/dino-vits16"}
    return record


def test_networks_that_were_not_fetched_are_all_named_with_the_command(parameters, tmp_path):
    for key in ("dino", "clip"):
        parameters["models"][key] = {"folder": str(tmp_path / key), "hub": f"owner/{key}"}
    parts = ValidParts.of(Study, parameters)
    found = network_problems(parts, ["dino", "clip", "lpips"], Path("conf/paper/models.lock"))
    gets_it = "`kedro models fetch --env paper` gets it, with network, once"
    assert found == [
        Problem(f"models.{key}", f"owner/{key} is not in {tmp_path / key} (unpinned)", gets_it)
        for key in ("dino", "clip")
    ]


def test_a_fetched_network_is_compared_with_the_lock(parameters, network, tmp_path):
    record = fetched(parameters, network)
    lock = tmp_path / "paper/models.lock"
    write_lock(lock, {"dino": record})
    parts = ValidParts.of(Study, parameters)
    assert network_problems(parts, ["dino"], lock) == []
    alter(network / "model.safetensors")
    (problem,) = network_problems(parts, ["dino"], lock)
    assert problem.what.startswith(f"{network / 'model.safetensors'} has sha256 ")
    assert problem.fix == f"remove {network}, then `kedro models fetch --env paper`"
    parameters["models"]["dino"]["revision"] = "b" * 40
    (problem,) = network_problems(ValidParts.of(Study, parameters), ["dino"], lock)
    named = f"but the study names {'b' * 40}"
    assert problem.what == f"models.lock (dino) records revision {'a' * 40}, {named}"
    lock.write_text("{")
    (problem,) = network_problems(parts, ["dino"], lock)
    assert problem.what.startswith(f"{lock} cannot be read (")
    assert problem.what.endswith("); restore it from git, or remove it and run `kedro models fetch`")


def test_the_tracked_networks_are_those_that_are_listed(parameters):
    listed = subprocess.run(
        ["sha256sum", "--check", "--quiet", DIGESTS],
        cwd="data/01_raw/models/mini",
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.stdout == ""
    parts = ValidParts.of(Study, parameters)
    assert network_problems(parts, parts.models) == []


# --- the real command ------------------------------------------------------------------------------------


def several(study: dict) -> dict:
    """Two subjects and no method that trains for long."""
    names = list(study["subjects"])[:2]
    subjects = {name: study["subjects"][name] for name in names}
    return shrink(study) | {"subjects": subjects}


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with something made already, that no refused run may touch."""
    folder = make_project(tmp_path / "project", change=several)
    for name in ("02_intermediate/mini/figurine/mattes/0.png", "08_reporting/mini/cells.csv"):
        (folder / "data" / name).parent.mkdir(parents=True)
        (folder / "data" / name).write_text("made before")
    return folder


def content(project: Path) -> dict[str, str]:
    """Hashes all below ``data``, but for what the checks know of photos."""
    files = [file for file in (project / "data").rglob("*") if file.is_file() and file != project / KEPT]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def refused(project: Path) -> list[str]:
    """Runs Kedro's own command; returns the lines of its message."""
    before = content(project)
    command = [sys.executable, "-m", "kedro", "run"]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    assert content(project) == before
    assert "Traceback" not in ended.stderr + ended.stdout
    start, _, message = ended.stderr.partition("Error: ")
    assert len(start.splitlines()) <= 1  # Kedro's greeting
    return message.splitlines()


def test_every_problem_is_listed_at_once(project):
    raw, file = project / "data/01_raw/subjects", project / "conf/mini/parameters_study.yml"
    study = yaml.safe_load(file.read_text())
    at("seed", -1)(study)
    at("subjects/rattan_chair/instance_word", "hypnos")(study)
    at("models/lpips/folder", "data/nowhere")(study)
    at("methods/base/base", {"colour": "red"})(study)
    at("prompt_sets/varying/backgrounds", ["on grass"])(study)  # listed once, though two checks see it
    at("class_prior/prompts", ["{noun} {colour}"])(study)
    file.write_text(yaml.safe_dump(study, sort_keys=False))
    (raw / "figurine/00.jpg").write_bytes(b"")
    (raw / "rattan_chair/masks").mkdir()
    grey(0).save(raw / "rattan_chair/masks/01.png")
    message = refused(project)
    assert message[0] == "Nothing was run: 8 problems to fix."
    assert message[1:3] == ["conf/mini/parameters_study.yml", "  - seed: -1; expected at least 0"]
    for part in (
        "  - methods.base.base.colour: unknown key; expected one of label",
        "  - prompt set 'varying': expected at least 50 combinations",
        "  - class_prior.prompts: template '{noun} {colour}': expected no other placeholder than {noun}",
        "data/01_raw/subjects/figurine\n  - 00.jpg: zero bytes",
        "data/01_raw/subjects/rattan_chair\n  - masks/01.png: 120×90 for an upright photo of",
        "models.lpips\n  - no folder 'data/nowhere'; it belongs to the project",
        "  - subject 'rattan_chair': instance_word 'hypnos': is 5 tokens in a prompt",
    ):
        assert part in "\n".join(message)


@pytest.fixture
def kedro(project, monkeypatch) -> Callable[..., list[str]]:
    """Runs Kedro's command in this process, which is quicker; returns the lines of its message."""
    from click.testing import CliRunner
    from kedro.framework.cli.cli import KedroCLI

    monkeypatch.chdir(project)

    def run(*options: str) -> list[str]:
        before = content(project)
        ended = CliRunner().invoke(KedroCLI(project), ["run", *options])
        assert ended.exit_code == 1, ended.output
        assert isinstance(ended.exception, SystemExit), ended.exception
        assert content(project) == before
        return ended.output.partition("Error: ")[2].splitlines()

    return run


def test_photos_and_true_masks_are_refused_in_a_valid_study(kedro, project):
    spoilt = project / "data/01_raw/subjects/figurine/00.jpg"
    os.truncate(spoilt, spoilt.stat().st_size // 2)
    shutil.rmtree(project / "data/01_raw/truth/rattan_chair/masks")
    message = kedro("--pipelines=background_removal,augmentation")
    assert message[:2] == ["Nothing was run: 2 problems to fix.", "data/01_raw/subjects/figurine"]
    assert message[2].startswith("  - 00.jpg: cannot be read (image file is truncated")
    assert message[3:] == [
        "data/01_raw/truth/rattan_chair/masks (true_masks)",
        "  - no such folder; put a mask of every photo there, or leave out true_masks",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--pipelines=finetun"],
            "--pipelines: no 'finetun' here; expected finetune, or another one of __default__, ",
        ),
        (
            ["--pipeline=finetun"],
            "--pipelines: no 'finetun' here; expected finetune, or another one of __default__, ",
        ),
        (
            ["--pipelines=finetune", "--namespaces=figurine.hypno"],
            "--namespaces: no 'figurine.hypno' here; expected figurine.hypnos, or another one of ",
        ),
        (["--params=sampling.steps=-3"], "sampling.steps: -3; expected at least 1"),
        (["--env=nowhere"], "no environment 'nowhere' with a study; expected one of mini, "),
    ],
)
def test_unknown_words_on_the_command_line_are_refused(kedro, options, message):
    assert message in "\n".join(kedro(*options))


@pytest.mark.parametrize("text", ["subjects: {figurine", "seed: 1\nseed: 2\n"])
def test_a_file_that_is_no_yaml_is_refused(kedro, project, text):
    (project / "conf/mini/parameters_study.yml").write_text(text)
    message = kedro()
    assert message[:2] == ["Nothing was run: 1 problem to fix.", "conf/mini/parameters_study.yml"]
    assert "parameters_study.yml" in message[2] or "seed" in message[2]


def test_a_message_for_the_user_comes_out_of_kedro_s_wrapping():
    full = StorageFull("make room")
    wrapped = DatasetError("Failed while saving data")
    wrapped.__cause__ = full
    with pytest.raises(StorageFull, match="make room"):
        PlainErrors().on_pipeline_error(wrapped)
    PlainErrors().on_pipeline_error(ValueError("a mistake of the program keeps its traceback"))


def test_the_page_of_bad_input_says_what_is_said(project_root):
    page = (project_root / "docs/bad_input.md").read_text().replace("\\|", "|")
    rows = [message for table in (PHOTOS, TRUE_MASKS, KEYS, USES, WORDS) for _, message in table.values()]
    rows += [message for *_, listed, message in NETWORKS.values() if not listed]
    assert [message for message in rows if message not in page] == []
