"""Link two folders of Parquet files on the Ray cluster that this script runs in."""

import json
from pathlib import Path

import linktransformer as lt

links = lt.link_files(
    "/shared/firms",
    "/shared/register",
    "/shared/linked.parquet",
    on="name",
    block_on="state",
    engine="auto",
    workspace="/shared/work",
    memory_limit=4 * 2**30,
)
Path("/shared/report.json").write_text(json.dumps(links.report()), encoding="utf-8")
