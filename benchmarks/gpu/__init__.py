"""What one GPU proves: the CUDA tests, and ``conf/paper`` at true size with random weights (docs/gpu.md)."""
