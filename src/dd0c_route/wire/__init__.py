"""Bytes and their meaning, for each dialect: pure, without `await`, clock or socket."""
