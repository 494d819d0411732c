"""The lock of a run, running out of memory, and samples of a prompt of one's own."""
