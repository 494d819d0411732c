"""The report of a GPU benchmark as Markdown, ready for ``docs/gpu.md``; needs nothing but Python."""

from __future__ import annotations

from statistics import median
from typing import Any

GOALS = (
    ("our DreamBooth step : train_dreambooth.py's step", "dreambooth", "train_dreambooth.py", 0.70),
    ("our DreamBooth step : the bare step", "dreambooth", "bare", 1.05),
    ("HYPNOS step while L_p acts : DreamBooth step", "hypnos_early", "dreambooth", 1.60),
    ("HYPNOS step after that : DreamBooth step", "hypnos_late", "dreambooth", 1.15),
)
"""In words, above, below, the largest ratio that is aimed at."""
STEPS = {
    "bare": "the bare step",
    "dreambooth": "DreamBooth",
    "hypnos_early": "HYPNOS while L_p acts",
    "hypnos_late": "HYPNOS after that",
    "textual_inversion": "Textual Inversion",
    "train_dreambooth.py": "diffusers' `train_dreambooth.py`",
}
GB = 1e9


def as_markdown(report: dict[str, Any]) -> str:
    """Draws a report, complete or not, as sections of a page."""
    rows = report["rows"]
    seconds = {(row["what"], row["of"]): row["seconds"] for row in rows if row["what"] in ("step", "image")}
    parts = [
        *_head(report, _one(rows, "machine")),
        *_sections(report["sections"], report["tests"]),
        *_goals({of: taken for (what, of), taken in seconds.items() if what == "step"}),
        *_steps({of: taken for (what, of), taken in seconds.items() if what == "step"}),
        *_images({of: taken for (what, of), taken in seconds.items() if what == "image"}),
        *_others(rows),
        *_memory([row for row in rows if row["what"] == "memory"]),
    ]
    return "\n".join(parts) + "\n"


def _one(rows: list[dict[str, Any]], what: str) -> dict[str, Any]:
    return next((row for row in rows if row["what"] == what), {})


def _head(report: dict[str, Any], machine: dict[str, Any]) -> list[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in machine.get("libraries", {}).items())
    card = machine.get("card", "unknown card")
    size = f", {machine['bytes'] / GB:.0f} GB, CUDA {machine['cuda']}" if "bytes" in machine else ""
    lines = [f"### {card}, {report['date']}", ""]
    if report["small"]:
        lines += [
            "The miniature on a CPU: shows that every section runs. None of these numbers is a figure.",
            "",
        ]
    return [*lines, f"{card}{size}; {libraries}.", ""]


def _sections(ends: dict[str, str], tests: dict[str, str]) -> list[str]:
    lines = ["| section | |", "|---|---|", *(f"| {name} | {end} |" for name, end in ends.items()), ""]
    counted = {end: list(tests.values()).count(end) for end in dict.fromkeys(tests.values())}
    if counted:
        lines += ["CUDA tests: " + ", ".join(f"{count} {end}" for end, count in counted.items()) + "."]
        bad = [f"`{name}`" for name, end in tests.items() if end in ("failed", "error")]
        lines += [f"Failed: {', '.join(bad)}."] if bad else []
        lines.append("")
    return lines


def _goals(steps: dict[str, list[float]]) -> list[str]:
    lines = ["| ratio | measured | rounds from–to | goal |", "|---|--:|--:|--:|"]
    for words, above, below, goal in GOALS:
        if above in steps and below in steps:
            ratio = median(steps[above]) / median(steps[below])
            low, high = min(steps[above]) / max(steps[below]), max(steps[above]) / min(steps[below])
            verdict = "met" if ratio <= goal else "**missed**"
            lines.append(f"| {words} | {ratio:.2f} | {low:.2f}–{high:.2f} | ≤ {goal:.2f} {verdict} |")
        else:
            lines.append(f"| {words} | not measured | | ≤ {goal:.2f} |")
    return [*lines, ""]


def _steps(steps: dict[str, list[float]]) -> list[str]:
    theirs = steps.get("train_dreambooth.py")
    lines = ["| a step of | ms | rounds from–to | of diffusers' |", "|---|--:|--:|--:|"]
    for name, words in STEPS.items():
        if name in steps:
            taken = [1000 * each for each in steps[name]]
            share = f"{median(steps[name]) / median(theirs):.2f}" if theirs else ""
            lines.append(f"| {words} | {median(taken):.1f} | {min(taken):.1f}–{max(taken):.1f} | {share} |")
    return [*lines, ""]


def _images(images: dict[str, list[float]]) -> list[str]:
    if not images:
        return []
    lines = ["| sampling | images a second |", "|---|--:|"]
    words = {"ours": "ours, in the study's batches", "one by one": "diffusers' pipeline, one by one"}
    lines += [f"| {words[name]} | {1 / median(taken):.2f} |" for name, taken in images.items()]
    return [*lines, ""]


def _others(rows: list[dict[str, Any]]) -> list[str]:
    lines = []
    if encoding := _one(rows, "encode"):
        lines.append(f"- Encoding the pool: {1000 * encoding['seconds']:.0f} ms an image.")
    if preview := _one(rows, "preview"):
        lines.append(f"- A preview of HYPNOS: {preview['seconds']:.1f} s.")
    if found := _one(rows, "evaluation"):
        words = f"{found['images']} images with all metrics in {found['seconds']:.1f} s"
        lines.append(f"- Evaluation of a method: {words}, after {found['loading']:.1f} s of loading.")
    return [*lines, *([""] if lines else [])]


def _memory(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = ["| peak memory of tensors, GB | moment | measured | counted |", "|---|---|--:|--:|"]
    for row in rows:
        for moment, peak in row["moments"].items():
            kinds = row["counted"].get(moment)
            count = f" {sum(kinds.values()) / GB:.2f}" if kinds else ""
            lines.append(f"| {row['of']} | {moment} | {peak / GB:.2f} |{count} |")
    lines += ["", "| of it, measured : counted | weights | gradients | optimiser |", "|---|--:|--:|--:|"]
    for row in (each for each in rows if each["kinds"]):
        counted = row["counted"].get("step", {})
        cells = []
        for kind in ("weights", "gradients", "optimiser"):
            count = f" : {counted[kind] / GB:.2f}" if kind in counted else ""
            cells.append(f"{row['kinds'][kind] / GB:.2f}{count}")
        lines.append(f"| {row['of']} | {' | '.join(cells)} |")
    return [*lines, ""]
