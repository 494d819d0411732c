"""Previews of datasets in kedro-viz: pictures made small, curves, Markdown tables.

kedro-viz reads the kind of a preview from its annotated return type.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NewType

from kedro_datasets._typing import HTMLPreview, ImagePreview, PlotlyPreview

from hypnos_pipeline.imaging.encoding import in_base64

if TYPE_CHECKING:
    import pandas

TextPreview = NewType("TextPreview", str)
"""Plain text; kedro-viz knows the kind by this name, kedro-datasets has no type for it."""

WIDEST = 2000
"""Pixels; a static site holds every preview, and a study at 512 px has sheets of many megabytes."""
TILE, TILES, ACROSS = 160, 12, 4
LOSSES_APART = ("learning_rate", "gradient_norm")
"""Columns of a curve that start hidden: on the losses' axis they would flatten them."""


def picture_preview(file: Path) -> ImagePreview:
    """Returns a picture, no wider than the site needs, as a PNG in base64."""
    from PIL import Image

    with Image.open(file) as picture:
        if picture.width <= WIDEST:
            return ImagePreview(base64.b64encode(file.read_bytes()).decode())
        height = max(1, round(picture.height * WIDEST / picture.width))
        smaller = picture.convert("RGB").resize((WIDEST, height), Image.Resampling.LANCZOS)
        return ImagePreview(in_base64(smaller))


def pictures_preview(files: Iterable[Path]) -> ImagePreview:
    """Returns the first pictures side by side, each made small, as a PNG in base64."""
    from PIL import Image, ImageOps

    tiles = []
    for file in sorted(files)[:TILES]:
        with Image.open(file) as picture:
            tile = ImageOps.exif_transpose(picture).convert("RGB")
        tile.thumbnail((TILE, TILE))
        tiles.append(tile)
    width = max((tile.width for tile in tiles), default=1)
    height = max((tile.height for tile in tiles), default=1)
    across = max(1, min(ACROSS, len(tiles)))
    sheet = Image.new("RGB", (across * width, max(1, -(-len(tiles) // across)) * height), "white")
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % across * width, index // across * height))
    return ImagePreview(in_base64(sheet))


def curve_preview(curve: pandas.DataFrame) -> PlotlyPreview:
    """Returns every column of a learning curve over ``step``, as a chart in Plotly's JSON."""
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": curve["step"].tolist(),
            "y": [None if value != value else value for value in curve[name].tolist()],  # NaN is no JSON
            "visible": "legendonly" if name in LOSSES_APART else True,
        }
        for name in curve.columns
        if name != "step"
    ]
    layout = {"xaxis": {"title": {"text": "step"}}, "yaxis": {"rangemode": "tozero"}}
    return PlotlyPreview({"data": lines, "layout": layout})


def markdown_preview(file: Path) -> HTMLPreview:
    """Returns a Markdown file, tables included, as HTML."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(file.read_text(encoding="utf-8"))
    scrolled = html.replace("<table>", '<div style="overflow-x:auto"><table>')  # kedro-viz cuts what is wide
    return _left_as_it_is(scrolled.replace("</table>", "</table></div>"))


def page_preview(file: Path) -> HTMLPreview:
    """Returns an HTML page without scripts, style and dialogs, which kedro-viz takes out or shows bare."""
    page = file.read_text(encoding="utf-8")
    return _left_as_it_is(re.sub(r"<(script|style|dialog)\b.*?</\1>", "", page, flags=re.DOTALL))


def text_preview(file: Path) -> TextPreview:
    """Returns a text as it is."""
    return TextPreview(file.read_text(encoding="utf-8"))


BY_SUFFIX = {".md": markdown_preview, ".html": page_preview, ".tex": text_preview}
"""Previews of files whose library dataset has none."""


def _left_as_it_is(html: str) -> HTMLPreview:
    """Keeps kedro-viz from reading HTML as Markdown, which it does after all.

    It makes a break of every line's end, and those between a table's rows would all stand above it. What
    stands between two underscores or asterisks on a line it sets in italics, without them, so that names lose
    theirs; for this purpose a line ends at U+2028, which browsers do not show.
    """
    one_line = " ".join(html.split("\n")).strip()
    return HTMLPreview(re.sub(r"[_*]", lambda found: f"{found[0]}\u2028", one_line))
