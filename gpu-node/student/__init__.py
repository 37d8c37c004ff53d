"""The GPU node: the only place with torch. ``python -m student train|evaluate|serve|agent``."""
