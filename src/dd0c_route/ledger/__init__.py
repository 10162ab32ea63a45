"""The ledger: journals that workers append to, and the store that the entries end up in."""
