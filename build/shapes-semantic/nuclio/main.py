"""Nuclio's entry point, the same for every function. model_handler.py defines the function."""

from pathlib import Path

from model_handler import BACKENDS, FILES, FUNCTION

from runtimes.checksums import verify
from runtimes.service import Service


def init_context(context):
    """Check and load the models, once for each worker."""
    folder = Path(__file__).resolve().parent
    verify(folder, FILES)
    context.user_data.service = Service.start(FUNCTION, BACKENDS, folder, context.logger)


def handler(context, event):
    """Answer one request."""
    return context.user_data.service.answer(context, event)
