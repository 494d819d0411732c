"""What runs keep on disk: files replaced as a whole, checksums, checkpoints and their leftovers."""
