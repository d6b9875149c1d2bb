"""Benchmarks: every figure a ratio measured side by side in one run, with a correctness column beside each speed."""
