"""Prompts: templates, rare words, prompt sets and the prompt-varying grammar."""

from hypnos_pipeline.prompting.fit import fits

__all__ = ["fits"]
