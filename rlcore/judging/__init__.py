"""One way to measure: searchers of every kind, the harness that plays them on held-out logos, and the comparison."""
