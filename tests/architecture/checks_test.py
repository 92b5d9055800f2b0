#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each architecture check fails on a tree that breaks its rule, and passes on one that does not."""

import tempfile
import unittest
from pathlib import Path

import check_files
import check_includes
import check_offline
import check_packages

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def assert_one(self, violations, words):
        self.assertEqual(len(violations), 1, violations)
        self.assertIn(words, violations[0])


class Includes(TreeTest):
    def violations_of(self, path, include, target=None):
        if target:
            self.write(target, LICENCE)
        self.write(path, f"{LICENCE}#include {include}\n")
        return check_includes.violations(self.root)

    def test_allowed_arrows_pass(self):
        self.write("kernels/base/view.h", "#include <vector>\n#include <sys/mman.h>\n")
        self.write("cache/store.cpp", '#include "kernels/base/view.h"\n#include <xxhash.h>\n')
        self.write("app/answer.cpp", '#include "cache/store.h"\n#include <CLI/CLI.hpp>\n')
        self.write("cache/store.h", "#include <string>\n")
        self.write("tests/cache/store_test.cpp",
                   '#include <gtest/gtest.h>\n#include "app/answer.h"\n')
        self.write("app/answer.h", "")
        self.assertEqual(check_includes.violations(self.root), [])

    def test_siblings_do_not_see_each_other(self):
        for path, target in (("cache/a.cpp", "retrieval/b.h"), ("retrieval/a.cpp", "inference/b.h"),
                             ("inference/a.cpp", "cache/b.h")):
            with self.subTest(path=path):
                self.assert_one(self.violations_of(path, f'"{target}"', target), "may not include")
            (self.root / path).unlink()

    def test_nobody_includes_upwards(self):
        for path, target in (("kernels/base/a.h", "kernels/rope.h"), ("kernels/a.h", "app/b.h"),
                             ("app/a.h", "ui/b.h"), ("cache/a.h", "kernels/rope.h")):
            with self.subTest(path=path):
                self.assert_one(self.violations_of(path, f'"{target}"', target), "may not include")
            (self.root / path).unlink()

    def test_app_does_not_reach_into_kernels(self):
        found = self.violations_of("app/a.cpp", '"kernels/rope.h"', "kernels/rope.h")
        self.assert_one(found, "app may not include kernels")

    def test_ui_sees_only_app(self):
        found = self.violations_of("ui/a.cpp", '"cache/b.h"', "cache/b.h")
        self.assert_one(found, "ui may not include cache")

    def test_third_parties_stay_in_their_folder(self):
        for path, header in (("cache/a.cpp", "faiss/IndexFlat.h"), ("inference/a.cpp", "sqlite3.h"),
                             ("retrieval/a.cpp", "QString"), ("kernels/base/a.cpp", "cuda_runtime.h"),
                             ("cache/a.cpp", "gtest/gtest.h"), ("ui/a.cpp", "nlohmann/json.hpp")):
            with self.subTest(header=header):
                self.assertEqual(len(self.violations_of(path, f"<{header}>")), 1)
            (self.root / path).unlink()

    def test_heavy_headers_stay_in_their_folder(self):
        self.write("cache/database.h", "#include <SQLiteCpp/SQLiteCpp.h>\n")
        self.write("cache/rows.h", '#include "cache/database.h"\n')
        self.write("cache/rows.cpp", '#include "cache/rows.h"\n')
        self.assertEqual(check_includes.violations(self.root), [])
        self.write("app/a.cpp", '#include "cache/rows.h"\n')
        self.assert_one(check_includes.violations(self.root), "brings <SQLiteCpp/SQLiteCpp.h> into app")

    def test_faiss_lives_in_one_file(self):
        self.write("retrieval/a.cpp", "#include <faiss/IndexFlat.h>\n")
        self.assertEqual(check_includes.violations(self.root), [])
        found = self.violations_of("retrieval/b.cpp", "<faiss/IndexHNSW.h>")
        self.assert_one(found, "more than one file")

    def test_unknown_third_party_and_relative_paths_are_named(self):
        self.assert_one(self.violations_of("app/a.cpp", "<curl/curl.h>"), "in no table")
        self.assert_one(self.violations_of("app/a.cpp", '"../cache/b.h"', "cache/b.h"), "no file")


