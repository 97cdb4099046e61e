#!/usr/bin/python3
"""Makes tests/fuzz/pack/corpus; needs gcab, 7-Zip and xorriso."""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "py"))
import packer  # noqa: E402  pylint: disable=wrong-import-position

CORPUS = HERE / "corpus"
FILES = {"d/x.inf": b"[Version]\r\nSignature=$Chicago$\r\n" * 3, "x.sys": b"MZ" + bytes(300)}


def main():
    CORPUS.mkdir(exist_ok=True)
    for name, how in (("zip-stored", zipfile.ZIP_STORED), ("zip-deflated", zipfile.ZIP_DEFLATED),
                      ("zip-lzma", zipfile.ZIP_LZMA)):
        with zipfile.ZipFile(CORPUS / name, "w", how) as z:
            for path, data in FILES.items():
                z.writestr(zipfile.ZipInfo(path), data, how)
    (CORPUS / "cab-lzx").write_bytes(packer.cab([(packer.LZX, FILES), (packer.NONE, {"y": b"y"})]))
    (CORPUS / "szdd").write_bytes(packer.szdd(FILES["x.sys"]))
    (CORPUS / "kwaj").write_bytes(packer.kwaj(FILES["x.sys"]))
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for path, data in FILES.items():
            (work / path).parent.mkdir(exist_ok=True)
            (work / path).write_bytes(data)
        subprocess.run(["gcab", "-c", "-z", CORPUS / "cab-mszip", "x.sys"], cwd=work, check=True)
        subprocess.run(["7zz", "a", "-bso0", "-t7z", work / "x.7z", "d", "x.sys"], cwd=work, check=True)
        (CORPUS / "sevenzip").write_bytes((work / "x.7z").read_bytes())
        subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-no-pad", "-J", "-R", "-o", work / "iso",
                        work / "d"], check=True)
        iso = (work / "iso").read_bytes()
        (CORPUS / "iso").write_bytes(iso[:(len(iso.rstrip(b"\0")) | 2047) + 1])


if __name__ == "__main__":
    main()
