"""Serving: one vLLM engine (``engine``), the node's front and what follows the promotions (``agent``)."""
