"""The model registry: manifests, evaluation reports, registrations, channels."""
