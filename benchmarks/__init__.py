"""This project against its peers, and against itself as work grows: `python -m benchmarks`."""
