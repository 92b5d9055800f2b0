// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/source_panel.h"

#include <QDesktopServices>
#include <QHBoxLayout>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "app/desk/desk.h"
#include "ui/ask/answer_words.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/page_view.h"
#include "ui/ask/source_view.h"
#include "ui/ask/visible_text.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr qsizetype kMaxSelection = 4'000;
constexpr qsizetype kMaxTitle = 120;

QPushButton* tool(const QString& icon_name, const QString& text, QWidget* parent) {
  auto* button = new QPushButton(icon(icon_name), text, parent);
  button->setFlat(true);
  button->setAutoDefault(false);
  return button;
}

}  // namespace

SourcePanel::SourcePanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent),
      desk_(desk),
      pages_(new QStackedWidget(this)),
      hint_(new QLabel(this)),
      title_(new QLabel(this)),
      place_(new QLabel(this)),
      notice_(new InlineMessage(this)),
      faces_(new QStackedWidget(this)),
      view_(new SourceView(this)),
      page_(new PageView(this)),
      as_page_(tool(QStringLiteral("source"), tr("Page"), this)),
      previous_(tool(QStringLiteral("previous"), tr("Previous"), this)),
      next_(tool(QStringLiteral("next"), tr("Next"), this)),
      ask_(tool(QStringLiteral("send"), tr("Ask about the selection"), this)),
      open_(tool(QStringLiteral("external"), tr("Open"), this)) {
  build();
  auto& library = desk_.library();
  connect(&library, &desk::LibraryWorker::document_text, this, &SourcePanel::take_text);
  connect(&library, &desk::LibraryWorker::page_drawn, this, &SourcePanel::take_page);
  connect(&library, &desk::LibraryWorker::page_not_drawn, this, &SourcePanel::take_refusal);
  connect(as_page_, &QPushButton::toggled, this, &SourcePanel::show_place);
  connect(&library, &desk::LibraryWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem& what) {
            if (id != waiting_ || id == 0) return;
            waiting_ = 0;
            emit problem(what.message);
          });
  connect(previous_, &QPushButton::clicked, this, [this] { step(-1); });
  connect(next_, &QPushButton::clicked, this, [this] { step(1); });
  connect(ask_, &QPushButton::clicked, this, &SourcePanel::ask_about_selection);
  connect(open_, &QPushButton::clicked, this, &SourcePanel::open_externally);
  connect(view_, &QPlainTextEdit::selectionChanged, this, &SourcePanel::enable_buttons);
  enable_buttons();
}

SourcePanel::~SourcePanel() = default;

void SourcePanel::build() {
  hint_->setTextFormat(Qt::PlainText);
  hint_->setText(tr("Choose a source of an answer to read it here, at its place."));
  hint_->setWordWrap(true);
  hint_->setAlignment(Qt::AlignCenter);
  hint_->setMargin(24);
  hint_->setForegroundRole(QPalette::PlaceholderText);
  title_->setTextFormat(Qt::PlainText);
  title_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  QFont bold = title_->font();
  bold.setBold(true);
  title_->setFont(bold);
  place_->setTextFormat(Qt::PlainText);
  place_->setWordWrap(true);
  place_->setForegroundRole(QPalette::PlaceholderText);
  place_->setObjectName(QStringLiteral("source-place"));
  previous_->setAccessibleName(tr("Previous passage"));
  next_->setAccessibleName(tr("Next passage"));
  open_->setAccessibleName(tr("Open in another program"));
  open_->setToolTip(tr("Opens the file with the program your desktop has for it"));
  as_page_->setCheckable(true);
  as_page_->setChecked(true);
  as_page_->setAccessibleName(tr("Show the page as it is printed"));
  as_page_->setToolTip(tr("The page as it is printed, or its text"));
  as_page_->hide();
  ask_->setToolTip(tr("Puts the selected text into the question"));
  auto* page = new QWidget(this);
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(8, 8, 8, 8);
  column->setSpacing(6);
  auto* top = new QHBoxLayout;
  top->addWidget(title_, 1);
  top->addWidget(as_page_);
  top->addWidget(open_);
  column->addLayout(top);
  column->addWidget(place_);
  column->addWidget(notice_);
  faces_->addWidget(view_);
  faces_->addWidget(page_);
  column->addWidget(faces_, 1);
  auto* bottom = new QHBoxLayout;
  bottom->addWidget(previous_);
  bottom->addWidget(next_);
  bottom->addStretch(1);
  bottom->addWidget(ask_);
  column->addLayout(bottom);
  pages_->addWidget(hint_);
  pages_->addWidget(page);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(pages_);
}

