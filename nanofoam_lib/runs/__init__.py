"""The chain of notebooks: its parameters, its steps and their account, sweeps over many runs."""
