"""A trial of training plans on simulated athletes: the same people and the same luck in every arm."""
