#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the encrypted OpenDocument files beside it: as OpenDocument 1.2 part 3 has them, with the
ciphers of OpenSSL; and a whole package as LibreOffice 24.8 has it, with argon2-cffi and
cryptography (PyPI). They come out the same every time; odfdecrypt (PyPI) opens them, too."""
import base64
import hashlib
import io
import pathlib
import subprocess
import zipfile
import zlib

import argon2.low_level
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PASSWORD = b"heron & reed"
FOLDER = pathlib.Path(__file__).parent
LINE = "Nine herons stood in the reeds."
TYPE = "application/vnd.oasis.opendocument."
DATE = (2026, 1, 1, 0, 0, 0)
# About 3 kB that do not pack well, so that the checksum is of a part of it.
FILLING = " ".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(40))

PARAGRAPH = f"<text:p>{FILLING}</text:p><text:p>{LINE}</text:p>"
BODIES = {
    "text": f"<office:text>{PARAGRAPH}</office:text>",
    "presentation": f"<office:presentation><draw:page>{PARAGRAPH}</draw:page></office:presentation>",
    "spreadsheet": "<office:spreadsheet><table:table table:name='Birds'><table:table-row>"
    f"<table:table-cell>{PARAGRAPH}</table:table-cell></table:table-row></table:table>"
    "</office:spreadsheet>",
}


def aes(key, vector, data):
    fill = 16 - len(data) % 16
    data += bytes(fill - 1) + bytes([fill])
    return openssl("-aes-256-cbc", "-nopad", key, vector, data)


def blowfish(key, vector, data):
    return openssl("-bf-cfb", "-nopad", key, vector, data)


def openssl(cipher, padding, key, vector, data):
    command = ["openssl", "enc", cipher, padding, "-provider", "default", "-provider", "legacy"]
    return subprocess.run(command + ["-K", key.hex(), "-iv", vector.hex()], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def packed(text):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(text) + packer.flush()


def content_of(kind):
    return (
        "<office:document-content xmlns:office='o' xmlns:text='t' xmlns:table='b' xmlns:draw='d'>"
        f"<office:body>{BODIES[kind]}</office:body></office:document-content>"
    ).encode()


def base64_of(value):
    return base64.b64encode(value).decode()


def entry(path, media_type, size, encryption):
    return (
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media_type}" '
        f'manifest:size="{size}">{encryption}</manifest:file-entry>'
    )


def manifest_of(entries):
    return (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        'xmlns:loext="urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0">'
        f"{entries}</manifest:manifest>"
    ).encode()


def zip_of(target, members):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        for member, value in members:
            out.writestr(zipfile.ZipInfo(member, DATE), value)


def write_whole(name, kind):
    """AES-256 in GCM, the key by Argon2id; the vector in front, the tag behind."""
    inner = io.BytesIO()
    zip_of(inner, [("mimetype", (TYPE + kind).encode()), ("content.xml", content_of(kind))])
    salt = hashlib.md5(name.encode()).digest()
    vector = hashlib.md5(salt).digest()[:12]
    key = argon2.low_level.hash_secret_raw(hashlib.sha256(PASSWORD).digest(), salt, 3, 65536, 4, 32,
                                           argon2.low_level.Type.ID)
    encrypted = vector + AESGCM(key).encrypt(vector, packed(inner.getvalue()), None)
    encryption = (
        '<manifest:encryption-data><manifest:algorithm manifest:algorithm-name='
        '"http://www.w3.org/2009/xmlenc11#aes256-gcm" '
        f'manifest:initialisation-vector="{base64_of(vector)}"/>'
        '<manifest:start-key-generation manifest:start-key-generation-name='
        '"http://www.w3.org/2001/04/xmlenc#sha256" manifest:key-size="32"/>'
        '<manifest:key-derivation manifest:key-derivation-name='
        '"urn:org:documentfoundation:names:experimental:office:manifest:argon2id" '
        'loext:argon2-iterations="3" loext:argon2-memory="65536" loext:argon2-lanes="4" '
        f'manifest:salt="{base64_of(salt)}" manifest:key-size="32"/></manifest:encryption-data>'
    )
    entries = entry("encrypted-package", TYPE + kind, len(inner.getvalue()), encryption)
    zip_of(FOLDER / name, [("mimetype", (TYPE + kind).encode()), ("encrypted-package", encrypted),
                           ("META-INF/manifest.xml", manifest_of(entries))])


def write(name, kind, cipher):
    content = content_of(kind)
    is_aes = cipher == "aes"
    salt = hashlib.md5(name.encode()).digest()
    vector = hashlib.md5(salt).digest()[: 16 if is_aes else 8]
    start = hashlib.sha256(PASSWORD) if is_aes else hashlib.sha1(PASSWORD)
    rounds, key_bytes = (100000, 32) if is_aes else (1024, 16)
    key = hashlib.pbkdf2_hmac("sha1", start.digest(), salt, rounds, key_bytes)
    data = packed(content)
    check = (hashlib.sha256 if is_aes else hashlib.sha1)(data[:1024]).digest()
    encrypted = (aes if is_aes else blowfish)(key, vector, data)
    oasis = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    check_kind = f"{oasis}#sha256-1k" if is_aes else "SHA1/1K"
    cipher_name = "http://www.w3.org/2001/04/xmlenc#aes256-cbc" if is_aes else "Blowfish CFB"
    start_name = "http://www.w3.org/2000/09/xmldsig#sha256" if is_aes else "SHA1"
    encryption = (
        f'<manifest:encryption-data manifest:checksum-type="{check_kind}" '
        f'manifest:checksum="{base64_of(check)}">'
        f'<manifest:algorithm manifest:algorithm-name="{cipher_name}" '
        f'manifest:initialisation-vector="{base64_of(vector)}"/>'
        f'<manifest:key-derivation manifest:key-derivation-name="PBKDF2" '
        f'manifest:key-size="{key_bytes}" manifest:iteration-count="{rounds}" '
        f'manifest:salt="{base64_of(salt)}"/>'
        f'<manifest:start-key-generation manifest:start-key-generation-name="{start_name}" '
        f'manifest:key-size="{start.digest_size}"/></manifest:encryption-data>'
    )
    entries = entry("content.xml", "text/xml", len(content), encryption)
    zip_of(FOLDER / name, [("mimetype", (TYPE + kind).encode()), ("content.xml", encrypted),
                           ("META-INF/manifest.xml", manifest_of(entries))])


write("aes256.odt", "text", "aes")
write("aes256.odp", "presentation", "aes")
write("aes256.ods", "spreadsheet", "aes")
write("blowfish.odt", "text", "blowfish")
write_whole("argon2.odt", "text")
