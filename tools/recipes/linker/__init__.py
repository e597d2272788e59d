"""Train the bundled model "linker-multilingual": short texts of many languages."""
