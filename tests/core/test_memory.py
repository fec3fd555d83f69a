"""The memory that is left, as the kernel's files tell it."""

import subprocess
import sys

import psutil
import pytest

from nst_tf.core.memory import available_memory

GB = 10**9


def write_group(folder, names, limit, usage, cached):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\nfile 7\n")


VERSIONS = {
    # A container, a group within a group, and what is in each version's file.
    "2": ("0::{path}\n", "", ("memory.max", "memory.current", "inactive_file")),
    "1": (
        "5:cpu:/elsewhere\n4:memory:{path}\n0::/elsewhere\n",
        "memory",
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", ["/", "/docker/abc", "/a:b/c"])
def test_a_containers_limit_counts_without_its_cached_files(tmp_path, version, path):
    line, root, names = VERSIONS[version]
    (tmp_path / "own").write_text(line.format(path=path))
    # In a container the mounted root is the container's group, whatever the path says.
    write_group(tmp_path / "fs" / root, names, 2 * GB, 3 * GB // 2, GB)
    assert available_memory(tmp_path / "fs", tmp_path / "own") == 1.5e9
    # A group within has a narrower limit, or none.
    inner = tmp_path / "fs" / root / path.strip("/")
    if path != "/":
        write_group(inner, names, GB, GB // 2, 0)
        assert available_memory(tmp_path / "fs", tmp_path / "own") == GB // 2
        write_group(inner, names, "max", GB, 0)
        assert available_memory(tmp_path / "fs", tmp_path / "own") == 1.5e9
    # What is used up is 0, not less.
    write_group(tmp_path / "fs" / root, names, GB, 2 * GB, 0)
    assert available_memory(tmp_path / "fs", tmp_path / "own") == 0


@pytest.mark.parametrize("limit", ["max", 9223372036854771712])
def test_without_a_limit_it_is_what_the_machine_has_free(tmp_path, limit):
    (tmp_path / "own").write_text("0::/\n")
    for groups in (tmp_path / "none", tmp_path / "fs"):
        found = available_memory(groups, tmp_path / "own")
        assert found == pytest.approx(psutil.virtual_memory().available, rel=0.2)
        write_group(tmp_path / "fs", VERSIONS["2"][2], limit, GB, 0)


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_AS"), reason="Linux's limits")
def test_a_limit_of_the_address_space_counts():
    code = """
import resource
from nst_tf.core.memory import available_memory
resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
free = available_memory()
block = bytearray(free - 20_000_000)
try:
    bytearray(40_000_000)
except MemoryError:
    print(free)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 10**8 < int(done.stdout) < 10**9, done.stderr
