"""Model files: ONNX and OpenVINO IR."""
