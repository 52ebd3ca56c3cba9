"""What runs a classifier's model for the pipeline: torch, or a graph in ONNX Runtime."""
