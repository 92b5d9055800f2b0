// SPDX-License-Identifier: Apache-2.0
// Settings pass through the form and the file unharmed; the theme, the letters and the icons
// follow.
#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFile>
#include <QLabel>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cmath>

#include "app/settings.h"
#include "tests/ui/clipping.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/models_page.h"
#include "ui/inspect/settings_effect.h"
#include "ui/inspect/settings_form.h"
#include "ui/inspect/timing_view.h"
#include "ui/theme/appearance.h"
#include "ui/theme/colors.h"
#include "ui/theme/icons.h"
#include "ui/theme/translation.h"

namespace kvlink::ui {
namespace {

using app::Settings;
using Page = SettingsForm::Page;

/// None of these is a default, some cannot be shown without rounding.
Settings unusual_settings() {
  Settings settings;
  settings.disk_budget_bytes = 3'123'456'789;
  settings.memory_budget_bytes = 77'777'777;
  settings.eviction = cache::Eviction::kLru;
  settings.block_dtype = DType::kQ8Kv;
  settings.threads = 3;
  settings.generator = "/models/some.gguf";
  settings.system_prompt = "Answer in one word.\nNo more.";
  settings.mode = inference::LinkMode::kRecompute;
  settings.recompute_share = 0.333F;
  settings.passage_prior = 3.21F;
  settings.chunks_per_answer = 6;
  settings.max_answer_tokens = 99;
  settings.end_at_next_question = false;
  settings.max_context = 4096;
  settings.chunk_target_tokens = 170;
  settings.chunk_max_tokens = 240;
  settings.max_document_bytes = 12'345'678;
  settings.sampler.temperature = 0.123F;
  settings.sampler.seed = 42;
  return settings;
}

struct Forms {
  SettingsForm answers{Page::kAnswers};
  SettingsForm computing{Page::kComputing};
  SettingsForm storage{Page::kStorage};

  void show(const Settings& settings) {
    for (auto* form : {&answers, &computing, &storage}) form->show_settings(settings);
  }
  void take_into(Settings& settings) {
    for (auto* form : {&answers, &computing, &storage}) form->take_into(settings);
  }
};

/// As the file would have them: every field, exact.
QByteArray file_of(const Settings& settings, const QTemporaryDir& folder) {
  const std::filesystem::path path = folder.filePath("settings.json").toStdString();
  if (!app::save_settings(settings, path)) return {};
  QFile file(folder.filePath("settings.json"));
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

template <typename W>
W* field_named(QWidget& form, const QString& name) {
  for (auto* field : form.findChildren<W*>()) {
    if (field->accessibleName() == name) return field;
  }
  return nullptr;
}

desk::ModelItem model_of(const char* name, app::ModelRole role, std::int64_t bytes) {
  desk::ModelItem item;
  item.found.name = name;
  item.found.path = std::filesystem::path("/models") / name;
  item.found.role = role;
  item.found.bytes = bytes;
  item.source = QStringLiteral("KVLink");
  return item;
}

}  // namespace

class InspectSettingsTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }

  void untouched_fields_keep_their_values_to_the_bit() {
    const QTemporaryDir folder;
    Forms forms;
    forms.show(unusual_settings());
    auto taken = unusual_settings();
    forms.take_into(taken);
    const auto expected = file_of(unusual_settings(), folder);
    QVERIFY(!expected.isEmpty());
    QCOMPARE(file_of(taken, folder), expected);
  }

