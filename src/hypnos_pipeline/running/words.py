"""Times, rates and figures of a run in words."""

from __future__ import annotations

from hypnos_pipeline.running.board import Row, Whole
from hypnos_pipeline.running.out_of_memory import shown_bytes


def clock_time(seconds: float) -> str:
    """Returns a duration as on a clock: ``0:29``, ``12:05``, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """Returns a duration in words, as exactly as it matters: ``29 s``, ``12 min 5 s``, ``1 h 2 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min")] if hours else [(minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def roughly(seconds: float) -> str:
    """Returns an estimated duration in words: ``12 minutes``, ``3 hours``."""
    for size, unit, most in ((60.0, "minute", 90.0), (3600.0, "hour", 48.0), (86400.0, "day", 1e9)):
        if (count := max(1, round(seconds / size))) <= most:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError("there are never so many days")


def steps(row: Row) -> str:
    """Returns how many of how many: ``120/360``, ``1.2 MiB/4.0 MiB``."""
    shown = shown_bytes if row.unit == "byte" else str
    return "/".join(
        shown(count) for count in (row.done, row.total) if row.unit and (count or count is row.done)
    )


def rate(row: Row, now: float) -> str:
    """Returns the rate: ``4.1/s``, ``1.2 MiB/s``; empty if it is not known."""
    value = row.rate(now)
    if value is None:
        return ""
    return (
        f"{shown_bytes(value)}/s"
        if row.unit == "byte"
        else f"{value:.2g}/s"
        if value < 10
        else f"{value:.0f}/s"
    )


def left(row: Row, now: float) -> str:
    """Returns the time left; empty if it is not known."""
    value = row.left(now)
    return "" if value is None else clock_time(value)


def whole(state: Whole) -> str:
    """Returns the line of the whole run."""
    nodes = "node" if state.total == 1 else "nodes"
    parts = [f"{state.done} of {state.total} {nodes}", f"{clock_time(state.elapsed)} elapsed"]
    if state.left is not None:
        parts.append(f"about {clock_time(state.left)} left")
    return ", ".join(parts)


def name(row: Row) -> str:
    """Returns whose stage it is, and which: ``lego_robot, hypnos, finetune``."""
    stage, subject, method = row.names
    return ", ".join(part for part in (subject, method, stage) if part)


def line(row: Row, now: float) -> str:
    """Returns what a row shows, as one plain line."""
    parts = [f"{row.unit} {steps(row).replace('/', ' of ')}"] if row.unit else []
    parts += [f"{figure} {value:.4g}" for figure, value in row.figures.items()]
    if speed := rate(row, now):
        parts += [speed, f"{left(row, now)} left"] if row.total else [speed]
    return f"{name(row)}: {', '.join(parts) or f'at work for {duration(now - row.began)}'}"