void SourcePanel::show_passage(const desk::PassageView& passage,
                               const std::vector<desk::PassageView>& passages) {
  passages_ = passages;
  const auto found = std::find_if(passages_.begin(), passages_.end(), [&](const auto& one) {
    return one.chunk == passage.chunk && one.number == passage.number;
  });
  if (found == passages_.end()) {
    passages_ = {passage};
    shown_ = 0;
  } else {
    shown_ = static_cast<std::size_t>(found - passages_.begin());
  }
  request(passage.document);
}

void SourcePanel::show_document(desk::DocumentId document) {
  passages_.clear();
  shown_.reset();
  request(document);
}

void SourcePanel::request(desk::DocumentId document) {
  enable_buttons();
  // Asked for each time: the file may have changed since.
  waiting_ = desk::next_request_id();
  desk_.library().read_document(waiting_, document);
}

void SourcePanel::take_text(const desk::DocumentText& text) {
  if (text.id != waiting_ || waiting_ == 0) return;
  waiting_ = 0;
  const bool same = text.document == text_.document && text.text == text_.text;
  text_ = text;
  title_->setText(one_line(text.path.section(QLatin1Char('/'), -1), kMaxTitle));
  title_->setToolTip(plain_tooltip(text.path));
  if (!same) view_->set_document_text(text);
  pages_->setCurrentIndex(1);
  show_place();
}

void SourcePanel::request_page(const desk::DocumentText::Passage* passage) {
  const bool has_page = passage != nullptr && passage->has_page;
  as_page_->setVisible(has_page);
  // The text stands there until the page is drawn, and stays when it cannot be.
  faces_->setCurrentWidget(view_);
  drawing_ = 0;
  if (!has_page || !as_page_->isChecked()) {
    desk_.library().stop_drawing();
    return;
  }
  drawing_ = desk::next_request_id();
  desk_.library().draw_page(drawing_, passage->chunk, page_->wanted_width());
}

void SourcePanel::take_page(const desk::PagePicture& picture) {
  if (picture.id != drawing_ || drawing_ == 0) return;
  drawing_ = 0;
  page_->show_page(picture);
  if (page_->page() != 0) faces_->setCurrentWidget(page_);
}

void SourcePanel::take_refusal(desk::RequestId id, const desk::Problem& why) {
  if (id != drawing_ || id == 0) return;
  drawing_ = 0;
  const QString before = text_.notice.isEmpty() ? QString() : text_.notice + QLatin1Char('\n');
  notice_->tell(before + why.message, Tone::kWarning);
}

void SourcePanel::show_place() {
  enable_buttons();
  notice_->tell(text_.notice, Tone::kWarning);
  request_page(nullptr);
  if (!shown_) {
    place_->setText(tr("%n passage(s)", "", static_cast<int>(text_.passages.size())));
    view_->show_beginning();
    return;
  }
  const desk::PassageView& passage = passages_[*shown_];
  place_->setText(tr("Source %1 of %2 \u00b7 %3")
                      .arg(*shown_ + 1)
                      .arg(passages_.size())
                      .arg(place_words(passage)));
  const auto found = std::find_if(text_.passages.begin(), text_.passages.end(),
                                  [&](const auto& one) { return one.chunk == passage.chunk; });
  if (found == text_.passages.end()) {
    notice_->tell(tr("This passage is no longer part of the document."), Tone::kWarning);
    view_->show_beginning();
    return;
  }
  view_->show_range(found->begin, found->end);
  request_page(&*found);
}

void SourcePanel::step(int by) {
  if (!shown_) return;
  const auto next = static_cast<std::int64_t>(*shown_) + by;
  if (next < 0 || next >= static_cast<std::int64_t>(passages_.size())) return;
  shown_ = static_cast<std::size_t>(next);
  const desk::DocumentId document = passages_[*shown_].document;
  if (document == text_.document) {
    show_place();
  } else {
    request(document);
  }
}

void SourcePanel::open_externally() {
  // The path is the catalogue's, never one that a document or an answer names.
  if (QDesktopServices::openUrl(QUrl::fromLocalFile(text_.path))) return;
  emit problem(tr("No program could open %1. Choose one for its type in your desktop's settings.")
                   .arg(visible_text(text_.path)));
}

void SourcePanel::ask_about_selection() {
  QString words = view_->textCursor().selectedText();
  words.replace(QChar::ParagraphSeparator, QLatin1Char('\n'));
  if (!words.isEmpty()) emit ask_about(words.left(kMaxSelection), text_.document);
}

void SourcePanel::enable_buttons() {
  previous_->setEnabled(shown_ && *shown_ > 0);
  next_->setEnabled(shown_ && *shown_ + 1 < passages_.size());
  ask_->setEnabled(view_->textCursor().hasSelection());
  open_->setEnabled(text_.document != 0);
}

}  // namespace kvlink::ui
