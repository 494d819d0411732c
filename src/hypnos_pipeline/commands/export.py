"""``kedro export``: a finished study's method as a file or folder that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hypnos_pipeline.commands.options import env_option, project_root
from hypnos_pipeline.commands.plain import PlainCommand

if TYPE_CHECKING:
    from hypnos_pipeline.models.export.formats import Format, Precision
    from hypnos_pipeline.running.exports import Exported, Request

_FORMATS = ("diffusers", "single-file", "lora", "embedding")


@click.command(cls=PlainCommand)
@click.option("--subject", "-s", required=True, help="A subject of the study.")
@click.option("--method", "-m", required=True, help="A method of the study, e.g. hypnos.")
@click.option(
    "--format",
    "-f",
    "format_",
    required=True,
    type=click.Choice(_FORMATS),
    help="diffusers: a folder with a model card. single-file: a checkpoint for ComfyUI and A1111. lora: the "
    "difference from the base model, for the same two and kohya's tools. embedding: Textual Inversion's "
    "token.",
)
@env_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="File (.safetensors) or folder to write (default: exports/ beside the finetuned model).",
)
@click.option(
    "--rank",
    type=click.IntRange(1, 4096),
    help="A LoRA's rank, for every layer (default: `export` in conf/base/parameters_export.yml).",
)
@click.option(
    "--dtype",
    type=click.Choice(["float16", "float32"]),
    help="Of the weights (default: float16 for single-file and lora, else float32).",
)
@click.option("--overwrite", is_flag=True, help="Replace an export that is there already.")
def export(
    subject: str,
    method: str,
    format_: Format,
    env: str,
    out: Path | None,
    rank: int | None,
    dtype: Precision | None,
    overwrite: bool,
) -> None:
    """Writes a finished study's method as a file or folder that other programs open."""
    root = project_root()
    from hypnos_pipeline.running.exports import Request, export_request
    from hypnos_pipeline.running.showing import shown

    request = Request(env, subject, method, format_, dtype, rank, out, overwrite)
    with shown():
        done = export_request(root, request)
    click.echo(f"{done.path}  {_size(done.bytes)}")
    for line in (*done.shares, *_usage(request, done)):
        click.echo(line)


def _usage(request: Request, done: Exported) -> list[str]:
    """Says how an export is opened: in diffusers, or in which folder of the two programs and by what word."""
    if request.format == "diffusers":
        call = f'StableDiffusionPipeline.from_pretrained("{done.path}", dtype=torch.{request.in_precision})'
        return [f"In diffusers: {call}", f"Prompt: {done.prompt}"]
    name, prompt = done.path.stem, done.prompt
    comfy, a1111 = {
        "single-file": ("checkpoints", "models/Stable-diffusion"),
        "lora": ("loras", "models/Lora"),
        "embedding": ("embeddings", "embeddings"),
    }[request.format]
    lines = [f"ComfyUI: put it into models/{comfy}/. A1111: put it into {a1111}/."]
    if request.format == "embedding":
        comfy, a1111 = (prompt.replace(done.token, word) for word in (f"embedding:{name}", name))
        return [*lines, f"On {done.base}. Prompt in ComfyUI: {comfy}, in A1111: {a1111}"]
    if request.format == "lora":
        return [*lines, f"On {done.base}. Prompt: {prompt} (in A1111 with <lora:{name}:1>)"]
    return [*lines, f"Prompt: {prompt}"]


def _size(count: int) -> str:
    """Returns a size as people read it."""
    unit, name = next((u, n) for u, n in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= u or n == "kB")
    return f"{count / unit:,.1f} {name}"
