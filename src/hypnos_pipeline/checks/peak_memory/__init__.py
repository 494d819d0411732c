"""The peak memory of the paper's networks at their true sizes, counted without a GPU (docs/memory.md)."""
