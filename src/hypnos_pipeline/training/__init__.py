"""Everything that is trained (method.md §3, §5–§7): draws, losses, the methods, and the one driver of all."""
