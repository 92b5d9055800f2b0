// SPDX-License-Identifier: Apache-2.0
// Pages of a PDF in the Source panel, with the passage painted.
#include <QPushButton>
#include <QSemaphore>
#include <QTest>

#include "tests/retrieval/made_documents.h"
#include "tests/ui/desk_fixture.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/page_view.h"
#include "ui/ask/source_panel.h"
#include "ui/ask/source_view.h"

namespace kvlink::ui::tests {

class PagePictureTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    fixture_ = std::make_unique<DeskFixture>();
    fixture_->make([](app::Settings& settings) { settings.ocr = app::Ocr::kOff; });
    QVERIFY(fixture_->open());
    const QString path = fixture_->write(
        "herons.pdf", retrieval::tests::pdf_of_lines({"", "Nine herons stood in the reeds"}));
    QVERIFY(fixture_->add({path}));
    Inbox texts(&fixture_->desk().library(), &desk::LibraryWorker::document_text);
    fixture_->desk().library().read_document(desk::next_request_id(), kDocument);
    QVERIFY(texts.wait());
    const desk::DocumentText text = texts.last();
    QCOMPARE(text.passages.size(), std::size_t{1});
    QVERIFY(text.passages[0].has_page);
    passage_.number = 1;
    passage_.document = kDocument;
    passage_.chunk = text.passages[0].chunk;
    panel_ = std::make_unique<SourcePanel>(fixture_->desk());
    panel_->resize(500, 400);
    panel_->show();
  }

  void cleanup() {
    panel_.reset();
    fixture_.reset();
  }

  void paints_the_passage_on_its_page_and_shows_its_text_when_asked() {
    panel_->show_passage(passage_, {passage_});
    auto* page = panel_->findChild<PageView*>();
    auto* text = panel_->findChild<SourceView*>();
    QTRY_COMPARE_WITH_TIMEOUT(page->page(), 2, kPatienceMs);
    QVERIFY(page->isVisible() && !text->isVisible());
    QVERIFY(!page->painted().isEmpty());
    const QRectF box = page->painted().first();
    // The line stands in the middle of the page, from near its left border on.
    QVERIFY2(box.top() > 0.3 && box.bottom() < 0.6, qPrintable(QString::number(box.top())));
    QVERIFY(box.left() > 0.03 && box.left() < 0.1);
    const QImage seen = page->widget()->grab().toImage();
    const QRgb inside = seen.pixel(int((box.left() + 0.01) * seen.width()),
                                   int((box.top() + box.height() * 0.02) * seen.height()));
    const QRgb outside = seen.pixel(seen.width() / 2, seen.height() / 10);
    QCOMPARE(outside, qRgb(255, 255, 255));
    QVERIFY2(inside != outside, "the passage is not painted");
    auto* toggle = button(QStringLiteral("Page"));
    QVERIFY(toggle->isVisible());
    toggle->click();
    QVERIFY(text->isVisible() && !page->isVisible());
    QVERIFY(text->marked_text().contains(QLatin1String("herons")));
    toggle->click();
    QTRY_VERIFY_WITH_TIMEOUT(page->isVisible(), kPatienceMs);
  }

  void stays_with_the_text_when_the_file_is_another() {
    fixture_->write("herons.pdf", retrieval::tests::pdf_of_lines({"Another line altogether"}));
    Inbox refused(&fixture_->desk().library(), &desk::LibraryWorker::page_not_drawn);
    panel_->show_passage(passage_, {passage_});
    QVERIFY(refused.wait());
    QVERIFY(panel_->findChild<SourceView*>()->isVisible());
    QCOMPARE(panel_->findChild<PageView*>()->page(), 0);
    auto* notice = panel_->findChild<InlineMessage*>();
    const QString why = QStringLiteral("The page cannot be drawn: its file is another one now.");
    QTRY_VERIFY2_WITH_TIMEOUT(notice->text().contains(why), qPrintable(notice->text()),
                              kPatienceMs);
    QVERIFY(notice->isVisible());
    // Whoever asks for the text is not told of the page.
    button(QStringLiteral("Page"))->click();
    QVERIFY2(!notice->text().contains(why), qPrintable(notice->text()));
  }

  void stops_the_drawing_that_another_replaces_or_nobody_waits_for() {
    auto& library = fixture_->desk().library();
    Inbox drawn(&library, &desk::LibraryWorker::page_drawn);
    Inbox refused(&library, &desk::LibraryWorker::page_not_drawn);
    QSemaphore turn;  // its thread waits until everything has been asked for
    const auto hold = [&] {
      QMetaObject::invokeMethod(
          &library, [&turn] { turn.tryAcquire(1, kPatienceMs); }, Qt::QueuedConnection);
    };
    const auto first = desk::next_request_id();
    const auto second = desk::next_request_id();
    hold();
    library.draw_page(first, passage_.chunk, 300);
    library.draw_page(second, passage_.chunk, 300);
    turn.release();
    QVERIFY(drawn.wait());
    QCOMPARE(drawn.count(), 1);
    QCOMPARE(drawn.last().id, second);
    QCOMPARE(refused.count(), 1);
    QCOMPARE(refused.last(), first);
    hold();
    library.draw_page(first, passage_.chunk, 300);
    library.stop_drawing();
    turn.release();
    QVERIFY(refused.wait());
    QTRY_COMPARE_WITH_TIMEOUT(refused.count(), 2, kPatienceMs);
    QCOMPARE(drawn.count(), 1);
  }

  void has_no_page_for_a_text() {
    QVERIFY(fixture_->add({fixture_->write("boat.md", app::tests::story("boat", 2))}));
    panel_->show_document(kDocument + 1);
    QTRY_VERIFY_WITH_TIMEOUT(panel_->findChild<SourceView*>()->isVisible(), kPatienceMs);
    QVERIFY(!button(QStringLiteral("Page"))->isVisible());
  }

 private:
  static constexpr desk::DocumentId kDocument = 1;

  QPushButton* button(const QString& text) const {
    for (auto* one : panel_->findChildren<QPushButton*>()) {
      if (one->text() == text) return one;
    }
    return nullptr;
  }

  std::unique_ptr<DeskFixture> fixture_;
  std::unique_ptr<SourcePanel> panel_;
  desk::PassageView passage_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::PagePictureTest)
#include "page_picture_test.moc"
