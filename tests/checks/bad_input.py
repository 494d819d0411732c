"""What people give that cannot be used, each with its message: the rows of docs/bad_input.md."""

from __future__ import annotations

import io
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (120, 90)


def picture(index: int = 7) -> Image.Image:
    """A smooth picture of its own colours."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    return Image.fromarray(np.stack([2 * x, 2 * y, np.full_like(x, 25 * index)], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def writes(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def saves(name: str, image: Image.Image, **options: Any) -> Callable[[Path], object]:
    def save(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        image.save(folder / name, **options)

    return save


def keeps(count: int) -> Callable[[Path], object]:
    def keep(folder: Path) -> None:
        for file in sorted(folder.glob("*.png"))[count:]:
            file.unlink()

    return keep


def claiming(png: bytes, width: int, height: int) -> bytes:
    """A PNG whose header announces another size."""
    head = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]


def _inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir(exist_ok=True)
    return folder / name


def damaged(content: bytes) -> bytes:
    half = len(content) // 2
    return content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :]


def expectation(**changed: str) -> dict[str, str]:
    stated = {"claim": "it is worse", "source": "4.2", "prompt_set": "invariant", "metric": "dino"}
    return {**stated, "direction": "lower", **changed}


def grey(value: int, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("L", size, value)


HALF = grey(0)
HALF.paste(255, (0, 0, SIZE[0] // 2, SIZE[1]))

# A folder with three good photos, 0.png to 2.png of 120×90 pixels, spoilt in one way; the line that names it.
PHOTOS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "mug: no such folder; put the photos there"),
    "photos in a folder within": (
        lambda folder: [
            file.rename(_inside(folder, "10_sks mug") / file.name) for file in folder.glob("*.png")
        ],
        "mug: 3 photos in the folder '10_sks mug'; move them into mug itself",
    ),
    "a name that is no text": (
        lambda folder: os.rename(folder / "0.png", os.fsencode(folder) + b"/tasse_\xe9.png"),
        "tasse_\\xe9.png: its name holds bytes that are no text, or control characters; rename it",
    ),
    "a name too long": (
        lambda folder: (folder / "0.png").rename(folder / f"{'0' * 200}.png"),
        f"{'0' * 200}.png: a name of 204 bytes, more than 160; rename it",
    ),
    "no photos": (keeps(0), "mug: no photos; add photos of the same object (3 to 5 work best)"),
    "fewer than three": (
        keeps(2),
        "mug: 2 different photos, fewer than 3; add photos of the same object (3 to 5 work best)",
    ),
    "unreadable": (
        lambda folder: (folder / "3.jpg").symlink_to("nowhere.jpg"),
        "3.jpg: a link to a file that is not there; copy the file again or remove it",
    ),
    "damaged": (
        writes("3.png", damaged(encoded(picture(), "PNG"))),
        "3.png: cannot be read (broken PNG file (bad header checksum in b'IDAT')); "
        "copy the file again or remove it",
    ),
    "truncated": (
        writes("3.bmp", encoded(picture(), "BMP")[:-2000]),
        "3.bmp: cannot be read (image file is truncated (160 bytes not processed)); "
        "copy the file again or remove it",
    ),
    "zero bytes": (writes("3.jpg", b""), "3.jpg: zero bytes; copy the file again or remove it"),
    "no image": (
        writes("3.jpg", b"%PDF-1.7"),
        "3.jpg: no known kind of picture; export it as JPEG or PNG, or remove it",
    ),
    "a kind that is not read": (
        writes("3.CR2", b"raw"),
        "3.CR2: .cr2 is not read; export it as JPEG or PNG",
    ),
    "animated": (
        saves("3.gif", picture(), save_all=True, append_images=[picture(8)]),
        "3.gif: animated or of several pages (2 frames); export one still picture of 8 or 16 bits",
    ),
    "several pages": (
        saves("3.tif", picture(), save_all=True, append_images=[picture(8)]),
        "3.tif: animated or of several pages (2 frames); export one still picture of 8 or 16 bits",
    ),
    "more than memory holds": (
        writes("3.png", claiming(encoded(picture(), "PNG"), 2_000_000, 1_000_000)),
        "3.png: 2000000×1000000 pixels: needs about 24,000 GB of memory to be read, more than is free; "
        "scale it down",
    ),
    "floating point beyond white": (
        saves("3.tif", Image.new("F", SIZE, 300.0)),
        "3.tif: values from 300 to 300 are not those of an 8 or 16-bit picture; "
        "export one still picture of 8 or 16 bits",
    ),
    "wholly transparent": (
        saves("3.png", Image.new("RGBA", SIZE)),
        "3.png: wholly transparent; export one still picture of 8 or 16 bits",
    ),
    "tiny": (
        saves("3.png", picture().resize((40, 30))),
        "3.png: only 40×30 pixels; use the photo in its full size",
    ),
    "same pixels": (saves("3.bmp", picture(0)), "3.bmp: same pixels as 0.png; remove one of the two"),
    "same name": (saves("0.jpg", picture()), "0.png: same name as 0.jpg; rename or remove one"),
    "mask of another size": (
        saves("masks/0.png", grey(255, (90, 120))),
        "masks/0.png: 90×120 for an upright photo of 120×90; draw the mask on the upright photo, in its size",
    ),
    "empty mask": (
        saves("masks/0.png", grey(0)),
        "masks/0.png: empty (brightest value 0 of 255); paint the object white (255), the rest black",
    ),
    "full mask": (
        saves("masks/0.png", grey(255)),
        "masks/0.png: full (darkest value 255 of 255); paint the background black (0)",
    ),
    "two masks": (
        lambda folder: [HALF.save(folder / name) for name in ("0_mask.png", "0-masklabel.png")],
        "0_mask.png: a second mask beside 0-masklabel.png; remove one",
    ),
    "unreadable mask": (
        writes("masks/0.png", b"x"),
        "masks/0.png: no known kind of picture; export it as JPEG or PNG, or remove it",
    ),
}


def at(key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    """Returns what sets one key, slashes between the levels."""

    def change(study: dict[str, Any]) -> None:
        *way, last = key.split("/")
        reduce(getitem, way, study)[last] = value

    return change


def renamed(key: str, name: str) -> Callable[[dict[str, Any]], object]:
    def change(study: dict[str, Any]) -> None:
        *way, last = key.split("/")
        parent = reduce(getitem, way, study)
        parent[name] = parent.pop(last)

    return change


NAME = "not a name; expected a name of small letters, digits and underscores, a letter first"

# The study of `mini` with one key changed; the line that names it.
KEYS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown method's key": (
        at("methods/hypnos/hypnos/learning_rat", 1e-4),
        "methods.hypnos.hypnos.learning_rat: unknown key; expected learning_rate",
    ),
    "unknown family": (
        at("methods/lora", {}),
        "methods.lora: unknown key; expected one of hypnos, dreambooth, textual_inversion, base",
    ),
    "unknown metric": (
        at("evaluation/metrics", ["dino", "fidd"]),
        "evaluation.metrics: 'fidd'; expected fid, or another one of dino, clip_i, ",
    ),
    "unknown colour": (
        at("augmentation/colours", ["red", "mauve"]),
        "augmentation.colours: unknown colour 'mauve'; expected one of red, orange, yellow, ",
    ),
    "unknown key": (at("colour", "red"), "colour: unknown key; expected one of seed, trainings, "),
    "missing key": (
        lambda study: study.pop("seed"),
        "the key seed is missing",
    ),
    "unknown backend": (
        at("background_removal/backend", "magic"),
        "background_removal.backend: unknown backend 'magic'; expected one of ",
    ),
    "unknown option of a backend": (
        at("background_removal/options", {"colour": 1}),
        "background_removal.options: colour: unknown key; expected one of long_side, iterations, band",
    ),
    "a backend without its option": (
        at("background_removal", {"backend": "rembg"}),
        "background_removal.options: the key model is missing",
    ),
    "an option out of bounds": (
        at("background_removal/options", {"iterations": 0}),
        "background_removal.options: iterations: 0; expected at least 1",
    ),
    "an unknown network of rembg": (
        at("background_removal", {"backend": "rembg", "options": {"model": "u3net"}}),
        "background_removal.options: model: 'u3net'; expected u2net, or another one of u2net, u2netp, ",
    ),
    "an unknown backend of one photo": (
        at("subjects/figurine/mattes", {"02": {"backend": "magic"}}),
        "subjects.figurine.mattes.02.backend: unknown backend 'magic'; expected one of ",
    ),
    "a photo's name without quotes": (
        at("subjects/figurine/exclude", [2]),
        "subjects.figurine.exclude: 2 is no photo's name; expected it without suffix and in quotes, as '00'",
    ),
    "a name without quotes among mattes": (
        at("subjects/figurine/mattes", {2: {"backend": "grabcut"}}),
        "subjects.figurine.mattes.2: 2 is no photo's name; expected it without suffix and in quotes, as '00'",
    ),
    "no folder of matting networks": (
        lambda study: study["models"].pop("matting"),
        "models: the key matting is missing; expected a folder of matting networks, if an empty one",
    ),
    "unknown kind of prompt set": (
        at("prompt_sets/invariant/kind", "list"),
        "prompt_sets.invariant.kind: 'list'; expected one of fixed, grammar, colours, disentangle",
    ),
    "photos in a path": (
        at("subjects/figurine/photos", "../mug"),
        "subjects.figurine.photos: '../mug' is no folder's name; "
        "expected one of data/01_raw/subjects, without dots",
    ),
    "photos of two kinds": (
        at("subjects/lego_robot", {"noun": "robot", "photos": "figurine", "kind": "several_places"}),
        "subjects.lego_robot.kind: 'several_places'; "
        "expected 'one_place', as for figurine, which has the same photos",
    ),
    "another kind of place": (
        at("subjects/figurine/kind", "one_room"),
        "subjects.figurine.kind: 'one_room'; expected one of one_place, several_places",
    ),
    "negative count": (at("class_prior/count", -4), "class_prior.count: -4; expected at least 1"),
    "no images": (
        at("prompt_sets/invariant/images", 0),
        "prompt_sets.invariant.images: 0; expected at least 1",
    ),
    "no replicate": (
        at("prompt_sets/invariant/replicates", 0),
        "prompt_sets.invariant.replicates: 0; expected at least 1",
    ),
    "half a VAE for whole passes": (
        at("runtime/frozen_vae", "half"),
        "runtime: frozen_vae: 'half' with precision 'float32'; expected another of the two",
    ),
    "absurd count": (at("sampling/steps", 10**9), "sampling.steps: 1000000000; expected at most 1000"),
    "absurd width": (at("discriminator/width", 10**6), "discriminator.width: 1000000; expected at most 4096"),
    "half a count": (at("sampling/batch", 2.5), "sampling.batch: 2.5; expected a whole number"),
    "words for a count": (at("seed", "many"), "seed: 'many'; expected a whole number"),
    "not a number": (at("sampling/guidance", float("nan")), "sampling.guidance: nan; expected at most 50"),
    "no methods": (at("methods", {}), "methods: none; expected at least one, such as base: {base: {}}"),
    "a name with a hyphen": (
        at("subjects/toy-mug", {"noun": "mug", "photos": "figurine"}),
        f"subjects.toy-mug: {NAME}, such as toy_mug",
    ),
    "a name with a dot": (
        renamed("methods/base/base", "base.1"),
        f"methods.base.base.1: {NAME}, such as base_1",
    ),
    "a name with a separator": (
        renamed("prompt_sets/invariant", "in/variant"),
        f"prompt_sets.in/variant: {NAME}, such as in_variant",
    ),
    "one name twice": (
        at("methods/base/hypnos", {}),
        "methods: hypnos stands in 2 families; expected different names",
    ),
    "too few combinations": (
        at("prompt_sets/varying/backgrounds", ["on grass"]),
        "prompt set 'varying': expected at least 50 combinations of image type, background and style, got ",
    ),
    "a colour held out and trained on": (
        at("prompt_sets/backgrounds/colours", ["blue", "pink"]),
        "prompt_sets.backgrounds.colours: pink stands in augmentation.colours too, so HYPNOS trains on it; "
        "take it out of one of the two, or write held_out: false",
    ),
    "an unknown colour of a scene": (
        at("prompt_sets/disentangle/prompts", [{"prompt": "a photo of {subject}", "scene": "gren"}]),
        "prompt set 'disentangle': unknown colour 'gren'; expected green, or another one of ",
    ),
    "a template without the subject": (
        at("methods/textual_inversion/textual_inversion/templates", ["a photo of a {}"]),
        "methods.textual_inversion.textual_inversion.templates: template 'a photo of a {}': "
        "expected the placeholder {subject}",
    ),
    "an expectation against a stranger": (
        at("methods/base/base/expectations", [expectation(against="hypno")]),
        "methods.base.base.expectations[0].against: 'hypno'; expected hypnos, or another one of hypnos, ",
    ),
    "an expectation of a metric not taken": (
        at("methods/base/base/expectations", [expectation(metric="fid")]),
        "methods.base.base.expectations[0].metric: 'fid'; expected one of dino, clip_i, clip_t, ",
    ),
    "an expectation on prompts not there": (
        at("methods/base/base/expectations", [expectation(prompt_set="scenes")]),
        "methods.base.base.expectations[0].prompt_set: 'scenes'; expected one of invariant, varying, ",
    ),
    "an expectation of itself": (
        at("methods/base/base/expectations", [expectation(against="base")]),
        "methods.base.base.expectations[0].against: 'base' is the method itself; expected another one",
    ),
    "an unknown direction": (
        at("methods/base/base/expectations", [expectation(direction="worse")]),
        "methods.base.base.expectations.direction: 'worse'; expected one of lower, higher",
    ),
    "a subject's class prior without noun": (
        at("subjects/figurine/class_prior_prompts", ["a photo of a thing"]),
        "subjects.figurine.class_prior_prompts: template 'a photo of a thing': "
        "expected the placeholder {noun}",
    ),
    "memory of no known GPU": (
        at("runtime/memory", 13),
        "runtime.memory: 13; expected one of 12, 16, 24",
    ),
    "a network from nowhere": (
        at("models/dino", {}),
        "models.dino: the key folder is missing",
    ),
    "a network from two places": (
        at("models/dino", {"folder": "a", "hub": "a/b", "url": "https://example.org/a.pth"}),
        "models.dino: both hub and url; expected at most one source of the folder",
    ),
    "a revision of a file": (
        at("models/dino", {"folder": "a", "url": "https://example.org/a.pth", "revision": "0" * 40}),
        "models.dino: revision belongs to hub, which is not given",
    ),
    "a branch for a revision": (
        at("models/dino", {"folder": "a", "hub": "a/b", "revision": "main"}),
        "models.dino.revision: 'main'; expected text that matches ^[0-9a-f]{40}$",
    ),
    "an unknown architecture": (
        at("models/dino", {"folder": "a", "random": {"architecture": "dino_vitb8"}}),
        "models.dino.random.architecture: 'dino_vitb8'; expected dino_vits16, or another one of ",
    ),
}

# The same, where it takes the tokenizer to know; the line that names it.
WORDS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "several tokens": (
        at("subjects/figurine/instance_word", "hypnos"),
        "subject 'figurine': instance_word 'hypnos': is 5 tokens in a prompt "
        "('h' + 'y' + 'p' + 'no' + 's</w>'), expected one; choose another word",
    ),
    "equal words": (
        at("subjects/figurine/instance_word", "ohwx"),
        "subject 'figurine': instance_word 'ohwx' and background_word 'ohwx': are the same token; "
        "choose two different words",
    ),
    "unknown word": (
        at("subjects/figurine/instance_word", "<|endoftext|>"),
        "subject 'figurine': instance_word '<|endoftext|>': is unknown to the tokenizer; choose another word",
    ),
    "a word of the noun": (
        at("subjects/figurine/instance_word", "figurine"),
        "subject 'figurine': instance_word 'figurine': is a word of the class noun; "
        "choose a word without a meaning",
    ),
    "more than 77 tokens": (
        at("prompt_sets/invariant/prompts", ["a photo of {subject} " + "on grass " * 40]),
        "subject 'figurine', prompt set 'invariant': 'a photo of sks figurine on grass on grass on grass...' "
        "is 87 tokens, more than the 77 that the text encoder reads; shorten it",
    ),
    "a long prompt of the class prior": (
        at("class_prior/prompts", ["a photo of {noun} " + "on grass " * 40]),
        "class_prior.prompts: 'a photo of figurine on grass on grass on grass on...' "
        "is 86 tokens, more than the 77 that the text encoder reads; shorten it",
    ),
    "a long template of Textual Inversion": (
        at(
            "methods/textual_inversion/textual_inversion/templates",
            ["a photo of {subject} " + "on grass " * 40],
        ),
        "methods.textual_inversion.textual_inversion.templates: "
        "'a photo of <sks> on grass on grass on grass on gra...' "
        "is 88 tokens, more than the 77 that the text encoder reads; shorten it",
    ),
    "a long prompt of one subject's class prior": (
        at("subjects/figurine/class_prior_prompts", ["a photo of {noun} " + "on grass " * 40]),
        "subjects.figurine.class_prior_prompts: 'a photo of figurine on grass on grass on grass on...' "
        "is 86 tokens, more than the 77 that the text encoder reads; shorten it",
    ),
}
