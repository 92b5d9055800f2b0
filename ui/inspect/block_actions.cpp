// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/block_actions.h"

#include <QToolButton>

#include "ui/inspect/quantities.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kGap = 2;

}  // namespace

BlockActions::BlockActions(QWidget* parent)
    : QWidget(parent),
      pin_(make_button(this, "pin", tr("Pin"), tr("Pinned blocks are never evicted to make room"))),
      evict_(make_button(
          this, "evict", tr("Evict"),
          tr("Removes the blocks; they are computed again when a question needs them"))),
      evict_stale_(make_button(this, "evict", tr("Evict stale"),
                               tr("Removes every block of another model or another prompt"))),
      verify_(make_button(this, "verify", tr("Verify"), tr("Reads the blocks and checks every byte"))),
      rebuild_(make_button(this, "rebuild", tr("Rebuild"),
                           tr("Removes the blocks and computes them again"))),
      reveal_(make_button(this, "reveal", tr("Show file"), tr("Shows the block's file in its folder"))) {
  setLayout(new FlowLayout(kGap));
  for (auto* button : {pin_, evict_, evict_stale_, verify_, rebuild_, reveal_}) {
    layout()->addWidget(button);
  }
  connect(pin_, &QToolButton::clicked, this, &BlockActions::pin_pressed);
  connect(evict_, &QToolButton::clicked, this, &BlockActions::evict_pressed);
  connect(evict_stale_, &QToolButton::clicked, this, &BlockActions::evict_stale_pressed);
  connect(verify_, &QToolButton::clicked, this, &BlockActions::verify_pressed);
  connect(rebuild_, &QToolButton::clicked, this, &BlockActions::rebuild_pressed);
  connect(reveal_, &QToolButton::clicked, this, &BlockActions::reveal_pressed);
}

QToolButton* BlockActions::make_button(QWidget* parent, const char* icon_name, const QString& text,
                                       const QString& tip) {
  auto* button = new QToolButton(parent);
  button->setIcon(icon(QLatin1String(icon_name)));
  button->setText(text);
  button->setToolTip(tip);
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  button->setAutoRaise(true);
  button->setFocusPolicy(Qt::StrongFocus);
  return button;
}

void BlockActions::show_facts(const Facts& facts) {
  for (auto* button : {pin_, evict_, rebuild_, reveal_}) button->setEnabled(facts.any_selected);
  pin_->setText(facts.all_pinned ? tr("Unpin") : tr("Pin"));
  verify_->setText(facts.any_selected ? tr("Verify") : tr("Verify all"));
  verify_->setEnabled(facts.any_block);
  evict_stale_->setEnabled(facts.n_stale > 0);
  evict_stale_->setText(facts.n_stale > 0 ? tr("Evict %1 stale").arg(count_text(facts.n_stale))
                                          : tr("Evict stale"));
}

}  // namespace kvlink::ui
