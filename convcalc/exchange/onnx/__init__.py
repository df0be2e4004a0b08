"""ONNX: operators, and what they are as layers."""
