// SPDX-License-Identifier: Apache-2.0
#include "app/extract/html_reader.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr int kMaxDepth = 400;               // deeper elements are read as if they lay there
constexpr std::size_t kMaxCellBytes = 2000;  // a table with longer cells lays out a page

/// What gumbo holds for one page, given back all at once: its own way recurses as deep as the page.
class PageMemory {
 public:
  PageMemory() = default;
  ~PageMemory() {
    while (last_ != nullptr) release(this, last_ + 1);
  }
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;

  void serve(GumboOptions& options) {
    options.allocator = &PageMemory::allocate;
    options.deallocator = &PageMemory::release;
    options.userdata = this;
  }

 private:
  /// In front of every piece; as long as malloc aligns.
  struct alignas(std::max_align_t) Piece {
    Piece* before = nullptr;
    Piece* after = nullptr;
  };

  static void* allocate(void* self, std::size_t size) {
    auto& memory = *static_cast<PageMemory*>(self);
    void* bytes = std::malloc(sizeof(Piece) + size);
    if (bytes == nullptr) return nullptr;
    auto* piece = new (bytes) Piece{memory.last_, nullptr};
    if (memory.last_ != nullptr) memory.last_->after = piece;
    memory.last_ = piece;
    return piece + 1;
  }

  static void release(void* self, void* bytes) {
    if (bytes == nullptr) return;
    auto* piece = static_cast<Piece*>(bytes) - 1;
    if (piece->before != nullptr) piece->before->after = piece->after;
    auto& next =
        piece->after != nullptr ? piece->after->before : static_cast<PageMemory*>(self)->last_;
    next = piece->before;
    std::free(piece);
  }

  Piece* last_ = nullptr;
};

template <std::size_t N>
bool is_one_of(GumboTag tag, const std::array<GumboTag, N>& tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

constexpr std::array kDropped = {
    GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE,  GUMBO_TAG_NOSCRIPT, GUMBO_TAG_TEMPLATE, GUMBO_TAG_NAV,
    GUMBO_TAG_ASIDE,  GUMBO_TAG_FOOTER, GUMBO_TAG_BUTTON,   GUMBO_TAG_SELECT,   GUMBO_TAG_TEXTAREA,
    GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT, GUMBO_TAG_SVG,      GUMBO_TAG_HEAD,     GUMBO_TAG_DATALIST};

constexpr std::array kBlocks = {
    GUMBO_TAG_P,       GUMBO_TAG_DIV,        GUMBO_TAG_SECTION,    GUMBO_TAG_ARTICLE,
    GUMBO_TAG_MAIN,    GUMBO_TAG_HEADER,     GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_UL,
    GUMBO_TAG_OL,      GUMBO_TAG_DL,         GUMBO_TAG_DT,         GUMBO_TAG_DD,
    GUMBO_TAG_FIGURE,  GUMBO_TAG_FIGCAPTION, GUMBO_TAG_ADDRESS,    GUMBO_TAG_DETAILS,
    GUMBO_TAG_SUMMARY, GUMBO_TAG_FORM,       GUMBO_TAG_FIELDSET,   GUMBO_TAG_HR,
    GUMBO_TAG_TR,      GUMBO_TAG_TD,         GUMBO_TAG_TH,         GUMBO_TAG_CAPTION,
    GUMBO_TAG_CENTER,  GUMBO_TAG_BODY,       GUMBO_TAG_HTML,       GUMBO_TAG_TABLE,
    GUMBO_TAG_TBODY,   GUMBO_TAG_THEAD,      GUMBO_TAG_TFOOT,      GUMBO_TAG_LI};

int heading_level(GumboTag tag) {
  return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 ? tag - GUMBO_TAG_H1 + 1 : 0;
}

std::string_view attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

bool is_hidden(const GumboElement& element) {
  if (gumbo_get_attribute(&element.attributes, "hidden") != nullptr) return true;
  const auto role = attribute(element, "role");
  if (role == "navigation" || role == "banner" || role == "contentinfo" || role == "search") {
    return true;
  }
  std::string style(attribute(element, "style"));
  std::erase(style, ' ');
  return style.find("display:none") != style.npos || style.find("visibility:hidden") != style.npos;
}

bool is_dropped(const GumboNode* node) {
  const GumboElement& element = node->v.element;
  return is_one_of(element.tag, kDropped) || is_hidden(element);
}

/// Depth-first over elements, without recursion: `visit(node, depth)` returns whether to go in.
template <typename F>
void for_each_element(const GumboNode* root, F&& visit) {
  std::vector<std::pair<const GumboNode*, int>> open = {{root, 0}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_TEMPLATE) continue;
    if (!visit(node, depth)) continue;
    const GumboVector& children = node->v.element.children;
    for (unsigned i = children.length; i-- > 0;) {
      open.emplace_back(static_cast<const GumboNode*>(children.data[i]), depth + 1);
    }
  }
}

