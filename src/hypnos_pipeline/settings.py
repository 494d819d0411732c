"""Kedro's project settings; see the Kedro documentation for what each name means."""

from hypnos_pipeline.checks.hooks import StudyChecks
from hypnos_pipeline.running.hooks import FinishedCheckpoints, OneRunAtATime, PlainErrors
from hypnos_pipeline.running.showing import ShownProgress
from hypnos_pipeline.study.environments import BASE, DEFAULT
from hypnos_pipeline.study.loading import StudyConfigLoader

CONFIG_LOADER_CLASS = StudyConfigLoader
CONFIG_LOADER_ARGS = {"base_env": BASE, "default_run_env": DEFAULT}
HOOKS = (StudyChecks(), OneRunAtATime(), FinishedCheckpoints(), ShownProgress(), PlainErrors())
