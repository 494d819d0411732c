"""Kedro's project settings; see the Kedro documentation for what each name means."""

from hypnos_pipeline.config_loader import StudyConfigLoader
from hypnos_pipeline.hooks import FinishedCheckpoints, StudyChecks
from hypnos_pipeline.run_lock import OneRunAtATime

CONFIG_LOADER_CLASS = StudyConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "mini"}
HOOKS = (StudyChecks(), OneRunAtATime(), FinishedCheckpoints())
