"""The true architectures with random weights, for the rehearsal."""
