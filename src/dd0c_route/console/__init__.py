"""What people and scripts read of the ledger: the API below `/api/v1/requests` and the pages below `/ui`."""
