"""What the processes of a canary run load as they start: one guard switched off, and panics to order.

It is found through `PYTHONPATH`, and does nothing but where `CANARY_RUN` is in the environment.
"""

import os

if os.environ.get("CANARY_RUN"):
    from tests.canary import mutants, panics

    panics.install()
    mutants.apply(os.environ.get("CANARY_MUTANT", ""))
