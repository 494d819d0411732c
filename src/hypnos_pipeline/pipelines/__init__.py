"""The stages as thin Kedro nodes."""
