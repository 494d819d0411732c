"""Ratios of speed and memory, measured side by side on one machine; ``python -m benchmarks`` prints them all.

Opt-in (``make bench``): no test and no CI times anything. What the ratios were and what they mean is in
``docs/speed.md``.
"""
