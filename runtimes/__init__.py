"""What runs inside a function: numpy, OpenCV, orjson and one inference runtime, nothing else.

The builder copies the modules that a function uses into its directory, so nothing in here may
import the builder, pydantic, yaml or onnx.
"""

import os

# OpenCV reads this once, when it is first imported. Its own limit of 2**30 pixels lets a request
# of a few kilobytes ask for 3 GB; 2**28 (16384 x 16384) is beyond any image that people annotate.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))
