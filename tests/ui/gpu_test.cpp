// SPDX-License-Identifier: Apache-2.0
// A GPU in the window (the plugin compiled for the host stands for one): the choice of a device,
// the tier in the inspector, the stages of the waterfall, and the banner when it is lost.
#include <dlfcn.h>

#include <QComboBox>
#include <QLabel>
#include <QSignalSpy>
#include <QSlider>
#include <QStandardItemModel>
#include <algorithm>

#include "tests/support/test_paths.h"
#include "tests/ui/window_fixture.h"
#include "ui/inspect/budget_row.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/device_row.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/question_timing.h"
#include "ui/inspect/settings_form.h"
#include "ui/inspect/strip_map.h"

namespace kvlink::ui {
namespace {

using tests::Inbox;
using tests::WindowFixture;

/// Tells the host's plugin something.
void tell_plugin(const std::filesystem::path& plugin, const char* function, int value) {
  void* library = dlopen(plugin.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return;
  auto* found = reinterpret_cast<void (*)(int)>(dlsym(library, function));
  if (found != nullptr) found(value);
  dlclose(library);
}

desk::DeviceFacts some_devices() {
  desk::DeviceFacts devices;
  devices.processor = QStringLiteral("CPU, 8 threads, AVX2");
  devices.gpus = {
      {QStringLiteral("gpu:0"), QStringLiteral("Large, sm_90"), {}},
      {QStringLiteral("gpu:1"), QStringLiteral("Old, sm_61"), QStringLiteral("Old is too old")}};
  devices.gpu_in_use = QStringLiteral("Large, f16 products");
  return devices;
}

}  // namespace

class GpuTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    plugin_ = kvlink::tests::path_from_environment("KVLINK_TEST_CUDA_PLUGIN").value_or("");
    if (plugin_.empty()) QSKIP("KVLINK_TEST_CUDA_PLUGIN is not set");
  }
  void cleanup() { tell_plugin(plugin_, "fake_cuda_set_error", 0); }

  void devices_are_offered_with_the_reason_against_each() {
    SettingsForm form(SettingsForm::Page::kComputing);
    app::Settings settings;
    form.show_devices(some_devices());
    form.show_settings(settings);
    auto& row = *form.findChild<DeviceRow*>();
    QCOMPARE(row.box().count(), 4);
    QCOMPARE(row.box().currentIndex(), 0);
    const auto* items = qobject_cast<QStandardItemModel*>(row.box().model());
    QVERIFY(items->item(2)->isEnabled());
    QVERIFY(!items->item(3)->isEnabled());
    QVERIFY(row.words().contains("Old is too old"));
    QVERIFY(row.words().contains("Now: Large, f16 products"));
    // A choice is taken; untouched it stays to the letter, also where this machine lacks it.
    row.box().setCurrentIndex(2);
    form.take_into(settings);
    QCOMPARE(settings.device, std::string("gpu:0"));
    settings.device = "gpu:5";
    form.show_settings(settings);
    QVERIFY(row.box().currentText().contains("not there"));
    form.take_into(settings);
    QCOMPARE(settings.device, std::string("gpu:5"));
    // Without any, it says why.
    form.show_devices({.processor = {}, .why_no_gpu = QStringLiteral("no NVIDIA driver")});
    QVERIFY(row.words().contains("No GPU can be used: no NVIDIA driver"));
  }

  void only_the_user_edits_the_device() {
    SettingsForm form(SettingsForm::Page::kComputing);
    QSignalSpy edits(&form, &SettingsForm::edited);
    form.show_devices(some_devices());
    form.show_settings(app::Settings{});
    QCOMPARE(edits.count(), 0);
    form.findChild<DeviceRow*>()->box().setCurrentIndex(1);
    QCOMPARE(edits.count(), 1);
  }

