"""Fuzzing: what must hold of any bytes at all. `docs/testing.md` says how to run and how to extend it."""
