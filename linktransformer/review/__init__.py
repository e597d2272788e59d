"""Review of links: which pairs to ask about, and what answers say."""
