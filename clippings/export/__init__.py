"""Models to ONNX and back, in 8 bits, with fewer word pieces and layers."""
