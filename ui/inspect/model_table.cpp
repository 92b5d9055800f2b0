// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/model_table.h"

#include <QApplication>
#include <QStringList>

#include "ui/inspect/chat_format_row.h"
#include "ui/inspect/quantities.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

QString path_of(const desk::ModelItem& item) { return desk::text_of(item.found.path.string()); }

QString adapter_words(const desk::ModelItem& item) {
  switch (item.adapter) {
    case desk::AdapterFit::kYes:
      return ModelTable::tr("yes");
    case desk::AdapterFit::kNo:
      return ModelTable::tr("no");
    case desk::AdapterFit::kUnknown:
      return {};
  }
  return {};
}

/// What trying a generator showed: how its chats are written, what it needs, how fast it is.
QString trial_words(const app::ModelCheck& check) {
  if (check.role != app::ModelRole::kGenerator) return {};
  QString words;
  if (check.chat_format != "none") {
    words += QLatin1Char('\n') + ModelTable::tr("Chats are written as %1, %2")
                                     .arg(chat_format_words(desk::text_of(check.chat_format)),
                                          desk::text_of(check.chat_format_from));
  }
  words += QLatin1Char('\n') + ModelTable::tr(
                                   "%1 of memory with 1,000 tokens; reads %2 and writes "
                                   "%3 tokens a second")
                                   .arg(bytes_text(check.memory.total()),
                                        decimal_text(check.trial.read_per_second, 1),
                                        decimal_text(check.trial.write_per_second, 1));
  if (check.memory.packed > 0) {
    words += QLatin1Char('\n') +
             ModelTable::tr(
                 "%1 of it are weights packed for this processor; of the file of %2 only %3 stay "
                 "in memory")
                 .arg(bytes_text(check.memory.packed), bytes_text(check.weight_bytes),
                      bytes_text(check.memory.mapped));
  }
  words += QLatin1Char('\n') + desk::text_of(check.adapter);
  if (check.chat_format == "none") return words;
  words += QLatin1Char('\n') +
           ModelTable::tr("Perplexity %1 on a built-in text of %2 tokens")
               .arg(decimal_text(check.trial.perplexity, 1), count_text(check.trial.n_tokens));
  return words + (check.trial.text_comes_back
                      ? QString()
                      : ModelTable::tr("; its tokenizer does not give the text back unchanged"));
}

}  // namespace

void ModelTable::set_models(std::vector<desk::ModelItem> models) {
  beginResetModel();
  models_ = std::move(models);
  endResetModel();
}

void ModelTable::changed(const QString& path) {
  for (int row = 0; row < rowCount(); ++row) {
    if (path_of(item(row)) == path) emit dataChanged(index(row, 0), index(row, kColumnCount - 1));
  }
}

void ModelTable::set_checking(const QString& path) {
  checking_.insert(path);
  changed(path);
}

void ModelTable::set_checked(const desk::ModelChecked& checked) {
  checking_.remove(checked.path);
  const bool was_stopped = checked.problem && checked.problem->code == ErrorCode::kCancelled;
  if (!was_stopped) checks_[checked.path] = checked;
  changed(checked.path);
}

int ModelTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(models_.size());
}

int ModelTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

QString ModelTable::state(const desk::ModelItem& item, const QString& path) const {
  if (checking_.contains(path)) return tr("being tried …");
  const auto found = checks_.find(path);
  if (found != checks_.end() && found->problem) return tr("does not work");
  if (item.in_use) return tr("in use");
  if (item.outline && !item.outline->refusal.isEmpty()) return tr("cannot be used");
  return found != checks_.end() ? tr("works") : tr("not tried yet");
}

QString ModelTable::details(int row) const {
  const auto path = path_of(item(row));
  const auto found = checks_.find(path);
  const auto& outline = item(row).outline;
  if (found == checks_.end() && outline && !outline->refusal.isEmpty()) {
    return path + QLatin1Char('\n') + outline->refusal;
  }
  if (found == checks_.end()) return path;
  if (found->problem) return path + QLatin1Char('\n') + found->problem->message;
  const auto& check = *found->check;
  return path + QLatin1Char('\n') +
         tr("%1, %2, weights %3, tokenizer %4, fingerprint %5")
             .arg(desk::text_of(check.name), desk::text_of(check.architecture),
                  desk::text_of(check.weight_types), desk::text_of(check.tokenizer),
                  desk::text_of(check.fingerprint).left(16)) +
         trial_words(check);
}

QString ModelTable::text(const desk::ModelItem& item, int column) const {
  const auto path = path_of(item);
  const auto found = checks_.find(path);
  const auto* check = found != checks_.end() && found->check ? &*found->check : nullptr;
  const auto header = item.outline.value_or(desk::OutlineFacts());
  const auto kv = check != nullptr ? check->kv_bytes_per_token : header.kv_bytes_per_token;
  const auto context = check != nullptr ? check->context_length : header.context_tokens;
  switch (column) {
    case kName:
      return desk::text_of(item.found.name);
    case kRole:
      return item.found.role == app::ModelRole::kGenerator ? tr("answers") : tr("finds passages");
    case kSource:
      return item.source;
    case kMemory:
      return item.found.bytes > 0 ? bytes_text(item.found.bytes) : QString();
    case kKv:
      return kv > 0 ? bytes_text(kv * 1000) : QString();
    case kContext:
      return context > 0 ? count_text(context) : QString();
    case kAdapter:
      return adapter_words(item);
    default:
      return state(item, path);
  }
}

QVariant ModelTable::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto& model = item(index.row());
  const bool number = index.column() >= kMemory && index.column() <= kContext;
  if (role == Qt::DisplayRole) return text(model, index.column());
  if (role == Qt::TextAlignmentRole) {
    return static_cast<int>(Qt::AlignVCenter | (number ? Qt::AlignRight : Qt::AlignLeft));
  }
  if (role == Qt::ForegroundRole && index.column() == kState) {
    const auto& colors = colors_of(QApplication::palette());
    const auto found = checks_.find(path_of(model));
    if (found != checks_.end() && found->problem) return colors.bad;
    if (model.outline && !model.outline->refusal.isEmpty()) return colors.bad;
    return model.in_use || found != checks_.end() ? colors.good : colors.quiet;
  }
  if (role == Qt::ToolTipRole) {
    const auto found = checks_.find(path_of(model));
    if (index.column() == kState && found != checks_.end() && found->problem) {
      return found->problem->message.toHtmlEscaped();
    }
    return path_of(model).toHtmlEscaped();
  }
  return {};
}

QVariant ModelTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumnCount) return {};
  if (role == Qt::ToolTipRole && section == kMemory) {
    return tr("Of the weights; blocks and the context come on top");
  }
  if (role == Qt::ToolTipRole && section == kAdapter) {
    return tr("Whether there is a link adapter that was made for the model");
  }
  if (role != Qt::DisplayRole) return {};
  const QStringList names = {
      tr("Model"),   tr("For"),     tr("Found in"), tr("Memory"), tr("KV / 1,000 tokens"),
      tr("Context"), tr("Adapter"), tr("State")};
  return names.value(section);
}

}  // namespace kvlink::ui
