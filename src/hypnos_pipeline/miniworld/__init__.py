"""The miniature world: renderer, captions and the training of the embedded models."""
