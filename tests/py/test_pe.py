"""What drivers-inject/windows/pe.c says of PE files, against pefile, and signatures
that osslsigncode puts in."""
import json
import os
import pathlib
import struct
import subprocess

import pe
import pytest

pefile = pytest.importorskip("pefile")
TOOL = pathlib.Path(os.environ["REHOST_B"]).resolve() / "tests/tools/pedump"
# boot programs as Debian has them: larger, some signed, none made here
FOUND = [p for p in map(pathlib.Path, (
    "/usr/lib/shim/shimx64.efi.signed", "/usr/lib/shim/mmx64.efi.signed",
    "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
    "/usr/lib/systemd/boot/efi/systemd-bootx64.efi", "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"))
    if p.exists()]
MADE = {
    "x86": pe.make(pe.X86, ("ntoskrnl.exe", "SCSIPORT.SYS")),
    "amd64": pe.make(pe.AMD64, ("ntoskrnl.exe", "storport.sys", "hal.dll"), version=(100, 93, 104, 24000)),
    "arm64": pe.make(pe.ARM64, ("ntoskrnl.exe",), version=(1, 0, 65535, 0)),
    "x86-version": pe.make(pe.X86, (), version=(5, 1, 2600, 5512)),
    "x86-name": pe.make(pe.X86, (), version=(5, 1, 2600, 5512), original="halmacpi.dll"),
    "amd64-name": pe.make(pe.AMD64, version=(6, 1, 7601, 17514), original="\u00e4\u4e2d.sys"),
    "program": pe.make(pe.AMD64, ("KERNEL32.dll",), 3),
    "odd-size": pe.make(pe.AMD64) + b"\x01\x02\x03",
    "no-sum": pe.make(pe.AMD64)[:0xD8] + bytes(4) + pe.make(pe.AMD64)[0xDC:],
}


def dump(path):
    done = subprocess.run([TOOL, path], capture_output=True, text=True, check=False, timeout=60)
    return (json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip())


def other(path):
    """The same, as pefile sees it."""
    f = pefile.PE(str(path))
    fixed = getattr(f, "VS_FIXEDFILEINFO", None)
    ms, ls = (fixed[0].FileVersionMS, fixed[0].FileVersionLS) if fixed else (0, 0)
    o = f.OPTIONAL_HEADER
    security = o.DATA_DIRECTORY[4]
    machine = {0x14C: "x86", 0x8664: "amd64", 0xAA64: "arm64"}[f.FILE_HEADER.Machine]
    return {
        "machine": machine, "machine_number": f.FILE_HEADER.Machine, "subsystem": o.Subsystem,
        "native": o.Subsystem == 1, "timestamp": f.FILE_HEADER.TimeDateStamp,
        "linker": f"{o.MajorLinkerVersion}.{o.MinorLinkerVersion}",
        "os": f"{o.MajorOperatingSystemVersion}.{o.MinorOperatingSystemVersion}",
        "subsystem_version": f"{o.MajorSubsystemVersion}.{o.MinorSubsystemVersion}",
        "checksum": o.CheckSum, "checksum_real": f.generate_checksum(),
        "certificate": security.Size > 8 and struct.unpack_from(
            "<H", f.__data__, security.VirtualAddress + 6)[0] == 2,
        "imports": [i.dll.decode() for i in getattr(f, "DIRECTORY_ENTRY_IMPORT", [])],
        "original": next((v.decode() for info in (getattr(f, "FileInfo", None) or [[]])[0] for t in getattr(
            info, "StringTable", []) for k, v in t.entries.items() if k == b"OriginalFilename"), ""),
        "version": f"{ms >> 16}.{ms & 65535}.{ls >> 16}.{ls & 65535}" if fixed else "",
    }


@pytest.mark.parametrize("path", FOUND, ids=[p.name for p in FOUND])
def test_boot_programs(path):
    assert dump(path) == other(path)


@pytest.mark.parametrize("name", sorted(MADE))
def test_made(name, tmp_path):
    path = tmp_path / "x.sys"
    path.write_bytes(MADE[name])
    got = dump(path)
    assert got == other(path)
    assert (got["checksum"] == got["checksum_real"]) == (name not in ("odd-size", "no-sum"))


def test_signature(tmp_path):
    plain, signed = tmp_path / "x.sys", tmp_path / "signed.sys"
    key, cert = tmp_path / "key", tmp_path / "cert"
    plain.write_bytes(MADE["amd64"])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                    "-out", cert, "-subj", "/CN=test", "-days", "30"], check=True, capture_output=True)
    subprocess.run(["osslsigncode", "sign", "-certs", cert, "-key", key, "-in", plain, "-out", signed],
                   check=True, capture_output=True)
    assert dump(plain)["certificate"] is False
    got = dump(signed)
    assert got["certificate"] is True and got == other(signed)
    assert got["checksum"] == got["checksum_real"]
    # the table's place or length lies outside the file: no signature
    data, at = bytearray(signed.read_bytes()), 0x80 + 24 + 112 + 4 * 8
    place, size = struct.unpack_from("<II", data, at)
    for bad in ((len(data), size), (place, size + 1), (place + 8, size), (place, 8), (0xFFFFFFF0, 0x20)):
        struct.pack_into("<II", data, at, *bad)
        plain.write_bytes(data)
        assert dump(plain)["certificate"] is False, bad


def test_not_pe(tmp_path):
    path = tmp_path / "x.sys"
    good = MADE["amd64"]
    for data, word in ((b"", "MZ"), (b"MZ", "MZ"), (good[:0x80], "PE header"), (good[:0xA0], "ends within"),
                       (good[:0x3C] + b"\xf0\xff\xff\xff" + good[0x40:], "PE header"),
                       (good[:0x86] + b"\xff\xff" + good[0x88:], "sections"),
                       (good[:0x98] + b"\x07\x01" + good[0x9A:], "unknown kind")):
        path.write_bytes(data)
        got = dump(path)
        assert isinstance(got, str) and "x.sys" in got and word in got
    for n in range(len(good)):          # cut anywhere: an answer, or a sentence
        if n % 131 == 0 or n in (0x3F, 0x40, 0x83, 0x84, 0x97, 0x98):
            path.write_bytes(good[:n])
            assert dump(path)
