"""Bytes, images and arrays to 8-bit pixels, and to strips of one height."""
