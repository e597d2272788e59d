"""Ways to write a name: the earlier path of `clippings.synthetic.name_variants`."""

from clippings.synthetic.name_variants import (
    SIDES,
    Variant,
    Vary,
    by_table,
    english,
    japanese,
    old_characters,
    vary,
)

__all__ = ["SIDES", "Variant", "Vary", "by_table", "english", "japanese", "old_characters", "vary"]