/// Text of a subtree, as it stands; blocks and line breaks in it become line breaks.
std::string text_of(const GumboNode* root) {
  std::string text;
  std::vector<const GumboNode*> open = {root};
  while (!open.empty()) {
    const GumboNode* node = open.back();
    open.pop_back();
    if (node == nullptr) {  // the end of a block
      text += '\n';
    } else if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
               node->type == GUMBO_NODE_CDATA) {
      text += node->v.text.text;
    } else if (node->type == GUMBO_NODE_ELEMENT && (node == root || !is_dropped(node))) {
      const GumboElement& element = node->v.element;
      const bool block = is_one_of(element.tag, kBlocks);
      if (element.tag == GUMBO_TAG_BR || block) text += '\n';
      if (block) open.push_back(nullptr);
      for (unsigned i = element.children.length; i-- > 0;) {
        open.push_back(static_cast<const GumboNode*>(element.children.data[i]));
      }
    }
  }
  return text;
}

/// Rows of a table of data; nothing for one that lays out a page.
std::optional<std::vector<TableRow>> rows_of(const GumboNode* table, bool& names_columns) {
  std::vector<TableRow> rows;
  bool data = attribute(table->v.element, "role") != "presentation";
  names_columns = false;
  std::size_t n_columns = 0;
  for_each_element(table, [&](const GumboNode* node, int) {
    const GumboTag tag = node->v.element.tag;
    if (node != table && tag == GUMBO_TAG_TABLE) data = false;
    if (!data || (node != table && is_dropped(node))) return false;
    if (tag == GUMBO_TAG_TR) rows.emplace_back();
    if (tag == GUMBO_TAG_CAPTION) return false;
    if (tag != GUMBO_TAG_TD && tag != GUMBO_TAG_TH) return true;
    if (rows.empty()) rows.emplace_back();
    rows.back().push_back(text_of(node));
    n_columns = std::max(n_columns, rows.back().size());
    if (rows.size() == 1 && tag == GUMBO_TAG_TH) names_columns = true;
    if (rows.back().back().size() > kMaxCellBytes) data = false;
    for_each_element(node, [&](const GumboNode* inner, int) {
      const GumboTag t = inner->v.element.tag;
      if (t == GUMBO_TAG_TABLE || t == GUMBO_TAG_PRE || heading_level(t) > 0) data = false;
      return data;
    });
    return false;
  });
  if (!data || n_columns < 2) return std::nullopt;
  std::erase_if(rows, [](const TableRow& row) { return row.empty(); });
  return rows;
}

class PageReader {
 public:
  explicit PageReader(DocumentBuilder& out) : out_(out) {}

  void read(const GumboNode* node, int depth = 0) {
    switch (node->type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        inline_ += node->v.text.text;
        return;
      case GUMBO_NODE_ELEMENT:
        if (!is_dropped(node)) read_element(node, depth);
        return;
      default:
        return;
    }
  }

  /// Ends the paragraph or list item that is being read.
  void flush() {
    if (item_depth_ >= 0 && !item_said_) {
      const bool empty = inline_.find_first_not_of(" \t\r\n") == inline_.npos;
      if (!empty) item_said_ = true;
      out_.list_item(inline_, item_depth_);
    } else {
      out_.paragraph(inline_);
    }
    inline_.clear();
  }

