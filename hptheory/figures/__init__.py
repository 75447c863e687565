"""One module a figure: numbers in, matplotlib figure out. matplotlib is imported inside the functions."""
