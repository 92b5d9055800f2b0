// SPDX-License-Identifier: Apache-2.0
// Passages and conversations as the window reads them. Internal to the desk.
#pragma once

#include <QByteArray>
#include <vector>

#include "app/desk/answer_messages.h"
#include "app/session.h"

namespace kvlink::desk {

PassageView passage_of(const app::Source& source);
std::vector<PassageView> passages_of(const std::vector<app::Source>& sources);

/// A stored conversation with its passages, as far as they still exist. Throws kNotFound.
ConversationView view_of_conversation(app::Session& session, ConversationId id);

QByteArray to_markdown(const ConversationView& conversation);
QByteArray to_json(const ConversationView& conversation);

}  // namespace kvlink::desk
