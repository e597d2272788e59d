"""Damage of strips on a device: the earlier path of `clippings.record_training.strip_augment`."""

from clippings.record_training.strip_augment import Augmentation, augment

__all__ = ["Augmentation", "augment"]
