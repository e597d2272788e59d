"""The small tables of `linktransformer.datasets`: seeded generators and word lists written for them."""
