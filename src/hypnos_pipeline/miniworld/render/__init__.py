"""The renderer of the miniature world: scenes, captions, subjects."""
