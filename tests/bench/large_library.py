#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a library of many documents out of a small one, for measuring the window.

Usage: large_library.py DATA-FOLDER [N_DOCUMENTS]

DATA-FOLDER holds a library with at least one cached document (`kvlink add`). N_DOCUMENTS (100,000)
rows with two passages each are added, and a block with a sparse file for each passage. The new
passages have no vectors and are in no index of words: they can be listed, not found.
"""
import hashlib
import pathlib
import sqlite3
import sys

FILE_BYTES = 4096


def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def add_rows(db, table, rows):
    for row in rows:
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def model_row(db, table):
    names = columns(db, table)
    return dict(zip(names, db.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()))


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).digest()


def main():
    data = pathlib.Path(sys.argv[1])
    n_documents = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    library = sqlite3.connect(data / "library.db")
    document, chunk = model_row(library, "documents"), model_row(library, "chunks")
    first = library.execute("SELECT max(id) FROM documents").fetchone()[0] + 1
    ids = range(first, first + n_documents)
    add_rows(library, "documents", (
        {**document, "id": i, "path": f"/none/folder {i % 300:03}/{i:06} notes.md",
         "title": f"Notes number {i}", "content": digest("document", i), "n_chunks": 2}
        for i in ids))
    chunk.pop("id")
    add_rows(library, "chunks", (
        {**chunk, "document_id": i, "ordinal": k, "content": digest("chunk", i, k)}
        for i in ids for k in range(2)))
    library.commit()

    store = sqlite3.connect(data / "kv" / "kv.db")
    block = model_row(store, "blocks")
    for i in ids:
        for k in range(2):
            tokens = digest("tokens", i, k)
            name = hashlib.sha256(block["model"] + block["recipe"] + tokens).digest()
            folder = data / "kv" / "blocks" / name.hex()[:2]
            folder.mkdir(mode=0o700, exist_ok=True)
            with open(folder / f"{name.hex()}.kv", "wb") as file:
                file.truncate(FILE_BYTES)
            add_rows(store, "blocks", [{**block, "id": name, "tokens": tokens,
                                        "content": digest("chunk", i, k),
                                        "file_bytes": FILE_BYTES}])
    store.commit()
    print(f"{n_documents} documents and {2 * n_documents} blocks were added")


if __name__ == "__main__":
    main()
