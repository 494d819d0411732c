"""The base of every configuration model, and its messages."""
