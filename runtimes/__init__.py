"""The code of a function; it needs numpy, OpenCV, orjson and one inference runtime.

The builder copies the modules that a function uses into the function's directory. Modules in this
package must therefore not import the builder, pydantic, yaml or onnx.
"""

import os

# OpenCV reads this variable when it is first imported. With its default limit of 2**30 pixels, a
# request of a few kilobytes can allocate 3 GB. 2**28 pixels (16384 x 16384) are enough to annotate.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**28))
