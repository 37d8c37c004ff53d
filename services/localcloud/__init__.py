"""Google Cloud on loopback, as far as FitSense uses it: Storage, Pub/Sub, Cloud Run, Batch, a scheduler.

Development only, never deployed. Product code talks to it with Google's own clients and knows nothing of it.
"""
