"""How well the brain routes: metrics as others define them, on public benchmarks, beside the published lines."""
