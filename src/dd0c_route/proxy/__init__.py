"""The data plane: the life of a call, from the client's bytes to the provider and back. Start at `exchange`."""
