"""Images: photos in, mattes, the working square, colours, compositing, the pool and its fakes."""
