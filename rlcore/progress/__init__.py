"""How far a run is: its journal folded into one state, and what is told of it."""
