"""The stages of a ``dvc.yaml`` as a picture: which stage reads what which other one writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from hypnos_pipeline.stages.frame import OUTPUTS, DvcFile, Stage

WIDTH, HEIGHT, ACROSS, DOWN = 200, 34, 24, 46
"""Of a box, and between boxes, in pixels."""
STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;fill:#222}"
    "rect{fill:#eef3f8;stroke:#52708c}path{fill:none;stroke:#8a97a3;stroke-width:1.3}"
)


def stages_svg(text: str, without: str = "") -> str:
    """Draws the stages of a ``dvc.yaml`` as SVG, each once and whatever it iterates, from top to bottom.

    Arrows that follow from others are left out.

    Args:
        text: The file's.
        without: Stages whose names end so are not drawn; empty draws all.

    Raises:
        FrameError: If the text is not that of a ``dvc.yaml``.
    """
    reads = _shortest(_readers(text, without))
    rows = _rows(reads)
    width = max(len(row) for row in rows.values()) * (WIDTH + ACROSS) + ACROSS
    height = len(rows) * (HEIGHT + DOWN) - DOWN + 2 * ACROSS
    places = {
        name: (
            width / 2 + (place - (len(row) - 1) / 2) * (WIDTH + ACROSS),
            ACROSS + HEIGHT / 2 + number * (HEIGHT + DOWN),
        )
        for number, row in rows.items()
        for place, name in enumerate(row)
    }
    lines = [_arrow(places[before], places[name]) for name, earlier in reads.items() for before in earlier]
    boxes = [_box(name, *place) for name, place in places.items()]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    return "\n".join([head, f"<style>{STYLE}</style>", *lines, *boxes, "</svg>"]) + "\n"


def _readers(text: str, without: str = "") -> dict[str, list[str]]:
    """Returns each stage with those whose outputs it reads, one by one or by the folder above them."""
    stages = [each for each in DvcFile(text).stages if not without or not each.name.endswith(without)]
    written = {stage.name: _paths(stage, OUTPUTS) for stage in stages}
    read = {stage.name: _paths(stage, ("deps",)) for stage in stages}
    return {
        name: [
            other
            for other, outs in written.items()
            if any(f"{out}/".startswith(f"{dep}/") for out in outs for dep in deps)
        ]
        for name, deps in read.items()
    }


def _paths(stage: Stage, keys: Iterable[str]) -> set[str]:
    """Returns paths in which what the stage iterates stands for its entries, as all stages write it."""
    paths = {path for key in keys for path in stage.contents[key]}
    for template, over in stage.iterates.items():
        paths = {path.replace(template or "${key}", str(over)) for path in paths}
    return paths


def _shortest(reads: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Leaves out what a stage reads of another one that comes before one that it reads too."""

    def before(name: str) -> set[str]:
        return {earlier for each in reads[name] for earlier in (each, *before(each))}

    return {
        name: [each for each in earlier if not any(each in before(other) for other in earlier)]
        for name, earlier in reads.items()
    }


def _rows(reads: Mapping[str, list[str]]) -> dict[int, list[str]]:
    """Returns the stages by rows from the top, each as far down as what reads it allows."""

    def after(name: str) -> int:
        return max((1 + after(reader) for reader, earlier in reads.items() if name in earlier), default=0)

    last = max(map(after, reads))
    rows: dict[int, list[str]] = {number: [] for number in range(last + 1)}
    for name in reads:
        rows[last - after(name)].append(name)
    return rows


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = (start[0], start[1] + HEIGHT / 2), (end[0], end[1] - HEIGHT / 2)
    bend = DOWN * 0.6
    return (
        f'<path d="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}m-4 -6l4 6l4 -6"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    corner = f'x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}"'
    text = f'<text x="{x:g}" y="{y + 5:g}">{escape(name)}</text>'
    return f'<rect {corner} width="{WIDTH}" height="{HEIGHT}" rx="5"/>{text}'
