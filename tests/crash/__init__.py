"""Kills while alerts are posted: what was acknowledged must arrive, and nothing else."""
