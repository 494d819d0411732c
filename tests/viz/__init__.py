"""The DAG as kedro-viz shows it."""
