// SPDX-License-Identifier: Apache-2.0
// Streaming: only the open tail is drawn again, and what is drawn is the answer.
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>
#include <QTextList>

#include "ui/ask/answer_view.h"
#include "ui/ask/conversation_view.h"
#include "ui/ask/markdown_stream.h"

namespace kvlink::ui {
namespace {

QString paragraphs(int n) {
  QString text;
  for (int i = 0; i < n; ++i) {
    text += QStringLiteral("Paragraph %1 says **something** about `caches` and [%2]. ")
                .arg(i)
                .arg(i % 5 + 1)
                .repeated(4) +
            QStringLiteral("\n\n");
  }
  return text;
}

struct Streamed {
  int n_updates = 0;
  int max_blocks = 0;
  qsizetype max_characters = 0;
};

/// Hands the text over in pieces; each piece is one update.
Streamed stream(AnswerView& view, const QString& text, qsizetype piece) {
  for (qsizetype at = 0; at < text.size(); at += piece) {
    const int before = view.work().n_updates;
    view.append_text(text.sliced(at, qMin(piece, text.size() - at)));
    while (view.work().n_updates == before) QTest::qWait(5);
  }
  return {view.work().n_updates, view.work().max_replaced_blocks,
          view.work().max_parsed_characters};
}

}  // namespace

class AskStreamTest : public QObject {
  Q_OBJECT

 private slots:
  void draws_only_the_tail_of_a_long_answer() {
    AnswerView view;
    view.resize(600, 400);
    view.show();
    QString text = paragraphs(120).left(20'000);
    const Streamed streamed = stream(view, text, 400);
    QCOMPARE(streamed.n_updates, 50);
    QVERIFY2(streamed.max_blocks <= 2, qPrintable(QString::number(streamed.max_blocks)));
    QVERIFY(streamed.max_characters <= MarkdownStream::kMaxTail);
    view.finish();
    QCOMPARE(view.text(), text);
    QVERIFY(view.document()->blockCount() > 50);
  }

  void keeps_the_tail_short_in_one_endless_paragraph_and_one_endless_fence() {
    for (const QString& start : {QString(), QStringLiteral("```cpp\n")}) {
      AnswerView view;
      view.resize(600, 400);
      view.show();
      const QString text = start + QStringLiteral("word <T> and more\n").repeated(1'100);
      const Streamed streamed = stream(view, text, 1'000);
      QVERIFY(streamed.max_characters <= MarkdownStream::kMaxTail + 200);
      view.finish();
      QCOMPARE(view.toPlainText().count(QLatin1String("<T>")), 1'100);
    }
  }

  void draws_at_most_thirty_times_a_second() {
    AnswerView view;
    view.show();
    view.append_text(QStringLiteral("first"));
    QCOMPARE(view.work().n_updates, 1);  // at once
    for (int i = 0; i < 500; ++i) view.append_text(QStringLiteral(" word"));
    QCOMPARE(view.work().n_updates, 1);
    QTRY_COMPARE(view.work().n_updates, 2);  // all 500 in one
    QVERIFY(view.toPlainText().endsWith(QLatin1String("word")));
  }

  void shows_the_same_text_streamed_and_whole() {
    const QString text = QStringLiteral(
        "# Title\n\nOne **bold** line.\n\n- a\n- b\n\n- c\n\n1. x\n2. y\n\n```cpp\nint a;\n\nint "
        "b;\n```\n\n| h | i |\n|---|---|\n| 1 | 2 |\n\n> quote\n\nEnd [1], [2, 3].\n");
    AnswerView streamed;
    streamed.show();
    stream(streamed, text, 7);
    const QString before = streamed.toPlainText();
    AnswerView whole;
    whole.set_answer(text);
    const auto words = [](QString shown) { return shown.simplified(); };
    QCOMPARE(words(before), words(whole.toPlainText()));
    streamed.finish();
    QCOMPARE(streamed.toPlainText(), whole.toPlainText());
    QCOMPARE(streamed.toMarkdown(), whole.toMarkdown());
  }

  void streams_formats_and_not_only_text() {
    AnswerView view;
    view.show();
    stream(view, QStringLiteral("# Title\n\nA **bold** word.\n\n- one\n- two\n\nrest"), 9);
    const QTextBlock title = view.document()->begin();
    QCOMPARE(title.text(), QStringLiteral("Title"));
    QCOMPARE(title.blockFormat().headingLevel(), 1);
    QVERIFY(view.document()->findBlockByNumber(2).textList() != nullptr);
    QVERIFY(view.document()->lastBlock().textList() == nullptr);
    QCOMPARE(view.document()->lastBlock().blockFormat().headingLevel(), 0);
  }

  void cuts_blocks_at_blank_lines_and_fence_ends() {
    MarkdownStream stream;
    QCOMPARE(stream.append(QStringLiteral("one\n")), QStringList());
    QCOMPARE(stream.append(QStringLiteral("\ntwo")), QStringList{QStringLiteral("one\n\n")});
    QCOMPARE(stream.tail(), QStringLiteral("two"));
    const QStringList closed = stream.append(QStringLiteral("\n```\na\n\nb\n"));
    QCOMPARE(closed, QStringList{QStringLiteral("two\n")});
    QCOMPARE(stream.tail(), QStringLiteral("```\na\n\nb\n```"));
    QCOMPARE(stream.append(QStringLiteral("```\n")),
             QStringList{QStringLiteral("```\na\n\nb\n```\n")});
  }

  void ends_with_an_opener_longer_than_any_tail() {
    MarkdownStream stream;
    const QString text = QStringLiteral("```") + QString(9'000, QLatin1Char('x')) +
                         QStringLiteral("\n") + QString(9'000, QLatin1Char('y'));
    const QStringList closed = stream.append(text);
    QString all = closed.join(QString()) + stream.tail();
    QCOMPARE(all.count(QLatin1Char('x')), 9'000);
    QCOMPARE(all.count(QLatin1Char('y')), 9'000);
    QVERIFY(stream.tail().size() <= MarkdownStream::kMaxTail + 200);
  }

  void keeps_a_selection_at_the_end_of_the_answer() {
    AnswerView view;
    view.show();
    view.append_text(QStringLiteral("select me"));
    view.selectAll();
    view.finish();
    QVERIFY(view.textCursor().hasSelection());
  }

  void follows_the_text_only_while_its_end_is_on_screen() {
    ConversationView view;
    view.resize(500, 300);
    view.show();
    desk::AskRequest request;
    request.id = 1;
    request.question = QStringLiteral("q");
    TurnWidget* turn = view.add_turn(request);
    auto* bar = view.verticalScrollBar();
    turn->append_text({1, paragraphs(20), true, 12});
    QTRY_VERIFY(bar->maximum() > 300);
    QTRY_COMPARE(bar->value(), bar->maximum());
    auto* button = view.findChild<QToolButton*>(QStringLiteral("jump-to-end"));
    QVERIFY(!button->isVisible());
    bar->setValue(10);
    QVERIFY(button->isVisible());
    turn->append_text({1, paragraphs(20), false, 0});
    const int before = bar->maximum();
    QTRY_VERIFY(bar->maximum() > before);
    QCOMPARE(bar->value(), 10);
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(bar->value(), bar->maximum());
    QVERIFY(!button->isVisible());
  }
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::AskStreamTest)
#include "ask_stream_test.moc"
