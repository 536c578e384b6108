"""Charts of the page: pure functions from data to SVG, all on one time axis, each wide and narrow."""
