// SPDX-License-Identifier: Apache-2.0
#include "app/extract/mail_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "app/extract/html_reader.h"
#include "app/extract/mail_parts.h"
#include "app/extract/text_decoder.h"

namespace kvlink::extract {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxParts = 2000;

class MessageReader {
 public:
  explicit MessageReader(DocumentBuilder& out) : out_(out) {}

  void read(std::string_view text, int depth) {
    const MailPart message = split_headers(text);
    std::string lines;
    for (const char* name : {"From", "To", "Cc", "Date", "Subject"}) {
      const std::string value = decode_header(message.header(lower_case(name)));
      if (!value.empty()) lines += std::string(name) + ": " + value + "\n";
    }
    const std::string subject = decode_header(message.header("subject"));
    if (!out_.has_title()) out_.set_title(subject);
    out_.lines(BlockType::kParagraph, lines);
    read_body(message, depth);
    if (depth > 0) return;
    for (const auto& name : attachments_) out_.list_item("Attachment: " + name);
  }

 private:
  void read_body(const MailPart& part, int depth) {
    const std::string header = part.header("content-type");
    const std::string type = lower_case(header.substr(0, header.find(';')));
    if (++n_parts_ > kMaxParts || depth > kMaxDepth) return;
    const std::string disposition = part.header("content-disposition");
    std::string name = decode_header(parameter(disposition, "filename"));
    if (name.empty()) name = decode_header(parameter(header, "name"));
    const bool attached = lower_case(disposition).starts_with("attachment") || !name.empty();
    if (type.starts_with("multipart/") && !parameter(header, "boundary").empty()) {
      return read_multipart(part, type, parameter(header, "boundary"), depth);
    }
    if (attached) {
      attachments_.push_back(name.empty() ? type : name);
    } else if (type.starts_with("message/rfc822")) {
      const std::string inner = decode_body(part.body, part.header("content-transfer-encoding"));
      read(inner, depth + 1);
    } else if (type.empty() || type.starts_with("text/")) {
      read_text(part, header, type);
    }
  }

  void read_multipart(const MailPart& part, const std::string& type, const std::string& boundary,
                      int depth) {
    std::vector<MailPart> parts;
    for (const auto text : split_parts(part.body, boundary)) {
      parts.push_back(split_headers(text));
      if (parts.size() > kMaxParts) break;
      const bool digest = type.starts_with("multipart/digest");
      if (digest && parts.back().header("content-type").empty()) {
        parts.back().headers.emplace_back("content-type", "message/rfc822");
      }
    }
    if (type.starts_with("multipart/alternative")) {
      // The first form that is plain text says the same as the others, with fewer marks.
      const auto plain = std::find_if(parts.begin(), parts.end(), [](const MailPart& one) {
        const auto t = lower_case(one.header("content-type"));
        return t.empty() || t.starts_with("text/plain");
      });
      const bool says = plain != parts.end() &&
                        plain->body.find_first_not_of(" \t\r\n") != std::string_view::npos;
      if (says) return read_body(*plain, depth + 1);
    }
    for (const auto& one : parts) read_body(one, depth + 1);
  }

  void read_text(const MailPart& part, const std::string& header, const std::string& type) {
    const std::string body = decode_body(part.body, part.header("content-transfer-encoding"));
    const std::string charset = parameter(header, "charset");
    const std::string text = decode_text(body, charset).text;
    if (type.starts_with("text/html")) return read_html(text, out_);
    std::string paragraph;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      auto line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") == line.npos) {
        out_.lines(BlockType::kParagraph, paragraph);
        paragraph.clear();
      } else {
        paragraph += std::string(line) + "\n";
      }
    }
    out_.lines(BlockType::kParagraph, paragraph);
  }

  DocumentBuilder& out_;
  std::vector<std::string> attachments_;
  std::size_t n_parts_ = 0;
};

}  // namespace

void read_mail(std::string_view bytes, DocumentBuilder& out) { MessageReader(out).read(bytes, 0); }

void read_mailbox(std::string_view bytes, DocumentBuilder& out) {
  std::int64_t number = 0;
  while (!bytes.empty()) {
    // Each message begins with a line "From sender date", which is not one of its headers.
    const std::size_t first = bytes.starts_with("From ") ? bytes.find('\n') : 0;
    if (first == bytes.npos) return;
    std::size_t end = bytes.find("\nFrom ", first);
    end = end == bytes.npos ? bytes.size() : end + 1;
    out.set_place({PlaceKind::kMessage, ++number, {}});
    MessageReader(out).read(bytes.substr(first, end - first).substr(first > 0 ? 1 : 0), 0);
    bytes.remove_prefix(end);
  }
}

}  // namespace kvlink::extract
