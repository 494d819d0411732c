"""``kedro doctor``: whether this machine, its libraries and its files are fit for a study."""
