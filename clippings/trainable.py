"""Text models that can be trained: the earlier path of `clippings.training.trainable`."""

from clippings.text.sentence_models import package_folder
from clippings.training.trainable import Trainable, load_trainable

__all__ = ["Trainable", "load_trainable", "package_folder"]
