"""Configuration of background removal and augmentation (method.md §2, §3; paper 3.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.imaging.photo_files import photo_name

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


def _as_text(name: Any) -> Any:
    """Refuses a photo's name that YAML took for a number, as 00 without quotes."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no photo's name; expected it without suffix and in quotes, as '00'")
    return name


PhotoName = Annotated[str, BeforeValidator(_as_text), AfterValidator(photo_name)]
"""A photo's file name without its suffix."""


class BackendSettings(Configuration):
    """What makes a matte.

    Attributes:
        backend: Name in the registry of matting backends; a mask beside a photo always wins for it.
        options: Passed to the backend.
    """

    backend: str
    options: dict[str, int | float | str | bool] = Field(default={})


class BackgroundRemovalSettings(BackendSettings):
    """How photos become working squares and mattes.

    Attributes:
        backend: For all photos but those that a subject names under ``mattes``.
        options: Passed to the backend.
        alpha: What the transparency of photos that are cut-outs means: ``matte``, it is the photo's matte, or
            ``ignore``, the backend makes one of the photo on white. A mask beside the photo wins.
        crop: Where the working square is cut: round the matte's box, from the centre, or padded.
        smallest_area: Mattes covering less than this fraction of the photo are reported.
        largest_area: Mattes covering more than this fraction are reported.
    """

    backend: str = "grabcut"
    alpha: Literal["matte", "ignore"] = "matte"
    crop: Literal["matte", "centre", "pad"] = "matte"
    smallest_area: Probability = 0.02
    largest_area: Probability = 0.80


class AugmentationSettings(Configuration):
    """The finite, seeded pool of one subject (paper 3.3) and Table 3's altered images.

    Attributes:
        recoloured: Recoloured variants of each photo (K).
        resized: Recoloured and resized variants of each photo (R).
        altered: Variants of each photo for each altered kind of Table 3.
        colours: Names from ``imaging.colours.COLOURS`` used as monotone backgrounds.
        smallest_scale: Foreground scale of resized variants is uniform in [smallest, largest].
        largest_scale: See ``smallest_scale``.
    """

    recoloured: Annotated[int, Field(ge=1, le=1000)]
    resized: Annotated[int, Field(ge=1, le=1000)]
    altered: Annotated[int, Field(ge=1, le=1000)]
    colours: Annotated[list[str], Field(min_length=2)]
    smallest_scale: Annotated[float, Field(gt=0.1, le=1.0)] = 0.5
    largest_scale: Annotated[float, Field(gt=0.1, le=1.2)] = 0.85
