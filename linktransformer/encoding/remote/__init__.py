"""Language models and embedding models behind an HTTP interface like OpenAI's."""
