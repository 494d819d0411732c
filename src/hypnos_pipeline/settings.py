"""Kedro's project settings; see the Kedro documentation for what each name means."""

import gc
import os
import sys

from hypnos_pipeline.checks.duration import AnnouncedDuration
from hypnos_pipeline.checks.hooks import StudyChecks
from hypnos_pipeline.running.hooks import FinishedCheckpoints, OneRunAtATime, PlainErrors
from hypnos_pipeline.running.showing import ShownProgress
from hypnos_pipeline.running.tracking import Tracking
from hypnos_pipeline.storage.caches import use_writable_caches
from hypnos_pipeline.study.environments import BASE, DEFAULT
from hypnos_pipeline.study.loading import StudyConfigLoader

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime phones home otherwise
if "numba" not in sys.modules:  # once its threads run, they cannot be counted anew
    # pymatting's parallel loops are short: beside other processes, their threads mostly wait for each other.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
use_writable_caches()  # in every process: all of them read their settings here first
CONFIG_LOADER_CLASS = StudyConfigLoader
CONFIG_LOADER_ARGS = {"base_env": BASE, "default_run_env": DEFAULT}
HOOKS = (
    StudyChecks(),
    OneRunAtATime(),
    FinishedCheckpoints(),
    AnnouncedDuration(),
    ShownProgress(),
    Tracking(),
    PlainErrors(),
)

# Imports make a million objects that live on. Python looks through all of them again and again while it reads
# torch, which took a quarter of the time of imports; its own limit is 700.
gc.set_threshold(20_000, 10, 10)
