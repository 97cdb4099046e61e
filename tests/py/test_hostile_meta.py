"""An image whose description is another machine's hostile word: what is printed
has no control characters, and nothing crashes on a wrong type."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["REHOST_TOP"], "tests/py"))
import rhi_writer  # noqa: E402

DISK = os.urandom(4096) + bytes(61440)
ESC = "\x1b[2J\x07\u009b\u202e"


def run(*args):
    return subprocess.run(["rehost", *args], capture_output=True, text=True)


def image(tmp_path, meta, summary=b'{"warnings":[]}'):
    path = str(tmp_path / "a.rhi")
    with open(path, "wb") as f:
        f.write(rhi_writer.Image(DISK, [(0, 4096)], meta=meta, summary=summary).bytes())
    return path


def check(path):
    r = run("info", path)
    assert r.returncode == 0, r.stderr
    assert not any(c in r.stdout + r.stderr for c in ESC if c not in "[2J"), repr(r.stdout)
    r = run("info", "--json", path)
    assert r.returncode == 0 and json.loads(r.stdout)["complete"]
    r = run("place", os.path.dirname(path))
    assert r.returncode == 0
    assert not any(c in r.stdout for c in ESC if c not in "[2J"), repr(r.stdout)
    r = run("restore", "--yes", path, os.path.dirname(path) + "/t.img")
    assert r.returncode == 0, r.stderr


def test_control_characters(tmp_path):
    meta = {"tool": ESC, "level": ESC, "left_out": [ESC, None, 5, {}],
            "hardware": {"dmi": {"product_name": ESC, "sys_vendor": ESC, "product_serial": ESC}},
            "disk": {"path": ESC, "model": ESC, "serial": ESC, "kind": ESC, "table": ESC,
                     "partitions": [{"fs": ESC, "label": ESC, "note": ESC, "mounted": [ESC, None]}],
                     "systems": [{"name": ESC, "hostname": ESC}]}}
    check(image(tmp_path, json.dumps(meta).encode(),
                json.dumps({"warnings": [ESC, None, []]}).encode()))


def test_wrong_types(tmp_path):
    for wrong in (None, 1, -1, 1e300, "x", [], {}, [[]], [{}], [None], {"a": []}, True, 2**70):
        meta = {k: wrong for k in ("tool", "level", "left_out", "hardware", "disk", "map", "created")}
        check(image(tmp_path, json.dumps(meta).encode()))
        os.unlink(tmp_path / "t.img")
        inner = {k: wrong for k in ("path", "size", "model", "partitions", "systems", "filesystem",
                                    "kind", "in_use", "error", "read_only")}
        meta = {"disk": inner, "hardware": {"dmi": wrong},
                "map": [{"start": wrong, "size": wrong}, {"start": 2**63, "size": 2**63}]}
        check(image(tmp_path, json.dumps(meta).encode()))
        os.unlink(tmp_path / "t.img")
