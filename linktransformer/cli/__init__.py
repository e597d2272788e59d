"""The command linktransformer."""