class Files(TreeTest):
    def test_a_tidy_tree_passes(self):
        self.write("README.md", "# Name\n")
        self.write("cache/kv_store.cpp", LICENCE + "class KvStore {};\n" * 199)
        self.write("run", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
        self.write("build/x.cpp", "no licence, but built")
        self.assertEqual(check_files.violations(self.root), [])

    def test_sizes_are_limited(self):
        self.write("a/short.cpp", LICENCE)
        self.write("a/long.cpp", LICENCE + "\n" * 600)
        self.write("a/short_too.cpp", LICENCE)
        self.assert_one(check_files.violations(self.root), "601 lines")

    def test_binary_files_are_small_but_for_adapters(self):
        self.write("resources/adapters/one.safetensors", "x" * 12_000_000)
        self.write("resources/adapters/two.safetensors", "x" * 12_000_000)
        self.assertEqual(check_files.violations(self.root), [])
        self.write("resources/adapters/three.safetensors", "x")
        self.assert_one(check_files.violations(self.root), "24000001 bytes of adapters")
        self.write("resources/adapters/three.safetensors", "")
        self.write("resources/model.safetensors", "x" * 500_001)
        self.assert_one(check_files.violations(self.root), "500001 bytes; the limit is 500000")

    def test_the_median_is_limited(self):
        self.write("a/one.cpp", LICENCE + "\n" * 210)
        self.assert_one(check_files.violations(self.root), "the median of 1 sources is 211")

    def test_the_readme_is_short(self):
        self.write("README.md", "line\n" * 151)
        self.assert_one(check_files.violations(self.root), "151 lines")

    def test_every_source_names_its_licence(self):
        for path in ("a/a.cpp", "a/a.py", "a/a.sh"):
            self.write(path, "x = 1\n")
            self.assert_one(check_files.violations(self.root), "SPDX")
            (self.root / path).unlink()
        self.write("tool", "#!/bin/sh\n")
        self.assert_one(check_files.violations(self.root), "SPDX")

    def test_names_that_say_nothing_are_refused(self):
        for line in ("class CacheManager {", "struct StringUtils;", "enum class HandlerType {",
                     "class StoreV2 {", "struct Impl;"):
            with self.subTest(line=line):
                self.write("a/a.h", LICENCE + line + "\n")
                self.assert_one(check_files.violations(self.root), "says where, not what")
        self.write("a/a.h", LICENCE + "struct Utility {}; class Commonality; struct Implicit;\n")
        self.assertEqual(check_files.violations(self.root), [])

    def test_file_names_that_say_nothing_are_refused(self):
        self.write("a/string_utils.h", LICENCE)
        self.assert_one(check_files.violations(self.root), "'utils'")

    def test_left_overs_are_refused(self):
        for line in ("// TO" "DO: later", "<" * 7 + " HEAD", 'path = "/wo' 'rk/main"',
                     "see /ho" "me/someone/x"):
            with self.subTest(line=line):
                self.write("a/a.cpp", LICENCE + line + "\n")
                self.assertEqual(len(check_files.violations(self.root)), 1)

    def test_relative_paths_are_no_machine_paths(self):
        self.write("a/a.md", "~/wo" "rk/x and src/ho" "me/y/z and $HOME/ro" "ot/\n")
        self.assertEqual(check_files.violations(self.root), [])


class Packages(TreeTest):
    def setUp(self):
        super().setUp()
        self.write("resources/packages.txt", "# name for why\nlibicu-dev build x\n"
                                             "libgtest-dev test x\n")

    def test_listed_packages_pass(self):
        self.write("a/CMakeLists.txt", "find_package(ICU COMPONENTS uc)\nfind_package(Threads)\n")
        self.write("tests/CMakeLists.txt", "find_package(GTest REQUIRED)\n")
        self.assertEqual(check_packages.violations(self.root), [])

    def test_missing_unknown_and_test_only_packages_are_found(self):
        for name, words in (("ZLIB", "needs zlib1g-dev"), ("CURL", "in no table"),
                            ("GTest", "needs libgtest-dev")):
            with self.subTest(name=name):
                self.write("a/x.cmake", f"find_package({name} REQUIRED)\n")
                self.assert_one(check_packages.violations(self.root), words)


class Offline(unittest.TestCase):
    def violations(self, nm_output, ldd_output=""):
        return check_offline.violations(Path("kvlink"), nm_output, ldd_output)

    def test_files_and_memory_pass(self):
        self.assertEqual(self.violations("   U open@GLIBC_2.2.5\n   U mmap@GLIBC_2.2.5\n",
                                         "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"), [])

    def test_socket_calls_are_found(self):
        self.assertEqual(self.violations("   U getaddrinfo@GLIBC_2.2.5\n   U socket@GLIBC_2.2.5\n"),
                         ["kvlink imports getaddrinfo()", "kvlink imports socket()"])

    def test_network_libraries_are_found(self):
        for library in ("libQt6Network.so.6", "libcurl.so.4", "libcurl-gnutls.so.4", "libssl.so.3"):
            self.assertEqual(self.violations("", f"\t{library} => /usr/lib/{library} (0x1)\n"),
                             [f"kvlink loads {library}"])

    def test_only_the_window_may_have_a_local_socket(self):
        calls = "   U socket@GLIBC_2.2.5\n   U bind@GLIBC_2.2.5\n"
        self.assertEqual(len(self.violations(calls)), 2)
        self.assertEqual(check_offline.violations(Path("kvlink-desktop"), calls, ""), [])
        self.assertEqual(check_offline.violations(Path("kvlink-desktop"),
                                                  "   U getaddrinfo@GLIBC_2.2.5\n", ""),
                         ["kvlink-desktop imports getaddrinfo()"])

    def test_sources_of_the_window_name_no_other_family(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            source = root / check_offline.LOCAL_SOCKET_SOURCE
            source.parent.mkdir(parents=True)
            source.write_text("#include <sys/socket.h>\nsocket(AF_UNIX, 0, 0);\n", encoding="utf-8")
            self.assertEqual(check_offline.source_violations(root), [])
            source.write_text("socket(AF_" "INET6, 0, 0);\n", encoding="utf-8")
            self.assertEqual(len(check_offline.source_violations(root)), 1)
            (root / "ui/shell/other.cpp").write_text("#include <sys/socket.h>\n", encoding="utf-8")
            self.assertEqual(len(check_offline.source_violations(root)), 2)

    def test_a_missing_program_is_a_violation(self):
        self.assertEqual(check_offline.check(Path("/nonexistent")), ["/nonexistent was not built"])


if __name__ == "__main__":
    unittest.main()
