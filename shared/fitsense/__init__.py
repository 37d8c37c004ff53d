"""FitSense's library: what two or more deployables share."""

__version__ = "0.1.0"
