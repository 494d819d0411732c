"""Mattes: a registry of background removers, and the guards on what they return (method.md §2)."""
