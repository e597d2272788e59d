"""From pair features to links: match probabilities, calibrated in the job, and who is linked to whom."""
