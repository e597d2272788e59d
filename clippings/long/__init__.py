"""BASED: encoders of long records, and how a short encoder becomes one."""
