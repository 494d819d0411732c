"""Everything that is looked at before any work, shown alike by the Kedro hook and by ``kedro doctor``."""
