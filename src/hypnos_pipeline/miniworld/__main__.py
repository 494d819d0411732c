"""Runs one stage of the miniature world: ``python -m hypnos_pipeline.miniworld <stage> [--output DIR]``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from hypnos_pipeline.miniworld.config import MiniworldConfig


def main() -> None:
    """Parses the command line and runs the stage."""
    import yaml

    from hypnos_pipeline.miniworld.train.stages import STAGES
    from hypnos_pipeline.storage.checkpoints import discard_finished

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
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    STAGES[args.stage](config)
    discard_finished()


if __name__ == "__main__":
    main()
