"""A run on a page while it goes on: figures drawn from its journal, and messages of what is new."""