 private:
  void read_children(const GumboNode* node, int depth) {
    const GumboVector& children = node->v.element.children;
    for (unsigned i = 0; i < children.length; ++i) {
      read(static_cast<const GumboNode*>(children.data[i]), depth + 1);
    }
  }

  void read_element(const GumboNode* node, int depth) {
    const GumboElement& element = node->v.element;
    if (depth > kMaxDepth) {
      inline_ += text_of(node);
      return;
    }
    if (const int level = heading_level(element.tag)) {
      flush();
      out_.heading(level, text_of(node));
    } else if (element.tag == GUMBO_TAG_PRE || element.tag == GUMBO_TAG_LISTING) {
      flush();
      out_.code(text_of(node));
    } else if (element.tag == GUMBO_TAG_TABLE) {
      read_table(node, depth);
    } else if (element.tag == GUMBO_TAG_LI) {
      read_item(node, depth);
    } else if (element.tag == GUMBO_TAG_UL || element.tag == GUMBO_TAG_OL) {
      flush();
      ++list_depth_;
      read_children(node, depth);
      flush();
      --list_depth_;
    } else if (element.tag == GUMBO_TAG_BR) {
      inline_ += '\n';
    } else if (is_one_of(element.tag, kBlocks)) {
      flush();
      read_children(node, depth);
      flush();
    } else {
      read_children(node, depth);
    }
  }

  void read_item(const GumboNode* node, int depth) {
    flush();
    const int outer_depth = item_depth_;
    const bool outer_said = item_said_;
    item_depth_ = std::max(0, list_depth_ - 1);
    item_said_ = false;
    read_children(node, depth);
    flush();
    item_depth_ = outer_depth;
    item_said_ = outer_said;
  }

  void read_table(const GumboNode* node, int depth) {
    flush();
    bool names_columns = false;
    const auto rows = rows_of(node, names_columns);
    if (!rows) {
      read_children(node, depth);
      flush();
      return;
    }
    for_each_element(node, [&](const GumboNode* inner, int) {
      if (inner->v.element.tag != GUMBO_TAG_CAPTION) return inner->v.element.tag != GUMBO_TAG_TR;
      out_.paragraph(text_of(inner));
      return false;
    });
    out_.table(*rows, names_columns);
  }

  DocumentBuilder& out_;
  std::string inline_;
  int list_depth_ = 0;
  int item_depth_ = -1;  // of the item being read; -1 outside
  bool item_said_ = false;
};

/// The part that holds the content: the only <main>, else the whole.
const GumboNode* content_of(const GumboNode* root) {
  const GumboNode* main = nullptr;
  int n_main = 0;
  for_each_element(root, [&](const GumboNode* node, int) {
    const GumboElement& element = node->v.element;
    if (element.tag == GUMBO_TAG_MAIN || attribute(element, "role") == "main") {
      main = node;
      ++n_main;
      return false;
    }
    return true;
  });
  return n_main == 1 && text_of(main).size() > 200 ? main : root;
}

std::string title_of(const GumboNode* root) {
  std::string title;
  for_each_element(root, [&](const GumboNode* node, int depth) {
    if (node->v.element.tag == GUMBO_TAG_TITLE && title.empty()) title = text_of(node);
    return depth < 3 && node->v.element.tag != GUMBO_TAG_BODY;
  });
  return title;
}

}  // namespace

void read_html(std::string_view html, DocumentBuilder& out) {
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 1;
  PageMemory memory;
  memory.serve(options);
  const GumboOutput* page = gumbo_parse_with_options(&options, html.data(), html.size());
  if (page == nullptr || page->root == nullptr) {
    throw Unreadable(ReadProblem::kDamaged, "it is not a page of HTML");
  }
  if (!out.has_title()) out.set_title(title_of(page->root));
  PageReader reader(out);
  reader.read(content_of(page->root));
  reader.flush();
}

}  // namespace kvlink::extract
