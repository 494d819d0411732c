"""HYPNOS: reproducible personalisation of text-to-image models, from photos to tables."""

__version__ = "0.1.0"