  void the_inspector_shows_the_memory_of_the_gpu_while_there_is_one() {
    CacheView view;
    view.show();
    auto* row = view.findChild<BudgetRow*>(QStringLiteral("gpu tier"));
    desk::CacheTotals totals;
    view.set_totals(totals);
    QVERIFY(!row->isVisible());
    totals.gpu = inference::DeviceTier{
        .budget_bytes = 2'000'000'000, .used_bytes = 500'000'000, .n_blocks = 12};
    view.set_totals(totals);
    QVERIFY(row->isVisible());
    const auto figures =
        QStringLiteral("GPU: %1 of %2").arg(bytes_text(500'000'000), bytes_text(2'000'000'000));
    bool found = false;
    for (const auto* label : row->findChildren<QLabel*>()) {
      found = found || label->text() == figures;
    }
    QVERIFY(found);
    QSignalSpy chosen(&view, &CacheView::gpu_budget_chosen);
    auto* slider = row->findChild<QSlider*>();
    slider->setValue(slider->maximum());
    QTRY_COMPARE(chosen.count(), 1);
    view.set_totals({});
    QVERIFY(!row->isVisible());
  }

  void blocks_on_the_gpu_have_a_place_of_their_own() {
    auto snapshot = std::make_shared<desk::CacheSnapshot>();
    snapshot->documents.push_back({1, QStringLiteral("a"), QStringLiteral("A"), 2});
    for (int i = 0; i < 2; ++i) {
      desk::BlockItem item;
      item.document = 1;
      item.ordinal = i;
      item.on_gpu = i == 0;
      item.row.id.bytes[0] = static_cast<std::uint8_t>(i + 1);
      item.row.in_memory = true;
      snapshot->blocks.push_back(item);
    }
    const auto cells = cells_of(*snapshot, 1, {});
    QCOMPARE(cells[0].place, StripCell::Place::kGpu);
    QCOMPARE(cells[1].place, StripCell::Place::kMemory);
    BlockTable table;
    table.set_snapshot(snapshot);
    QCOMPARE(table.index(0, BlockTable::kTier).data().toString(), QStringLiteral("GPU"));
    QCOMPARE(table.index(1, BlockTable::kTier).data().toString(), QStringLiteral("memory"));
  }

  void an_answer_of_the_gpu_has_its_stages_and_its_tier() {
    WindowFixture fixture;
    fixture.desk_fixture().use_plugin(plugin_);
    QVERIFY(fixture.open());
    const auto& devices = fixture.desk().facts().devices;
    QCOMPARE(devices.gpus.size(), std::size_t{1});
    QVERIFY2(devices.gpu_in_use.contains("host shim"), qPrintable(devices.gpu_in_use));
    QVERIFY(fixture.add({"rivers.txt"}));
    Inbox finished(&fixture.desk().answers(), &desk::AnswerWorker::finished);
    Inbox totals(&fixture.desk().cache(), &desk::CacheWorker::totals_changed);
    ask(fixture);
    QVERIFY(finished.wait());
    const auto bars = bars_of(finished.last().timeline.spans());
    const auto has = [&](Bar name) {
      return std::any_of(bars.begin(), bars.end(),
                         [&](const StageBar& bar) { return bar.bar == name && bar.total_ms > 0; });
    };
    QVERIFY(has(Bar::kCopy));
    QVERIFY(has(Bar::kRotate));
    QVERIFY(has(Bar::kFirstDecode));
    QVERIFY(totals.wait());
    QTRY_VERIFY(totals.last().gpu && totals.last().gpu->n_blocks > 0);
    Inbox snapshots(&fixture.desk().cache(), &desk::CacheWorker::snapshot_ready);
    fixture.desk().cache().take_snapshot(desk::next_request_id());
    QVERIFY(snapshots.wait());
    const auto& blocks = snapshots.last<1>()->blocks;
    QVERIFY(std::any_of(blocks.begin(), blocks.end(), [](const auto& b) { return b.on_gpu; }));
    // Its budget is in force at once; neither the model nor the GPU is opened again.
    Inbox states(&fixture.desk(), &desk::Desk::state_changed);
    auto settings = fixture.desk().facts().settings;
    settings.gpu_budget_bytes = 0;
    fixture.desk().apply_settings(settings);
    QTRY_VERIFY(totals.last().gpu && totals.last().gpu->budget_bytes == 0);
    QCOMPARE(totals.last().gpu->n_blocks, std::int64_t{0});
    QCOMPARE(totals.last().gpu->used_bytes, std::int64_t{0});
    settings.gpu_budget_bytes = 1'000'000'000;
    fixture.desk().apply_settings(settings);
    ask(fixture);
    QVERIFY(finished.wait());
    QTRY_VERIFY(totals.last().gpu->n_blocks > 0);
    QCOMPARE(states.count(), 0);
    fixture.close();
  }

  void a_gpu_that_is_lost_in_the_middle_of_an_answer_gets_a_banner() {
    WindowFixture fixture;
    fixture.desk_fixture().use_plugin(plugin_);
    QVERIFY(fixture.open());
    QVERIFY(fixture.add({"rivers.txt"}));
    auto& answers = fixture.desk().answers();
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    Inbox failed(&answers, &desk::AnswerWorker::answer_failed);
    // On the answering thread, at the first piece of text.
    const auto plugin = plugin_;
    const auto hook = connect(
        &answers, &desk::AnswerWorker::text_appended, &answers,
        [plugin](const desk::AnswerText& text) {
          if (text.is_first) tell_plugin(plugin, "fake_cuda_set_error", 46);
        },
        Qt::DirectConnection);
    ask(fixture);
    QVERIFY(finished.wait());
    QVERIFY(failed.is_empty());
    const auto answer = finished.last();
    QVERIFY(answer.end == app::AnswerEnd::kComplete || answer.end == app::AnswerEnd::kMaxTokens);
    QVERIFY(!answer.text.isEmpty());
    QTRY_VERIFY2(fixture.banners_text().contains("The GPU failed"),
                 qPrintable(fixture.banners_text()));
    QVERIFY(fixture.banners_text().contains("the CPU goes on"));
    disconnect(hook);
    tell_plugin(plugin_, "fake_cuda_set_error", 0);
    // The next answer is the processor's; a click opens the library with the GPU again.
    ask(fixture);
    QVERIFY(finished.wait());
    QCOMPARE(finished.last().text, answer.text);
    Inbox opened(&fixture.desk(), &desk::Desk::opened);
    auto* again = fixture.banner_button(QStringLiteral("Try the GPU again"));
    QVERIFY(again != nullptr);
    again->click();
    QVERIFY(opened.wait());
    QVERIFY(opened.last().devices.gpu_in_use.contains("host shim, f16 products"));
    QTRY_VERIFY(!fixture.banners_text().contains("The GPU failed"));
    fixture.close();
  }

 private:
  static void ask(WindowFixture& fixture) {
    desk::AskRequest request;
    request.id = desk::next_request_id();
    request.question = QStringLiteral("What is said about rivers?");
    request.mode = inference::LinkMode::kReposition;
    request.keep = false;
    fixture.desk().answers().ask(request);
  }

  std::filesystem::path plugin_;
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::GpuTest)
#include "gpu_test.moc"
