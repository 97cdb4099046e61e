#!/usr/bin/python3
"""luksput.py FILE KEY_FILE PLAIN: encrypts PLAIN into a LUKS volume in a file, without a
device mapper: cryptsetup gives the volume's key, libcrypto encrypts; start values are
made here."""
import ctypes
import ctypes.util
import hashlib
import os
import re
import struct
import subprocess
import sys

lib = ctypes.CDLL(ctypes.util.find_library("crypto"))
lib.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
for f in ("EVP_aes_128_xts", "EVP_aes_256_xts", "EVP_aes_128_cbc", "EVP_aes_256_cbc", "EVP_aes_128_ecb",
          "EVP_aes_256_ecb"):
    getattr(lib, f).restype = ctypes.c_void_p


def encrypt(name, key, iv, data, decrypt=False):
    ctx = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
    out, n = ctypes.create_string_buffer(len(data) + 32), ctypes.c_int(0)
    assert lib.EVP_CipherInit_ex(ctx, ctypes.c_void_p(getattr(lib, name)()), None, key, iv, int(not decrypt)) == 1
    lib.EVP_CIPHER_CTX_set_padding(ctx, 0)
    assert lib.EVP_CipherUpdate(ctx, out, ctypes.byref(n), data, len(data)) == 1
    lib.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:n.value]


def main():
    path, key_file, plain = sys.argv[1:4]
    if os.path.exists("volume.key"):
        os.unlink("volume.key")
    out = subprocess.run(["cryptsetup", "luksDump", "-q", "--dump-volume-key", "--volume-key-file",
                          "volume.key", "--key-file", key_file, path], check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    out += subprocess.run(["cryptsetup", "luksDump", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    key = open("volume.key", "rb").read()
    offset = re.search(r"Payload offset:\s+(\d+)", out)
    start = int(offset[1]) * 512 if offset else int(re.search(r"offset: (\d+) \[bytes\]", out)[1])
    found = re.search(r"sector: (\d+)", out)
    sector = int(found[1]) if found else 512
    mode = re.search(r"(xts-plain64|cbc-essiv:sha256|cbc-plain64)", out)[1]
    name = "EVP_aes_%d_%s" % (len(key) * (4 if mode[0] == "x" else 8), mode[:3])
    data = open(plain, "rb").read()
    with open(path, "r+b") as f:
        f.seek(start)
        for at in range(0, len(data), sector):
            iv = struct.pack("<QQ", at // 512, 0)
            if "essiv" in mode:
                iv = encrypt("EVP_aes_256_ecb", hashlib.sha256(key).digest(), None, iv)
            f.write(encrypt(name, key, iv, data[at:at + sector]))
        f.truncate(start + len(data))


if __name__ == "__main__":
    main()