  void settings_round_trip_through_the_form_and_the_file() {
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.filePath("settings.json").toStdString();
    Forms forms;
    forms.show(Settings{});
    field_named<QDoubleSpinBox>(forms.answers, "Passages per answer")->setValue(7);
    field_named<QDoubleSpinBox>(forms.answers, "Temperature")->setValue(0.5);
    field_named<QPlainTextEdit>(forms.answers, "System prompt")->setPlainText("Be brief.");
    field_named<QDoubleSpinBox>(forms.computing, "Threads")->setValue(2);
    field_named<QDoubleSpinBox>(forms.storage, "On disk")->setValue(2.5);
    auto* precision = field_named<QComboBox>(forms.storage, "Precision");
    precision->setCurrentIndex(1);
    Settings edited;
    forms.take_into(edited);
    QVERIFY(app::save_settings(edited, path).has_value());
    const auto loaded = app::load_settings(path);
    QVERIFY(loaded.has_value() && loaded->notices.empty());
    QCOMPARE(loaded->settings.chunks_per_answer, 7);
    QCOMPARE(loaded->settings.sampler.temperature, 0.5F);
    QCOMPARE(loaded->settings.system_prompt, std::string("Be brief."));
    QCOMPARE(loaded->settings.threads, 2);
    QCOMPARE(loaded->settings.disk_budget_bytes, std::int64_t{2'500'000'000});
    QVERIFY(loaded->settings.block_dtype == DType::kQ8Kv);
    Forms again;
    again.show(loaded->settings);
    QCOMPARE(field_named<QDoubleSpinBox>(again.storage, "On disk")->value(), 2.5);
  }

  void a_prompt_of_any_length_is_cut_between_letters() {
    SettingsForm form(Page::kAnswers);
    auto* prompt = form.findChild<QPlainTextEdit*>();
    Settings settings;
    form.show_settings(settings);
    // One byte and then letters of four: no border of them is where the room ends. Shortening it
    // letter by letter would take hours.
    prompt->setPlainText(QStringLiteral("a") + QStringLiteral("\U0001F9A6").repeated(500'000));
    form.take_into(settings);
    const auto text = QString::fromStdString(settings.system_prompt);
    QVERIFY(settings.system_prompt.size() > 1000);
    QVERIFY(app::settings_problem(settings).empty());
    QCOMPARE(text.toStdString(), settings.system_prompt);
    QVERIFY(!text.contains(QChar(0xfffd)) && text.endsWith(QStringLiteral("\U0001F9A6")));
  }

  void only_the_user_edits() {
    SettingsForm form(Page::kStorage);
    QSignalSpy edits(&form, &SettingsForm::edited);
    form.show_settings(unusual_settings());
    QCOMPARE(edits.count(), 0);
    field_named<QDoubleSpinBox>(form, "On disk")->setValue(1);
    QCOMPARE(edits.count(), 1);
  }

  void effect_says_how_much_and_how_long() {
    desk::SettingsEffect effect;
    QVERIFY(effect_sentence(effect).contains("nothing is loaded or computed again"));
    effect.n_stale_blocks = 412;
    effect.n_tokens = 92000;
    effect.seconds = 500;
    effect.measured = true;
    effect.needs_reopen = true;
    auto text = effect_sentence(effect);
    QVERIFY(text.contains("412") && text.contains("92,000 tokens") && text.contains("8 min 20 s"));
    QVERIFY(text.contains("measured here") && !text.contains("estimated"));
    QVERIFY(text.contains("old blocks stay"));
    effect.measured = false;
    QVERIFY(effect_sentence(effect).contains("estimated 8 min 20 s"));
    effect.problem = QStringLiteral("threads must be 0 to 1024");
    QCOMPARE(effect_sentence(effect), effect.problem);
  }

  void model_table_says_what_a_model_needs() {
    ModelTable table;
    const QAbstractItemModelTester tester(&table,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    auto used = model_of("a.gguf", app::ModelRole::kGenerator, 98'362'432);
    used.in_use = true;
    table.set_models({used, model_of("b.gguf", app::ModelRole::kGenerator, 5),
                      model_of("mini", app::ModelRole::kEmbedder, 90'000'000)});
    const auto text = [&](int row, int column) {
      return table.index(row, column).data().toString();
    };
    QCOMPARE(text(0, ModelTable::kMemory), QStringLiteral("98.4 MB"));
    QCOMPARE(text(0, ModelTable::kState), QStringLiteral("in use"));
    QCOMPARE(text(2, ModelTable::kRole), QStringLiteral("finds passages"));
    table.set_checking("/models/b.gguf");
    QVERIFY(text(1, ModelTable::kState).startsWith("being tried"));
    desk::ModelChecked failed;
    failed.path = QStringLiteral("/models/b.gguf");
    failed.problem = desk::Problem{ErrorCode::kCorrupt, QStringLiteral("it is cut off")};
    table.set_checked(failed);
    QCOMPARE(text(1, ModelTable::kState), QStringLiteral("does not work"));
    QVERIFY(table.details(1).contains("it is cut off"));
    desk::ModelChecked checked;
    checked.path = QStringLiteral("/models/a.gguf");
    checked.check = app::ModelCheck{};
    checked.check->kv_bytes_per_token = 23040;
    checked.check->context_length = 2048;
    table.set_checked(checked);
    QCOMPARE(text(0, ModelTable::kKv), QStringLiteral("23.0 MB"));
  }

  void first_run_says_how_to_get_a_model() {
    ModelsPage page;
    desk::DeskFacts facts;
    facts.paths.models = "/home/me/models";
    facts.why_no_model = QStringLiteral("No GGUF file lies there.");
    page.show_facts(facts);
    bool found = false;
    for (const auto* label : page.findChildren<QLabel*>()) {
      if (label->isHidden() || !label->text().contains("./run")) continue;
      found = label->text().contains("/home/me/models") && label->text().contains("176 MB") &&
              label->text().contains("No GGUF file lies there.");
    }
    QVERIFY(found);
  }

  void theme_switches_palette_and_is_remembered() {
    const QTemporaryDir folder;
    const auto file = folder.filePath("window.ini");
    {
      Appearance look(*qApp, file);
      QCOMPARE(look.theme(), ThemeChoice::kSystem);
      QSignalSpy changes(&look, &Appearance::changed);
      look.set_theme(ThemeChoice::kDark);
      QCOMPARE(changes.count(), 1);
      QVERIFY(is_dark(QApplication::palette()));
      look.set_theme(ThemeChoice::kLight);
      QVERIFY(!is_dark(QApplication::palette()));
      QVERIFY(colors_of(QApplication::palette()).memory != colors_of(dark_palette()).memory);
      look.set_theme(ThemeChoice::kDark);
    }
    Appearance again(*qApp, file);
    QCOMPARE(again.theme(), ThemeChoice::kDark);
    QVERIFY(again.dark());
    QCOMPARE(appearance(), &again);
    again.set_theme(ThemeChoice::kLight);
  }

  void letters_grow_and_shrink_within_limits() {
    Appearance look(*qApp, {});
    const double before = QApplication::font().pointSizeF();
    look.enlarge();
    QCOMPARE(look.font_percent(), 110);
    QVERIFY(std::abs(QApplication::font().pointSizeF() - before * 1.1) < 0.05);
    for (int i = 0; i < 40; ++i) look.enlarge();
    QCOMPARE(look.font_percent(), Appearance::kMaxFontPercent);
    look.reset_font();
    QVERIFY(std::abs(QApplication::font().pointSizeF() - before) < 0.01);
  }

  void text_is_readable_in_both_palettes() {
    const auto contrast = [](const QColor& a, const QColor& b) {
      const auto light = [](const QColor& c) {
        const auto part = [](double v) {
          return v <= 0.03928 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
        };
        return 0.2126 * part(c.redF()) + 0.7152 * part(c.greenF()) + 0.0722 * part(c.blueF());
      };
      const auto [low, high] = std::minmax({light(a), light(b)});  // values, not references
      return (high + 0.05) / (low + 0.05);
    };
    for (const auto& palette : {light_palette(), dark_palette()}) {
      const auto window = palette.color(QPalette::Window);
      QVERIFY(contrast(palette.color(QPalette::WindowText), window) > 10);
      QVERIFY(contrast(palette.color(QPalette::HighlightedText),
                       palette.color(QPalette::Highlight)) > 4.5);
      const auto& colors = colors_of(palette);
      for (const auto& color : {colors.quiet, colors.good, colors.warning, colors.bad}) {
        QVERIFY2(contrast(color, window) > 4.5, qPrintable(color.name()));
      }
    }
  }

  void longer_texts_are_not_clipped() {
    PseudoTranslator longer;
    QCoreApplication::installTranslator(&longer);
    {
      TimingView timing;
      CacheView cache;
      ModelsPage models;
      SettingsForm answers(Page::kAnswers);
      SettingsForm storage(Page::kStorage);
      using tests::check_not_clipped;
      check_not_clipped(timing, 460);
      check_not_clipped(cache, 460);
      check_not_clipped(models, 700);
      check_not_clipped(answers, 620);
      check_not_clipped(storage, 620);
    }
    QCoreApplication::removeTranslator(&longer);
  }

  void icons_follow_the_palette_at_every_scale() {
    const auto ink_of = [](double scale) {
      const auto image = icon(QStringLiteral("pin")).pixmap(QSize(16, 16), scale).toImage();
      QColor strongest;
      int most = 0;
      for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
          const auto pixel = image.pixelColor(x, y);
          if (pixel.alpha() > most) {
            most = pixel.alpha();
            strongest = pixel;
          }
        }
      }
      return std::pair(strongest, image.width());
    };
    for (const double scale : {1.0, 1.25, 2.0}) {
      QApplication::setPalette(light_palette());
      const auto [dark_ink, width] = ink_of(scale);
      QCOMPARE(width, static_cast<int>(16 * scale));
      QVERIFY(dark_ink.lightness() < 90);
      QApplication::setPalette(dark_palette());
      QVERIFY(ink_of(scale).first.lightness() > 160);
    }
    QApplication::setPalette(light_palette());
    QVERIFY(icon(QStringLiteral("no-such-icon")).isNull());
  }
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::InspectSettingsTest)
#include "inspect_settings_test.moc"
