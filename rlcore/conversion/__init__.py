"""One conversion and many: preparation, VTracer, what is made of its paths, and who runs them in parallel."""
