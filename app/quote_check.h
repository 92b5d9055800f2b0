// SPDX-License-Identifier: Apache-2.0
// Whether what an answer puts in quotation marks stands in the passages it was made from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::app {

/// Quotations of at least five words in an answer ("…", “…”; one that the end of the answer cuts
/// counts) whose words do not follow each other in any of the passages. Case, punctuation, mark-up
/// and line breaks do not matter. In order; time linear in the answer's quotations times the text.
std::vector<std::string> unfounded_quotes(std::string_view answer,
                                          std::span<const std::string> passages);

}  // namespace kvlink::app
