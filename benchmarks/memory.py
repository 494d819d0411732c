"""The peak memory of every stage at the paper's sizes, counted without a GPU, for docs/memory.md and the doctor.

python -m benchmarks.memory            count, compare with what is recorded, print the table
python -m benchmarks.memory --write    record it too, and put the table into docs/memory.md
"""

from __future__ import annotations

import re

import yaml

from benchmarks.program import ROOT
from hypnos_pipeline.study.model import Study

PAGE = ROOT / "docs/memory.md"
PLACE = re.compile(r"(?<=<!-- counted -->\n).*?(?=<!-- end -->)", re.DOTALL)
NOTHING, DECODER, BOTH = (), ("decoder",), ("unet", "decoder")
FAMILIES = {
    "hypnos": (NOTHING, DECODER, BOTH),
    "dreambooth": (NOTHING, ("unet",)),
    "textual_inversion": (NOTHING, ("unet",)),
}


def study() -> Study:
    """Returns the paper's study."""
    return Study.model_validate(yaml.safe_load((ROOT / "conf/paper/parameters_study.yml").read_text()))
