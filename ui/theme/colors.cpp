// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

const Colors& light_colors() {
  static const Colors colors{
      .gpu = QColor(0x5f9e1f),
      .memory = QColor(0xd9822b),
      .disk = QColor(0x4a80c9),
      .nothing = QColor(0xb4bac2),
      .stale = QColor(0x9a8560),
      .used = QColor(0x1f8a54),
      .missed = QColor(0xc23b33),
      .recomputed = QColor(0x7d4fc4),
      .good = QColor(0x1f7a4b),
      .warning = QColor(0x9a6200),
      .bad = QColor(0xb8322b),
      .quiet = QColor(0x5c6570),
      .grid = QColor(0xdde1e6),
      .stages = {QColor(0x2a9d8f), QColor(0x8a939e), QColor(0x4a80c9), QColor(0x7fb0e6),
                 QColor(0xc23b33), QColor(0xb4bac2), QColor(0x5f9e1f), QColor(0x6a5fc1),
                 QColor(0xd9822b), QColor(0x1f8a54), QColor(0xa8632a)}};
  return colors;
}

const Colors& dark_colors() {
  static const Colors colors{
      .gpu = QColor(0x8fce4e),
      .memory = QColor(0xe99a4a),
      .disk = QColor(0x6aa0e8),
      .nothing = QColor(0x5b626c),
      .stale = QColor(0xa99670),
      .used = QColor(0x4fc288),
      .missed = QColor(0xee7168),
      .recomputed = QColor(0xb18cf0),
      .good = QColor(0x5ec48f),
      .warning = QColor(0xe2b04a),
      .bad = QColor(0xf0837b),
      .quiet = QColor(0x9aa3ae),
      .grid = QColor(0x363b42),
      .stages = {QColor(0x4fbfb0), QColor(0x8a939e), QColor(0x6aa0e8), QColor(0x9cc4f2),
                 QColor(0xee7168), QColor(0x5b626c), QColor(0x8fce4e), QColor(0x9388e6),
                 QColor(0xe99a4a), QColor(0x4fc288), QColor(0xd08a50)}};
  return colors;
}

/// The roles both palettes set; the disabled group is what is given as quiet.
struct Roles {
  QColor window, base, alternate, button, text, quiet, highlight, on_highlight, link, visited;
  QColor light, midlight, mid, dark, shadow, tip;
};

QPalette palette_of(const Roles& roles) {
  QPalette palette;
  palette.setColor(QPalette::Window, roles.window);
  palette.setColor(QPalette::WindowText, roles.text);
  palette.setColor(QPalette::Base, roles.base);
  palette.setColor(QPalette::AlternateBase, roles.alternate);
  palette.setColor(QPalette::Text, roles.text);
  palette.setColor(QPalette::PlaceholderText, roles.quiet);
  palette.setColor(QPalette::Button, roles.button);
  palette.setColor(QPalette::ButtonText, roles.text);
  palette.setColor(QPalette::BrightText, roles.on_highlight);
  palette.setColor(QPalette::Highlight, roles.highlight);
  palette.setColor(QPalette::HighlightedText, roles.on_highlight);
  palette.setColor(QPalette::Link, roles.link);
  palette.setColor(QPalette::LinkVisited, roles.visited);
  palette.setColor(QPalette::ToolTipBase, roles.tip);
  palette.setColor(QPalette::ToolTipText, roles.text);
  palette.setColor(QPalette::Light, roles.light);
  palette.setColor(QPalette::Midlight, roles.midlight);
  palette.setColor(QPalette::Mid, roles.mid);
  palette.setColor(QPalette::Dark, roles.dark);
  palette.setColor(QPalette::Shadow, roles.shadow);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    palette.setColor(QPalette::Disabled, role, roles.quiet);
  }
  palette.setColor(QPalette::Disabled, QPalette::Highlight, roles.mid);
  palette.setColor(QPalette::Disabled, QPalette::HighlightedText, roles.quiet);
  return palette;
}

}  // namespace

bool is_dark(const QPalette& palette) {
  return palette.color(QPalette::Window).lightness() <
         palette.color(QPalette::WindowText).lightness();
}

const Colors& colors_of(const QPalette& palette) {
  return is_dark(palette) ? dark_colors() : light_colors();
}

QPalette light_palette() {
  return palette_of({.window = QColor(0xf5f6f8),
                     .base = QColor(0xffffff),
                     .alternate = QColor(0xf3f5f7),
                     .button = QColor(0xf0f2f4),
                     .text = QColor(0x1e2329),
                     .quiet = QColor(0x727b86),
                     .highlight = QColor(0x2f68c5),
                     .on_highlight = QColor(0xffffff),
                     .link = QColor(0x1f5fbf),
                     .visited = QColor(0x6b4fa3),
                     .light = QColor(0xffffff),
                     .midlight = QColor(0xe9ecef),
                     .mid = QColor(0xc3c9d0),
                     .dark = QColor(0x9aa2ab),
                     .shadow = QColor(0x5c6570),
                     .tip = QColor(0xffffff)});
}

QPalette dark_palette() {
  return palette_of({.window = QColor(0x1e2125),
                     .base = QColor(0x272b31),
                     .alternate = QColor(0x2b3037),
                     .button = QColor(0x343a42),
                     .text = QColor(0xe3e6ea),
                     .quiet = QColor(0x98a1ac),
                     .highlight = QColor(0x3d74d0),
                     .on_highlight = QColor(0xffffff),
                     .link = QColor(0x7aaef5),
                     .visited = QColor(0xb59af0),
                     .light = QColor(0x3d434b),
                     .midlight = QColor(0x33383f),
                     .mid = QColor(0x454c55),
                     .dark = QColor(0x14161a),
                     .shadow = QColor(0x0c0d0f),
                     .tip = QColor(0x2b2f35)});
}

}  // namespace kvlink::ui
