"""What a user runs: each flow a short list of tasks."""
