"""The parts of `benchmarks/gpu.py`: each returns what is to be written, and stops in time."""
