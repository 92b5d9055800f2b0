#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What ./test says about skipped cases, from a log as ctest and GoogleTest write it."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import sum_up_skips  # noqa: E402  (the path is known only now)

LOG = """\
[ RUN      ] Sha256.KnowsTheStandardVectors
[       OK ] Sha256.KnowsTheStandardVectors (0 ms)
[ RUN      ] Model.LoadsTheGenerator
tests/inference/model_test.cpp:12: Skipped
default generator not fetched (./run)

[  SKIPPED ] Model.LoadsTheGenerator (0 ms)
[ RUN      ] Model.MatchesGolden
tests/inference/model_test.cpp:20: Skipped
default generator not fetched (./run)

[  SKIPPED ] Model.MatchesGolden (0 ms)
[ RUN      ] Store.SurvivesFullDisk
[  FAILED  ] Store.SurvivesFullDisk (3 ms)
[  SKIPPED ] 2 tests, listed below:
[  SKIPPED ] Model.LoadsTheGenerator
[  SKIPPED ] Model.MatchesGolden
"""
CLOSING = "50% tests passed, 1 tests failed out of 2\n\nTotal Test time (real) =   0.02 sec\n"


class SumUpSkips(unittest.TestCase):
    def test_counts_cases_and_groups_reasons(self):
        n_ran, skipped = sum_up_skips.skipped_cases(LOG.splitlines(keepends=True))
        self.assertEqual(n_ran, 2)
        self.assertEqual(skipped, {"default generator not fetched (./run)":
                                   ["Model.LoadsTheGenerator", "Model.MatchesGolden"]})

    def test_skipped_programs_say_their_first_line(self):
        ctest = ["20/35 Test #20: training_test .............***Skipped   0.23 sec\n",
                 "21/35 Test #21: cache_test ................   Passed    4.34 sec\n"]
        log = ["20/35 Testing: training_test\n", "Output:\n", "-----\n", "torch is missing\n",
               "<end of output>\n", "21/35 Testing: cache_test\n", "Output:\n", "----\n", "x\n"]
        self.assertEqual(sum_up_skips.skipped_programs(ctest, log),
                         [("training_test", "torch is missing")])

    def test_ctest_closing_lines_come_last(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "LastTest.log"
            log.write_text(LOG)
            output = io.StringIO()
            with mock.patch.object(sys, "stdin", io.StringIO("1/2 Test #1: a\n" + CLOSING)), \
                    contextlib.redirect_stdout(output):
                sum_up_skips.main(str(log))
        self.assertTrue(output.getvalue().startswith("1/2 Test #1: a\nGoogleTest cases: 2 ran, 2"))
        self.assertTrue(output.getvalue().endswith(CLOSING))


if __name__ == "__main__":
    unittest.main()
