// SPDX-License-Identifier: Apache-2.0
#include "app/extract/archive_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kRecord = 512;  // of a tar archive
constexpr std::size_t kMaxName = 4096;

[[noreturn]] void fail_damaged(const char* what) {
  throw Unreadable(ReadProblem::kDamaged, std::string("the archive is damaged: ") + what);
}

bool is_hidden(std::string_view name) {
  return name.starts_with('.') || name.starts_with("__MACOSX/") || name.find("/.") != name.npos;
}

/// Puts members together and remembers which could not be read.
class Members {
 public:
  Members(const MemberReader& read, DocumentBuilder& out) : read_(read), out_(out) {}

  /// `bytes()` gives the member's content, and may throw as readers do.
  template <typename F>
  void take(const std::string& name, F&& bytes) {
    if (name.empty() || name.ends_with('/') || is_hidden(name)) return;
    ++n_members_;
    try {
      ParsedDocument document = read_(bytes(), name.substr(name.rfind('/') + 1));
      out_.set_place({PlaceKind::kMember, n_members_, name});
      out_.heading(1, name);
      for (auto& block : document.blocks) {
        if (block.type == BlockType::kHeading) block.level = std::min(block.level + 1, 6);
      }
      out_.append(std::move(document.blocks));
    } catch (const Unreadable& e) {
      // The limits are the whole archive's.
      if (e.problem() == ReadProblem::kTooLarge) throw;
      is_locked_ = is_locked_ || e.problem() == ReadProblem::kNeedsPassword;
      leave_out(name, e.what());
    } catch (const Exception& e) {
      leave_out(name, e.error().message);
    }
  }

  void finish() {
    if (left_out_.empty()) return;
    const std::string left_out =
        std::to_string(n_left_out_) + " of its " + std::to_string(n_members_) +
        " members could not be read: " + left_out_ + (n_left_out_ > kNamed ? "; ..." : "");
    if (out_.is_empty()) {
      const auto problem = is_locked_ ? ReadProblem::kNeedsPassword : ReadProblem::kUnsupported;
      throw Unreadable(problem, left_out);
    }
    out_.note(left_out);
  }

 private:
  static constexpr std::int64_t kNamed = 5;

  void leave_out(const std::string& name, const std::string& reason) {
    if (++n_left_out_ > kNamed) return;
    left_out_ += (left_out_.empty() ? "" : "; ") + name.substr(0, 120) + " (" + reason + ")";
  }

  const MemberReader& read_;
  DocumentBuilder& out_;
  std::int64_t n_members_ = 0;
  std::int64_t n_left_out_ = 0;
  bool is_locked_ = false;  ///< a member needs a password
  std::string left_out_;
};

std::string_view field(std::string_view header, std::size_t begin, std::size_t size) {
  const auto whole = header.substr(begin, size);
  return whole.substr(0, whole.find('\0'));
}

/// An octal number of a header, blanks around it.
std::uint64_t octal(std::string_view digits) {
  std::uint64_t value = 0;
  bool any = false;
  for (const char c : digits) {
    if (c == ' ' && !any) continue;
    if (c == ' ') break;
    if (c < '0' || c > '7' || value >> 60 != 0) fail_damaged("a number is no number");
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return value;
}

bool has_right_sum(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kRecord; ++i) {
    const bool own = i >= 148 && i < 156;  // the checksum counts as blanks
    sum += own ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return sum == octal(field(header, 148, 8));
}

/// "path" of a pax record: lines of "length name=value\n".
std::string pax_path(std::string_view records) {
  while (!records.empty()) {
    const std::size_t end = records.find('\n');
    const auto line = records.substr(0, end);
    const std::size_t at = line.find(" path=");
    if (at != line.npos && at < 8) return std::string(line.substr(at + 6, kMaxName));
    if (end == records.npos) break;
    records.remove_prefix(end + 1);
  }
  return {};
}

std::string ustar_name(std::string_view header) {
  const auto prefix = field(header, 345, 155);
  const auto name = field(header, 0, 100);
  return prefix.empty() ? std::string(name) : std::string(prefix) + "/" + std::string(name);
}

}  // namespace

void read_zip_members(ZipArchive& archive, const MemberReader& read, DocumentBuilder& out) {
  Members members(read, out);
  for (const auto& [name, member] : archive.members()) {
    members.take(name, [&, &name = name] { return archive.read(name).value_or(""); });
  }
  members.finish();
}

bool is_tar(std::string_view bytes) {
  return bytes.size() >= kRecord && bytes.substr(257).starts_with("ustar");
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

void read_tar_members(std::string_view bytes, const MemberReader& read, DocumentBuilder& out,
                      std::size_t max_members) {
  Members members(read, out);
  std::string long_name;
  std::size_t n = 0;
  while (bytes.size() >= kRecord && bytes[0] != '\0') {
    if (++n > max_members) {
      throw Unreadable(ReadProblem::kTooLarge, "it has more members than may be read");
    }
    const auto header = bytes.substr(0, kRecord);
    if (!has_right_sum(header)) fail_damaged("the checksum of a member is wrong");
    const std::uint64_t size = octal(field(header, 124, 12));
    bytes.remove_prefix(kRecord);
    if (size > bytes.size()) fail_damaged("a member ends outside");
    const auto content = bytes.substr(0, static_cast<std::size_t>(size));
    const char type = header[156];
    if (type == 'L') {
      long_name = field(content, 0, kMaxName);
    } else if (type == 'x') {
      long_name = pax_path(content);
    } else {
      const std::string name = long_name.empty() ? ustar_name(header) : long_name;
      long_name.clear();
      const bool regular = type == '0' || type == '\0';
      if (regular) members.take(name, [&] { return std::string(content); });
    }
    const std::size_t padded = (content.size() + kRecord - 1) / kRecord * kRecord;
    bytes.remove_prefix(std::min(padded, bytes.size()));
  }
  members.finish();
}

std::string unpack_gzip(std::string_view bytes, std::int64_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const struct Ender {
    z_stream& stream;
    ~Ender() { inflateEnd(&stream); }
  } ender{stream};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  constexpr std::size_t kStep = 1 << 18;
  std::string out;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    const auto old = out.size();
    out.resize(old + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + old);
    stream.avail_out = static_cast<uInt>(kStep);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (static_cast<std::int64_t>(out.size()) > max_bytes) {
      throw Unreadable(ReadProblem::kTooLarge, "it unpacks to more than may be read");
    }
    const bool stuck = out.size() == old && stream.avail_in == 0;
    if (state != Z_STREAM_END && (state != Z_OK || stuck)) fail_damaged("it cannot be unpacked");
  }
  return out;
}

}  // namespace kvlink::extract
