"""How a predictor is made from labels: `fit`. Only the command line imports this."""
