"""The recipes for clusters are files that can be read, and the call in them is one that can be made."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import linktransformer as lt

RECIPES = Path(__file__).resolve().parents[3] / "docs" / "recipes"
yaml = pytest.importorskip("yaml")


def call() -> dict[str, Any]:
    """The arguments by name of the call in link.py."""
    tree = ast.parse((RECIPES / "link.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (found,) = [node for node in calls if ast.unparse(node.func) == "lt.link_files"]
    inspect.signature(lt.link_files).bind(*found.args, **{str(named.arg): None for named in found.keywords})
    return {str(named.arg): ast.unparse(named.value) for named in found.keywords}


def test_the_call_resumes_from_a_shared_folder() -> None:
    arguments = call()
    assert arguments["engine"] == "'auto'" and arguments["workspace"].startswith("'/shared/")


def test_kuberay_mounts_the_shared_folder_everywhere() -> None:
    job = yaml.safe_load((RECIPES / "kuberay.yaml").read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["entrypoint"].endswith("/shared/link.py")
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        (container,) = pod["containers"]
        assert {mount["mountPath"]: mount["name"] in volumes for mount in container["volumeMounts"]} == {
            "/shared": True
        }
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_slurm_is_a_shell_script_that_starts_ray_and_the_call() -> None:
    path = RECIPES / "slurm.sh"
    subprocess.run(["bash", "-n", str(path)], check=True)
    script = path.read_text(encoding="utf-8")
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(\S+))?$", script, re.MULTILINE))
    assert {"nodes", "cpus-per-task", "mem", "time", "requeue"} <= set(options)
    assert script.index("ray start --head") < script.index("ray start --address") < script.index("link.py\n")
