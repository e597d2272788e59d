"""Train an encoder of long records from a short one."""
