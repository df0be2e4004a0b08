"""Layers as ONNX operators: a function a kind, which the table in `kinds.py` names.

Each gets a `Maker` and returns the name of the tensor that is the layer's output.
Source: ONNX operators, https://onnx.ai/onnx/operators, by the names that stand here.
"""
