"""How a varying prompt is composed: the study's own lists, and prompts drawn from them (paper Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hypnos_pipeline.prompting.prompt_sets import expand
from hypnos_pipeline.prompting.templates import fill_template
from hypnos_pipeline.reporting.lettering import BLACK, FONT_SIZE, LINE, MARGIN, WHITE, Ink, font, notice

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from hypnos_pipeline.prompting.settings import GrammarPrompts

INK: dict[str, Ink] = {"image_type": (178, 24, 24), "background": (22, 112, 46), "style": (30, 74, 160)}
TITLES = {"image_type": "Image type", "background": "Background", "style": "Style, of the drawn type"}
FAINT: Ink = (125, 125, 125)
SHOWN = 8
"""Drawn prompts that are written out."""
INSET, BETWEEN = 12, 36
PHRASE = "[V] [C]"


def prompt_grammar(name: str, settings: GrammarPrompts, seed: int) -> Image.Image:
    """Draws a grammar's three lists with the first drawn choice in colour, and the first drawn prompts.

    Args:
        name: The prompt set's.
        settings: Its lists.
        seed: The study's, so that the prompts are those of its samples.
    """
    from PIL import Image, ImageDraw

    drawn = [choices(prompt, settings) for prompt in expand(settings, name, seed)[:SHOWN]]
    columns = _columns(settings, drawn[0])
    letters = font()
    widths = [
        round(max(letters.getlength(text) for text, _ in column) + BETWEEN) for column in columns.values()
    ]
    longest = max(letters.getlength("".join(text for text, _ in pieces(each, settings))) for each in drawn)
    rows = max(len(column) for column in columns.values())
    top, below = 3 * LINE, 3 * LINE + (rows + 1) * LINE
    size = (max(sum(widths), round(longest) + 2 * LINE) + 2 * INSET, below + (len(drawn) + 2) * LINE)
    sheet = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(sheet)
    counted = sum(len(styles) for styles in settings.image_types.values()) * len(settings.backgrounds)
    title = f"{name}: {counted} combinations, {settings.images} drawn without repeats"
    draw.text((INSET, MARGIN), title, fill=BLACK, font=font(FONT_SIZE + 3))
    left = INSET
    for (part, column), width in zip(columns.items(), widths, strict=True):
        draw.text((left, top - LINE - MARGIN), TITLES[part], fill=BLACK, font=letters)
        for row, (text, chosen) in enumerate(column[1:]):
            draw.text((left, top + row * LINE), text, fill=INK[part] if chosen else FAINT, font=letters)
        left += width
    draw.text((INSET, below), "The first drawn:", fill=BLACK, font=letters)
    for row, each in enumerate(drawn):
        _write_pieces(draw, (INSET, below + (row + 1) * LINE + MARGIN), f"{row}  ", pieces(each, settings))
    return sheet


def no_grammar() -> Image.Image:
    """Returns what stands in the figure's place in a study without a grammar."""
    return notice("Composed prompts", "No prompt set of this study is composed from lists.")


def choices(prompt: str, settings: GrammarPrompts) -> dict[str, str]:
    """Returns which image type, background and style a drawn prompt is made of."""
    for image_type, styles in settings.image_types.items():
        for background in settings.backgrounds:
            for style in styles:
                made = {"image_type": image_type, "background": background, "style": style}
                if fill_template(settings.template, subject="{subject}", **made) == prompt:
                    return made
    raise ValueError(f"{prompt!r} is no prompt of this grammar")


def pieces(made: dict[str, str], settings: GrammarPrompts) -> list[tuple[str, Ink]]:
    """Returns a prompt in pieces with their ink, ``[V] [C]`` in the subject's place."""
    found: list[tuple[str, Ink]] = []
    rest = settings.template
    while rest:
        before, brace, after = rest.partition("{")
        if before:
            found.append((before, BLACK))
        if not brace:
            break
        part, _, rest = after.partition("}")
        found.append((made[part], INK[part]) if part in made else (PHRASE, BLACK))
    return found


def _columns(settings: GrammarPrompts, made: dict[str, str]) -> dict[str, list[tuple[str, bool]]]:
    """Returns each list with its heading first, every entry with whether it was drawn."""
    styles = [
        (f"{style} ({image_type})", image_type == made["image_type"] and style == made["style"])
        for image_type, several in settings.image_types.items()
        for style in several
    ]
    return {
        "image_type": [
            (TITLES["image_type"], False),
            *((each, each == made["image_type"]) for each in settings.image_types),
        ],
        "background": [
            (TITLES["background"], False),
            *((each, each == made["background"]) for each in settings.backgrounds),
        ],
        "style": [(TITLES["style"], False), *styles],
    }


def _write_pieces(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], head: str, parts: Sequence[tuple[str, Ink]]
) -> None:
    x, y = float(corner[0]), corner[1]
    for text, ink in [(head, FAINT), *parts]:
        draw.text((x, y), text, fill=ink, font=font())
        x += font().getlength(text)
