"""Charts and pages made of plain values: Vega-Lite specifications and HTML."""
