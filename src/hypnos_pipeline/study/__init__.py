"""One environment's study: its model, agreement between its keys, which environments there are."""
