"""Tables and figures: cells, the paper's values, Markdown and LaTeX, learning curves, comparison grids."""
