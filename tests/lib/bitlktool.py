#!/usr/bin/python3
"""bitlktool.py: BitLocker volumes made of a plain NTFS file, without Windows; written
from libbde's documentation, judged by cryptsetup bitlkDump.

  bitlktool.py make FILE PLAIN PLAIN_MAP PASSPHRASE METHOD   METHOD: 0x8002 .. 0x8005;
                                                  only what is used is encrypted
  bitlktool.py judge FILE MAP PLAIN_MAP           is MAP exactly: the header, the metadata, and
                                                  what PLAIN_MAP has, where it is moved to?
  bitlktool.py plain FILE PLAIN_MAP METHOD KEY_FILE OUT
                                                  decrypts that, with the key that bitlkDump gives
"""
import ctypes
import hashlib
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from luksput import encrypt, lib  # noqa: E402

lib.EVP_aes_256_ccm.restype = ctypes.c_void_p
META, HEADER, SECTOR = 65536, 8192, 512
PLACES = (17 << 20, 19 << 20, 21 << 20)
RELOCATED = (17 << 20) + META


def ccm(key, nonce, data):
    """mac, ciphertext"""
    ctx = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
    out, tag, n = ctypes.create_string_buffer(len(data) + 16), ctypes.create_string_buffer(16), ctypes.c_int(0)
    cipher = ctypes.c_void_p(lib.EVP_aes_256_ccm())
    ok = lib.EVP_EncryptInit_ex(ctx, cipher, None, None, None)
    ok &= lib.EVP_CIPHER_CTX_ctrl(ctx, 0x9, len(nonce), None)       # length of the nonce
    ok &= lib.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, None)              # of the tag
    ok &= lib.EVP_EncryptInit_ex(ctx, None, None, key, nonce)
    ok &= lib.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), None, len(data))
    ok &= lib.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), data, len(data))
    ok &= lib.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)
    assert ok == 1
    return tag.raw, out.raw[:len(data)]


def entry(kind, value, data):
    return struct.pack("<4H", 8 + len(data), kind, value, 1) + data


def sealed(kind, key, nonce, secret):
    plain = struct.pack("<3I", len(secret) + 12, 1, 0x2003) + secret
    mac, cipher = ccm(key, nonce, plain)
    return entry(kind, 5, nonce + mac + cipher)


def stretched(passphrase, salt):
    if os.path.exists("stretched"):     # two seconds
        return open("stretched", "rb").read()
    first = hashlib.sha256(hashlib.sha256(passphrase.encode("utf-16-le")).digest()).digest()
    last = bytes(32)
    for count in range(0x100000):
        last = hashlib.sha256(last + first + salt + struct.pack("<Q", count)).digest()
    open("stretched", "wb").write(last)
    return last


def sector(method, key, number, data, decrypt=False):
    name = "EVP_aes_%d_%s" % (128 if method in (0x8002, 0x8004) else 256, "xts" if method > 0x8003 else "cbc")
    if "xts" in name:
        return encrypt(name, key, struct.pack("<QQ", number, 0), data, decrypt)
    iv = encrypt("EVP_aes_%d_ecb" % (8 * len(key)), key, None, struct.pack("<QQ", number * SECTOR, 0))
    return encrypt(name, key, iv, data, decrypt)


def extents(path):
    return [(int(f[1]), int(f[1]) + int(f[2])) for f in map(str.split, open(path)) if f[0] == "extent"]


def sectors(map_):
    return [at for s, e in extents(map_) for at in range(max(s, HEADER), e, SECTOR)]


def metadata(passphrase, method, fvek, size):
    vmk, salt = bytes(range(32)), bytes(range(100, 116))
    nonce = lambda i: struct.pack("<QI", 0x1d9000000000000, i)
    vmk_entry = entry(2, 8, bytes(range(16)) + bytes(8) + struct.pack("<HH", 0, 0x2000) +
                      entry(0, 3, struct.pack("<I", 0x1000) + salt) +
                      sealed(0, stretched(passphrase, salt), nonce(1), vmk))
    entries = (entry(7, 2, "HOST C: 1.1.2026\0".encode("utf-16-le")) + vmk_entry +
               sealed(3, vmk, nonce(2), fvek) + entry(15, 15, struct.pack("<QQ", RELOCATED, HEADER)))
    head = struct.pack("<8sHHHHQII3QQ", b"-FVE-FS-", 64, 2, 4, 4, size, 0, HEADER // SECTOR, *PLACES, RELOCATED)
    head += struct.pack("<4I16sIHHQ", 48 + len(entries), 1, 48, 48 + len(entries), bytes(range(16, 32)), 3,
                        method, 0, 0x1d9000000000000)
    return (head + entries).ljust(META, b"\0")


def boot_sector():
    boot = bytearray(512)
    boot[:11], boot[510:] = b"\xeb\x58\x90-FVE-FS-", b"\x55\xaa"
    struct.pack_into("<HB", boot, 11, 512, 8)
    boot[0xa0:0xb0] = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
    struct.pack_into("<3Q", boot, 0xb0, *PLACES)
    return boot


def make(path, plain, map_, passphrase, method):
    method, data = int(method, 0), open(plain, "rb").read()
    if any(any(data[at:at + META + HEADER]) for at in PLACES):
        sys.exit("BitLocker's places aren't free")
    fvek = hashlib.sha512(b"key").digest()[:{0x8002: 16, 0x8003: 32, 0x8004: 32}.get(method, 64)]
    out = bytearray(len(data))
    for at in sectors(map_):
        out[at:at + SECTOR] = sector(method, fvek, at // SECTOR, data[at:at + SECTOR])
    for at in range(0, HEADER, SECTOR):
        out[RELOCATED + at:RELOCATED + at + SECTOR] = sector(
            method, fvek, (RELOCATED + at) // SECTOR, data[at:at + SECTOR])
    meta = metadata(passphrase, method, fvek, len(data))
    for at in PLACES:
        out[at:at + META] = meta
    out[:512] = boot_sector()
    open(path, "wb").write(out)


def plain(path, map_, method, key_file, out):
    method, key, data = int(method, 0), open(key_file, "rb").read(), bytearray(open(path, "rb").read())
    for at in sectors(map_) + list(range(RELOCATED, RELOCATED + HEADER, SECTOR)):
        data[at:at + SECTOR] = sector(method, key, at // SECTOR, bytes(data[at:at + SECTOR]), True)
    data[:HEADER] = data[RELOCATED:RELOCATED + HEADER]
    for at, n in [(p, META) for p in PLACES] + [(RELOCATED, HEADER)]:
        data[at:at + n] = bytes(n)
    open(out, "wb").write(data)


def judge(path, map_, inner):
    size = os.path.getsize(path)
    want, mine = bytearray(size // SECTOR), bytearray(size // SECTOR)
    kept = [(0, HEADER), (RELOCATED, RELOCATED + HEADER)] + [(p, p + META) for p in PLACES]
    for where, runs in ((want, kept), (want, extents(inner)), (mine, extents(map_))):
        for s, e in runs:
            where[s // SECTOR:e // SECTOR] = b"\1" * (e // SECTOR - s // SECTOR)
    for i in range(len(want)):
        if want[i] != mine[i]:
            sys.exit("sector %d is %sin the map" % (i, "not " if want[i] else ""))


if __name__ == "__main__":
    {"make": make, "judge": judge, "plain": plain}[sys.argv[1]](*sys.argv[2:])
