"""``kedro repro`` after one subject's photo has changed, against ``kedro repro`` of the whole study.

The study is ``mini`` as committed, in a clone of its own without DVC's cache. The figure is wall time, so the
machine has to be idle otherwise: the setting says how busy it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Cost, compare, run_child
from benchmarks.program import ROOT, options, parse, show
from benchmarks.workers import shortened
from hypnos_pipeline.study.model import STUDY_FILE

WHAT = "one photo of one subject : the whole study"
GOAL = 0.40


def clone(folder: Path, smallest: bool) -> Path:
    """Clones the project into a folder, without its record; returns the photo that will change."""
    import yaml

    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / "dvc.lock").unlink(missing_ok=True)
    file = folder / "conf/mini" / STUDY_FILE
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    if smallest:
        study = shortened(study, smallest)
        study["methods"] |= {"dreambooth": {}, "textual_inversion": {}}
        for prompts in study["prompt_sets"].values():
            prompts["images"] = 3
        file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    name, subject = next(iter(study["subjects"].items()))
    return min((folder / "data/01_raw/subjects" / subject.get("photos", name)).glob("*.jpg"))


def mirror(photo: Path) -> None:
    """Replaces a photo by its mirror image: another one of the same object and size."""
    from PIL import Image, ImageOps

    with Image.open(photo) as picture:
        mirrored = ImageOps.mirror(picture)
    mirrored.save(photo, quality=92)


def run(settings: argparse.Namespace) -> tuple[Cost, Cost]:
    """Returns the costs of the whole study and of what one changed photo makes run again."""
    command = [sys.executable, "-m", "kedro", "repro"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "project"
        photo = clone(folder, settings.smallest)

        def cost() -> Cost:
            return run_child(command, threads=settings.threads, cwd=folder, PYTHONPATH=str(folder / "src"))

        whole = cost()
        mirror(photo)
        return whole, cost()


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratio."""
    settings = parse(options(str(__doc__), 1), arguments)
    load = os.getloadavg()[0]
    whole, one = zip(*(run(settings) for _ in range(settings.rounds)), strict=True)
    setting = {"cores": os.cpu_count(), "busy before": f"{load:.1f}"}
    show("After one photo", settings, [compare(WHAT, one, whole, GOAL, of="wall")], setting)


if __name__ == "__main__":
    main()
