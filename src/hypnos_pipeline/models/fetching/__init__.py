"""``kedro models fetch``: networks from a hub or an address, converted to safetensors."""
