"""The project's own commands beside ``kedro run``; Kedro looks for them here."""

from __future__ import annotations

import warnings

import click

from hypnos_pipeline.commands.cell import cell
from hypnos_pipeline.commands.doctor import doctor
from hypnos_pipeline.commands.dvc import dvc
from hypnos_pipeline.commands.export import export
from hypnos_pipeline.commands.findings import findings
from hypnos_pipeline.commands.mattes import mattes
from hypnos_pipeline.commands.miniworld import miniworld
from hypnos_pipeline.commands.models import models
from hypnos_pipeline.commands.repro import repro
from hypnos_pipeline.commands.run import run
from hypnos_pipeline.commands.sample import sample

# `kedro run --pipeline=full` is documented here beside the newer spelling, and goes on working.
warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")
# A subject that reads another folder's photos names it with a dot, as every artefact is named.
warnings.filterwarnings("ignore", message="One or more dataset names contain")


@click.group(name="hypnos")
def cli() -> None:
    """Commands of hypnos-pipeline."""


for command in (cell, doctor, dvc, export, findings, mattes, miniworld, models, repro, run, sample):
    cli.add_command(command)
