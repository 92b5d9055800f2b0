// SPDX-License-Identifier: Apache-2.0
// The cache inspector shows every block as it is, and does nothing that cannot be undone at once.
#include <QAbstractItemModelTester>
#include <QDateTime>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTableView>
#include <QTest>
#include <QToolButton>
#include <cstring>

#include "ui/ask/inline_message.h"
#include "ui/inspect/budget_row.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/strip_map.h"
#include "ui/inspect/timing_tables.h"
#include "ui/theme/colors.h"

Q_DECLARE_METATYPE(std::vector<kvlink::Digest>)

namespace kvlink::ui {
namespace {

Digest digest_of(std::int64_t number) { return sha256(std::to_string(number)); }

desk::BlockItem block_of(desk::DocumentId document, std::int64_t ordinal, bool in_memory) {
  desk::BlockItem item;
  const auto number = document * 1000 + ordinal;
  item.row.id = digest_of(number);
  item.row.content = digest_of(-number - 1);
  item.row.n_tokens = 100 + ordinal;
  item.row.file_bytes = 23040 * item.row.n_tokens;
  item.row.dtype = DType::kF16;
  item.row.in_memory = in_memory;
  item.row.load_ms = in_memory ? 1.5 : 0;
  item.document = document;
  item.ordinal = ordinal;
  return item;
}

/// Document 1: blocks 0, 1, 2 of 5 passages; document 2: one stale block; and one of no document.
std::shared_ptr<desk::CacheSnapshot> small_snapshot() {
  auto snapshot = std::make_shared<desk::CacheSnapshot>();
  snapshot->documents = {{1, "/docs/lease.md", "Lease", 5}, {2, "/docs/annex.md", "Annex", 1}};
  auto orphan = block_of(3, 0, false);
  orphan.document = 0;
  auto stale = block_of(2, 0, false);
  stale.stale = true;
  snapshot->blocks = {orphan, block_of(1, 0, true), block_of(1, 1, false), block_of(1, 2, false),
                      stale};
  return snapshot;
}

std::shared_ptr<desk::CacheSnapshot> large_snapshot(int n_documents, int n_blocks_each) {
  auto snapshot = std::make_shared<desk::CacheSnapshot>();
  for (int d = 1; d <= n_documents; ++d) {
    snapshot->documents.push_back({d, QStringLiteral("/docs/%1.md").arg(d),
                                   QStringLiteral("Document %1").arg(n_documents - d),
                                   n_blocks_each});
    for (int b = 0; b < n_blocks_each; ++b) {
      desk::BlockItem item;
      const auto number = static_cast<std::uint64_t>(d) * 100000 + static_cast<std::uint64_t>(b);
      std::memcpy(item.row.id.bytes.data(), &number, sizeof(number));
      item.row.content = item.row.id;
      item.row.n_tokens = (d * 7919 + b * 104729) % 256;
      item.row.file_bytes = item.row.n_tokens * 23040;
      item.document = d;
      item.ordinal = b;
      item.stale = d % 10 == 0;
      snapshot->blocks.push_back(item);
    }
  }
  return snapshot;
}

desk::BlockEvent event_of(const desk::BlockItem& item, desk::BlockEvent::Outcome outcome,
                          const QString& reason = {}) {
  desk::BlockEvent event;
  event.document = item.document;
  event.ordinal = item.ordinal;
  event.content = item.row.content;
  event.outcome = outcome;
  event.reason = reason;
  return event;
}

QString cell_text(const BlockTable& table, int row, int column) {
  return table.index(row, column).data().toString();
}

/// Edges are smoothed: the colour of a thin line is nearly what it was painted in.
bool is_near(const QColor& a, const QColor& b) {
  return std::abs(a.red() - b.red()) + std::abs(a.green() - b.green()) +
             std::abs(a.blue() - b.blue()) <
         120;
}

QToolButton* button_named(const QWidget& widget, const QString& text) {
  for (auto* button : widget.findChildren<QToolButton*>()) {
    if (button->text() == text) return button;
  }
  return nullptr;
}

}  // namespace

class InspectCacheTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    QApplication::setPalette(light_palette());
  }

  void table_is_a_proper_model_and_filters() {
    BlockTable table;
    const QAbstractItemModelTester tester(&table,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    table.set_snapshot(small_snapshot());
    QCOMPARE(table.rowCount(), 5);
    table.set_query({.stale_only = true, .document = 0, .words = {}});
    QCOMPARE(table.rowCount(), 1);
    QCOMPARE(cell_text(table, 0, BlockTable::kDocument), QStringLiteral("Annex"));
    table.set_query({.stale_only = false, .document = 1, .words = {}});
    QCOMPARE(table.rowCount(), 3);
    table.set_query({.stale_only = false, .document = 0, .words = QStringLiteral("LEASE")});
    QCOMPARE(table.rowCount(), 3);
    const auto number = QString::fromStdString(digest_of(2000).hex()).left(8);
    table.set_query({.stale_only = false, .document = 0, .words = number});
    QCOMPARE(table.rowCount(), 1);
    table.set_query({});
    QCOMPARE(table.rowCount(), 5);
  }

  void table_sorts_and_keeps_what_is_selected() {
    BlockTable table;
    table.set_snapshot(small_snapshot());
    const QPersistentModelIndex kept = table.index(table.row_of(digest_of(1001)), 0);
    table.sort(BlockTable::kTokens, Qt::DescendingOrder);
    QCOMPARE(cell_text(table, 0, BlockTable::kTokens), QStringLiteral("102"));
    QCOMPARE(table.item(kept.row()).row.id, digest_of(1001));
    table.sort(BlockTable::kDocument, Qt::AscendingOrder);
    QCOMPARE(cell_text(table, 0, BlockTable::kDocument), QStringLiteral("(no document)"));
    QCOMPARE(cell_text(table, 1, BlockTable::kDocument), QStringLiteral("Annex"));
    QCOMPARE(cell_text(table, 2, BlockTable::kDocument), QStringLiteral("Lease"));
  }

  void same_blocks_again_reset_nothing() {
    BlockTable table;
    table.set_snapshot(small_snapshot());
    QSignalSpy resets(&table, &QAbstractItemModel::modelReset);
    auto warmer = small_snapshot();
    warmer->blocks[2].row.in_memory = true;
    table.set_snapshot(warmer);
    QCOMPARE(resets.count(), 0);
    QCOMPARE(cell_text(table, table.row_of(digest_of(1001)), BlockTable::kTier),
             QStringLiteral("memory"));
    warmer = small_snapshot();
    warmer->blocks.pop_back();
    table.set_snapshot(warmer);
    QCOMPARE(resets.count(), 1);
  }

  void two_hundred_thousand_rows_filter_and_sort_without_copying_them() {
    BlockTable table;
    const auto snapshot = large_snapshot(2000, 100);
    table.set_snapshot(snapshot);
    QVERIFY(table.is_arranging());  // beside this thread
    QTRY_COMPARE(table.rowCount(), 200000);
    table.sort(BlockTable::kTokens, Qt::AscendingOrder);
    QTRY_VERIFY(!table.is_arranging());
    for (int row = 1; row < 2000; ++row) {
      QVERIFY(table.item(row - 1).row.n_tokens <= table.item(row).row.n_tokens);
    }
    table.set_query({.stale_only = true, .document = 0, .words = {}});
    QTRY_COMPARE(table.rowCount(), 20000);
    table.set_query({.stale_only = false, .document = 0, .words = QStringLiteral("/1234.")});
    QTRY_COMPARE(table.rowCount(), 100);
    QCOMPARE(table.snapshot().get(), snapshot.get());
  }

  void listeners_of_a_reset_see_the_rows_as_they_were() {
    BlockTable table;
    const auto many = large_snapshot(10, 5);
    table.set_snapshot(many);
    QTRY_COMPARE(table.rowCount(), 50);
    const Digest shown_last = table.item(table.rowCount() - 1).row.id;
    std::optional<Digest> last;
    connect(&table, &QAbstractItemModel::modelAboutToBeReset, this,
            [&] { last = table.item(table.rowCount() - 1).row.id; });
    table.set_snapshot(large_snapshot(1, 5));
    QCOMPARE(table.rowCount(), 5);
    QVERIFY(last == shown_last);
  }

  void every_column_says_something_of_a_block() {
    BlockTable table;
    auto snapshot = small_snapshot();
    auto& row = snapshot->blocks[1].row;
    row.created_unix = 1'760'000'000;
    row.last_use = 7;
    row.used_unix = 1'760'000'000;
    row.n_hits = 3;
    row.encode_ms = 800;
    table.set_snapshot(snapshot);
    LastAnswer answer;
    answer.add({event_of(snapshot->blocks[1], desk::BlockEvent::Outcome::kFromMemory)});
    table.set_last_answer(&answer);
    const int at = table.row_of(digest_of(1000));
    for (int column = 0; column < BlockTable::kColumnCount; ++column) {
      QVERIFY2(!cell_text(table, at, column).isEmpty(),
               qPrintable(table.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString()));
    }
    QCOMPARE(cell_text(table, at, BlockTable::kBytes), QStringLiteral("2.3 MB"));
    QCOMPARE(cell_text(table, at, BlockTable::kBytesPerToken), QStringLiteral("23.0 kB"));
    QCOMPARE(cell_text(table, at, BlockTable::kIntegrity), QStringLiteral("verified"));
    QCOMPARE(cell_text(table, table.row_of(digest_of(1001)), BlockTable::kIntegrity),
             QStringLiteral("not read yet"));
    table.mark_verified({digest_of(1001)});
    QCOMPARE(cell_text(table, table.row_of(digest_of(1001)), BlockTable::kIntegrity),
             QStringLiteral("verified"));
  }

  void last_use_is_a_time_and_the_order_is_that_of_uses() {
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    BlockTable table;
    auto snapshot = small_snapshot();
    const auto now = QDateTime::currentSecsSinceEpoch();
    // Used in this order, while the clock was set back twice.
    const std::int64_t times[] = {0, now - 200, now - 90'000, now - 7'300, now + 5'000'000};
    for (std::size_t i = 0; i < 5; ++i) {
      snapshot->blocks[i].row.last_use = static_cast<std::int64_t>(i) + 1;
      snapshot->blocks[i].row.used_unix = times[i];
    }
    table.set_snapshot(snapshot);
    table.sort(BlockTable::kLastUse, Qt::AscendingOrder);
    const auto said = [&](int row) { return cell_text(table, row, BlockTable::kLastUse); };
    const auto tip = [&](int row) {
      return table.index(row, BlockTable::kLastUse).data(Qt::ToolTipRole).toString();
    };
    QCOMPARE(said(0), QStringLiteral("not known"));
    QVERIFY(tip(0).contains("Not used since"));
    QCOMPARE(said(1), QStringLiteral("3 minute(s) ago"));
    QCOMPARE(tip(1),
             QLocale().toString(QDateTime::fromSecsSinceEpoch(now - 200), QLocale::LongFormat));
    QCOMPARE(said(2), QStringLiteral("1 day(s) ago"));
    QCOMPARE(said(3), QStringLiteral("2 hour(s) ago"));
    // Later than now: the time itself.
    QCOMPARE(said(4), moment_text(now + 5'000'000));
    table.sort(BlockTable::kLastUse, Qt::DescendingOrder);
    QCOMPARE(said(4), QStringLiteral("not known"));
    QCOMPARE(said(0), moment_text(now + 5'000'000));
    QCOMPARE(ago_text(now - 59, now), QStringLiteral("just now"));
    QCOMPARE(ago_text(now, now), QStringLiteral("just now"));
    QCOMPARE(ago_text(now - 40 * 86'400, now), moment_text(now - 40 * 86'400));
    QVERIFY(ago_text(0, now).isEmpty() && ago_text(-5, now).isEmpty());
  }

  void strip_has_a_cell_per_passage_with_its_state() {
    const auto snapshot = small_snapshot();
    LastAnswer answer;
    using Outcome = desk::BlockEvent::Outcome;
    answer.add({event_of(snapshot->blocks[1], Outcome::kFromMemory),
                event_of(snapshot->blocks[2], Outcome::kMissed, QStringLiteral("the file is gone")),
                event_of(snapshot->blocks[2], Outcome::kEncoded)});
    const auto cells = cells_of(*snapshot, 1, answer);
    QCOMPARE(cells.size(), std::size_t{5});
    QCOMPARE(cells[0].place, StripCell::Place::kMemory);
    QCOMPARE(cells[0].last.use, BlockUse::kFromMemory);
    QCOMPARE(cells[1].place, StripCell::Place::kDisk);
    QCOMPARE(cells[1].last.use, BlockUse::kRecomputed);
    QCOMPARE(cells[1].last.reason, QStringLiteral("the file is gone"));
    QCOMPARE(cells[2].last.use, BlockUse::kNotUsed);
    QCOMPARE(cells[3].place, StripCell::Place::kNone);
    QVERIFY(cells_of(*snapshot, 2, answer)[0].stale);
    QVERIFY(cells_of(*snapshot, 99, answer).empty());
  }

  void strip_paints_tiers_and_rings() {
    const auto snapshot = small_snapshot();
    LastAnswer answer;
    answer.add({event_of(snapshot->blocks[2], desk::BlockEvent::Outcome::kMissed)});
    StripMap strip;
    strip.resize(300, 60);
    strip.set_cells(cells_of(*snapshot, 1, answer));
    const auto image = strip.grab().toImage();
    const auto& colors = colors_of(strip.palette());
    QCOMPARE(image.pixelColor(strip.cell_rect(0).center()), colors.memory);
    QCOMPARE(image.pixelColor(strip.cell_rect(1).center()), colors.disk);
    QCOMPARE(image.pixelColor(strip.cell_rect(4).center()),
             strip.palette().color(QPalette::Window));
    const auto ring = strip.cell_rect(1);
    QVERIFY(is_near(image.pixelColor(ring.left() + 1, ring.center().y()), colors.missed));
    const auto plain = strip.cell_rect(2);
    QCOMPARE(image.pixelColor(plain.left() + 1, plain.center().y()),
             strip.palette().color(QPalette::Window));
  }

  void blocks_light_up_while_an_answer_loads_them() {
    CacheView view;
    const auto snapshot = small_snapshot();
    view.set_snapshot(snapshot);
    view.answer_started();
    view.blocks_looked_up({event_of(snapshot->blocks[1], desk::BlockEvent::Outcome::kFromDisk)});
    QCOMPARE(view.strip().cells().at(0).last.use, BlockUse::kFromDisk);
    const int row = view.table().row_of(digest_of(1000));
    QCOMPARE(cell_text(view.table(), row, BlockTable::kLastAnswer),
             QStringLiteral("used, from disk"));
    view.answer_started();
    QCOMPARE(view.strip().cells().at(0).last.use, BlockUse::kNotUsed);
  }

  void a_passage_that_was_missed_is_marked_although_it_has_no_block() {
    CacheView view;
    view.set_snapshot(small_snapshot());
    view.answer_started();
    desk::BlockEvent missed;
    missed.document = 1;
    missed.ordinal = 4;
    missed.content = digest_of(77);
    missed.outcome = desk::BlockEvent::Outcome::kMissed;
    missed.reason = QStringLiteral("it was evicted");
    view.blocks_looked_up({missed});
    // The strip shows the document of the first block that is looked for.
    const auto& cells = view.strip().cells();
    QCOMPARE(cells.size(), std::size_t{5});
    QVERIFY(cells[4].place == StripCell::Place::kNone);
    QCOMPARE(cells[4].last.use, BlockUse::kMissed);
    QVERIFY2(view.strip().details(4).contains("it was evicted"),
             qPrintable(view.strip().details(4)));
    QCOMPARE(cells[3].last.use, BlockUse::kNotUsed);
    missed.outcome = desk::BlockEvent::Outcome::kEncoded;
    missed.reason.clear();
    view.blocks_looked_up({missed});
    QCOMPARE(view.strip().cells()[4].last.use, BlockUse::kRecomputed);
    QVERIFY(view.strip().details(4).contains("it was evicted"));
    view.answer_started();
    QCOMPARE(view.strip().cells()[4].last.use, BlockUse::kNotUsed);
  }

  void a_block_is_evicted_by_keyboard_alone() {
    CacheView view;
    view.resize(460, 800);
    view.set_undo_ms(50);
    view.set_snapshot(small_snapshot());
    view.show();
    QVERIFY(QTest::qWaitForWindowExposed(&view));
    QSignalSpy evictions(&view, &CacheView::evict_wanted);
    auto* table = view.findChild<QTableView*>();
    table->setFocus(Qt::TabFocusReason);
    QTest::keyClick(table, Qt::Key_A, Qt::ControlModifier);
    auto* evict = button_named(view, "Evict");
    for (int i = 0; i < 20 && !evict->hasFocus(); ++i) {
      QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
    }
    QVERIFY(evict->hasFocus());
    QTest::keyClick(evict, Qt::Key_Space);
    QTRY_COMPARE(evictions.count(), 1);
    QCOMPARE(evictions[0][0].value<std::vector<Digest>>().size(), std::size_t{5});
  }

  void pinned_blocks_are_not_said_to_go() {
    CacheView view;
    view.set_undo_ms(50);
    auto snapshot = small_snapshot();
    snapshot->blocks[1].row.pinned = true;
    view.set_snapshot(snapshot);
    QSignalSpy evictions(&view, &CacheView::evict_wanted);
    auto* table = view.findChild<QTableView*>();
    table->selectRow(view.table().row_of(snapshot->blocks[1].row.id));
    button_named(view, "Evict")->click();
    QTest::qWait(100);
    QCOMPARE(evictions.count(), 0);
    QVERIFY(view.findChild<InlineMessage*>()->text().contains("Pinned"));
    table->selectAll();
    button_named(view, "Evict")->click();
    QTRY_COMPARE(evictions.count(), 1);
    QCOMPARE(evictions[0][0].value<std::vector<Digest>>().size(), std::size_t{4});
  }

  void eviction_waits_and_can_be_undone() {
    CacheView view;
    view.set_undo_ms(100);
    view.set_snapshot(small_snapshot());
    QSignalSpy evictions(&view, &CacheView::evict_wanted);
    view.show_document(2);
    QCOMPARE(view.selected_blocks(), std::vector{digest_of(2000)});
    button_named(view, "Evict")->click();
    QCOMPARE(evictions.count(), 0);
    auto* undo = view.findChild<QPushButton*>("undo_eviction");
    QVERIFY(undo != nullptr);
    undo->click();
    QTest::qWait(200);
    QCOMPARE(evictions.count(), 0);
    button_named(view, "Evict 1 stale")->click();
    QTRY_COMPARE(evictions.count(), 1);
    QCOMPARE(evictions[0][0].value<std::vector<Digest>>(), std::vector{digest_of(2000)});
  }

  void what_was_found_while_an_eviction_waits_is_told_after_it() {
    CacheView view;
    view.set_undo_ms(60'000);
    view.set_snapshot(small_snapshot());
    view.show_document(2);
    button_named(view, "Evict")->click();
    view.show_report(QStringLiteral("3 are damaged."), true);
    auto* message = view.findChild<InlineMessage*>();
    QVERIFY(!message->text().contains("damaged"));
    view.findChild<QPushButton*>("undo_eviction")->click();
    QVERIFY(message->text().contains("damaged") && message->text().contains("removed"));
  }

  void buttons_follow_the_selection() {
    CacheView view;
    QVERIFY(!button_named(view, "Verify all")->isEnabled());
    auto snapshot = small_snapshot();
    snapshot->blocks[1].row.pinned = true;
    view.set_snapshot(snapshot);
    QVERIFY(button_named(view, "Verify all")->isEnabled());
    QVERIFY(!button_named(view, "Evict")->isEnabled());
    QSignalSpy pins(&view, &CacheView::pin_wanted);
    view.show_document(1);
    QVERIFY(button_named(view, "Evict")->isEnabled());
    button_named(view, "Unpin")->click();
    QCOMPARE(pins.count(), 1);
    QCOMPARE(pins[0][1].toBool(), false);
  }

  void snapshot_keeps_the_selection() {
    CacheView view;
    view.set_snapshot(small_snapshot());
    view.show_document(2);
    auto fewer = small_snapshot();
    fewer->blocks.erase(fewer->blocks.begin());
    view.set_snapshot(fewer);
    QCOMPARE(view.selected_blocks(), std::vector{digest_of(2000)});
  }

  void rebuild_names_the_documents_to_encode() {
    CacheView view;
    view.set_snapshot(small_snapshot());
    QSignalSpy rebuilds(&view, &CacheView::rebuild_wanted);
    view.show_document(1);
    button_named(view, "Rebuild")->click();
    QCOMPARE(rebuilds.count(), 1);
    QCOMPARE(rebuilds[0][1].value<std::vector<desk::DocumentId>>(),
             std::vector<desk::DocumentId>{1});
  }

  void totals_tell_the_hit_rate() {
    CacheView view;
    desk::CacheTotals totals;
    totals.totals.n_blocks = 5;
    totals.totals.n_hits = 3;
    totals.totals.n_misses = 1;
    view.set_totals(totals);
    bool found = false;
    for (const auto* label : view.findChildren<QLabel*>()) {
      found = found || label->text().contains("75.0 % of 4 look-ups were served");
    }
    QVERIFY(found);
  }

  void budget_slider_offers_and_does_not_set() {
    BudgetRow row(QStringLiteral("Disk"), {});
    row.set_totals(1'000'000, std::int64_t{8} << 30);
    QCOMPARE(row.budget_of(row.position_of(std::int64_t{8} << 30)), std::int64_t{8} << 30);
    QSignalSpy chosen(&row, &BudgetRow::chosen);
    auto* slider = row.findChild<QSlider*>();
    row.set_totals(2'000'000, std::int64_t{7} << 30);
    QTest::qWait(600);
    QCOMPARE(chosen.count(), 0);
    slider->setValue(row.position_of(std::int64_t{16} << 30));
    QTRY_COMPARE(chosen.count(), 1);
    QCOMPARE(chosen[0][0].value<std::int64_t>(), std::int64_t{16} << 30);
  }
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::InspectCacheTest)
#include "inspect_cache_test.moc"
