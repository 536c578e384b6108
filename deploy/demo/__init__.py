"""A synthetic network of 40 sites, and the loader that sends it through the public doors. Nobody in it is real."""
