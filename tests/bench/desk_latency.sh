#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How late the event loop of the real window is while it reads documents and answers questions.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: tests/bench/desk_latency.sh [FOLDER…]

Makes 2,000 distinct text documents out of the files in the FOLDERs (default: the guide, and
documents/mdn of KVLINK_TEST_DATA), opens kvlink-desktop on them under Xvfb with --measure-latency,
asks a question every 20 seconds with xdotool, and closes the window after SECONDS_TO_RUN. Prints
the window's own lines on its event loop (the aim: p99 50 ms, max 200 ms), on its longest absences and
its start, and what was read and answered meanwhile.

Environment: BUILD (build/release), SECONDS_TO_RUN (660), N_DOCUMENTS (2000), KVLINK_MODELS.
Needs Xvfb, xdotool, python3, and about 15 GB for the caches, which are deleted at the end.
HELP
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case "${1:-}" in --help | -h) usage && exit 0 ;; esac
program=${BUILD:-$root/build/release}/bin/kvlink-desktop
seconds=${SECONDS_TO_RUN:-660}
n_documents=${N_DOCUMENTS:-2000}
folders=("$@")
if [ "${#folders[@]}" -eq 0 ]; then
  folders=("$root/resources/guide")
  [ -z "${KVLINK_TEST_DATA:-}" ] || folders+=("$KVLINK_TEST_DATA/documents/mdn")
fi
# shellcheck source=tests/support/virtual_screen.sh
source "$root/tests/support/virtual_screen.sh"
need_tools Xvfb xdotool python3 "$program"
need_models

python3 - "$scratch/documents" "$n_documents" "${folders[@]}" <<'PY'
import html.parser, pathlib, sys

class Text(html.parser.HTMLParser):
    """The text of a page: a paragraph for each element that is not inline."""
    inline = {"a", "b", "code", "em", "i", "kbd", "span", "strong", "sub", "sup", "var", "mark"}
    hidden = {"script", "style", "head"}
    def __init__(self):
        super().__init__()
        self.parts, self.depth = [], 0
    def handle_starttag(self, tag, attributes):
        self.depth += tag in self.hidden
        self.parts.append("" if tag in self.inline else "\n\n")
    def handle_endtag(self, tag):
        self.depth -= tag in self.hidden and self.depth > 0
        self.parts.append("" if tag in self.inline else "\n\n")
    def handle_data(self, data):
        if not self.depth:
            self.parts.append(" ".join(data.split()) + " ")

def text_of(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix not in (".html", ".htm"):
        return text
    reader = Text()
    reader.feed(text)
    return "".join(reader.parts)

target, n = pathlib.Path(sys.argv[1]), int(sys.argv[2])
sources = sorted(f for folder in sys.argv[3:] for f in pathlib.Path(folder).rglob("*")
                 if f.suffix in (".md", ".txt", ".html", ".htm"))
texts = [[p for p in text_of(s).split("\n\n") if len(p.strip()) > 2] for s in sources]
texts = [(s, t) for s, t in zip(sources, texts) if sum(map(len, t)) > 400]
for i in range(n):
    source, paragraphs = texts[i % len(texts)]
    copy = i // len(texts)
    folder = target / f"copy {copy}"
    folder.mkdir(parents=True, exist_ok=True)
    # Every paragraph of a copy differs from the other copies', so that no block is shared.
    body = "\n\n".join(p.strip() + ("" if p.lstrip().startswith("#") else f" ({copy}.{j})")
                       for j, p in enumerate(paragraphs))
    (folder / f"{i:04} {source.stem[-60:]}.txt").write_text(body + "\n", encoding="utf-8")
print(f"{n} documents out of {len(texts)} files, "
      f"{sum(f.stat().st_size for f in target.rglob('*.txt')) / 1e6:.1f} MB")
PY

begin_screen 1400x900

"$program" --data-dir "$scratch/library" --models-dir "$models" --sample "$scratch/documents" \
  --measure-latency >"$scratch/out.txt" 2>"$scratch/err.txt" &
window=$!
handle=$(timeout 30 xdotool search --sync --onlyvisible --name KVLink | head -1)
xdotool windowfocus --sync "$handle"

questions=("What is a KV cache?" "How are add-ons installed from a web page?"
  "What does a simple storage module keep?" "Which document formats can be added?"
  "How is a debugger service used from JavaScript?" "Where are the cache files kept?")
begin=$SECONDS
asked=0
sleep 20
while [ $((SECONDS - begin)) -lt "$seconds" ]; do
  xdotool key --window "$handle" ctrl+l
  xdotool type --delay 40 "${questions[$((asked % ${#questions[@]}))]}"
  xdotool key Return
  asked=$((asked + 1))
  sleep 20
done
peak=$(awk '/VmHWM/ { printf "%.0f MB", $2 / 1024 }' "/proc/$window/status")
load=$(cut -d' ' -f1-3 /proc/loadavg)
kill -TERM "$window"
wait "$window" || true
window=''
cat "$scratch/err.txt" >&2
cat "$scratch/out.txt"
echo "load average at the end: $load"
python3 - "$scratch/library" "$asked" "$peak" <<'PY'
import pathlib, sqlite3, sys
data = pathlib.Path(sys.argv[1])
library = sqlite3.connect(f"file:{data / 'library.db'}?mode=ro", uri=True)
def count(sql):
    return library.execute(sql).fetchone()[0]
blocks = sum(1 for _ in data.rglob("*.kv"))
print(f"read: {count('SELECT count(*) FROM documents')} documents, "
      f"{count('SELECT count(*) FROM chunks')} passages, {blocks} blocks on disk; "
      f"asked: {sys.argv[2]}, kept turns: {count('SELECT count(*) FROM turns')}; "
      f"peak memory: {sys.argv[3]}")
PY
