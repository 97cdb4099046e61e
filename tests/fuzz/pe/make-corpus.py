#!/usr/bin/python3
"""Makes tests/fuzz/pe/corpus."""
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "py"))
import pe  # noqa: E402  pylint: disable=wrong-import-position

corpus = HERE / "corpus"
corpus.mkdir(exist_ok=True)
signed = bytearray(pe.make(pe.AMD64, ("storport.sys",), version=(1, 2, 3, 4)))
struct.pack_into("<II", signed, 0x80 + 24 + 112 + 4 * 8, len(signed), 16)
signed += struct.pack("<IHH8x", 16, 0x200, 2)
for name, data in {"x86": pe.make(pe.X86, ("ntoskrnl.exe", "hal.dll"), version=(5, 1, 0, 0)),
                   "amd64-signed": bytes(signed), "arm64": pe.make(pe.ARM64, ()),
                   "named": pe.make(pe.X86, (), version=(5, 1, 0, 0), original="hal.dll")}.items():
    (corpus / name).write_bytes(data)
