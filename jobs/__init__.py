"""The pipeline's stages, one module each, run as Cloud Run Jobs: ``python -m jobs <stage>``."""
