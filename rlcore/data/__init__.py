"""Logos from a source to a data set, freed of twins, in splits; generated ones; held-out ones for a comparison."""
