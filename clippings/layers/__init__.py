"""Attention and kernels; no model."""
