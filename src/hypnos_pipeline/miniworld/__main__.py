"""Runs one stage of the miniature world: ``python -m hypnos_pipeline.miniworld <stage> [--output DIR]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from hypnos_pipeline.miniworld.config import MiniworldConfig


def main() -> None:
    """Parses the command line and runs the stage."""
    import yaml

    from hypnos_pipeline.miniworld.train.stages import STAGES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--config", type=Path, default=Path("conf/base/parameters_miniworld.yml"))
    parser.add_argument("--output", help="folder to build in (default: the configured one)")
    args = parser.parse_args()
    values = yaml.safe_load(args.config.read_text())["miniworld"]
    values |= yaml.safe_load((args.config.parent / "parameters_checkpoints.yml").read_text())
    if args.output:
        values["output"] = args.output
    config = MiniworldConfig.model_validate(values)
    STAGES[args.stage](config)


if __name__ == "__main__":
    main()
