// What a header cannot say of a tree, as one JSON text under __metadata__["sconce"]. docs/formats/safetensors.md has
// its schema.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/format.h"
#include "formats/safetensors/contents.h"
#include "formats/safetensors/header.h"
#include "formats/safetensors/outline.h"

namespace sconce::formats::safetensors {

inline constexpr std::string_view kSidecarKey = "sconce";
inline constexpr std::uint64_t kSidecarVersion = 1;

[[nodiscard]] std::string sidecar_of(const PlanContext& context, const Outline& outline, const Contents& contents);

/// Builds the tree again in a document. `source` is the file. Errors: `damaged` where the text is no sidecar or
/// contradicts the header, with the document's values unharmed; `limit`.
[[nodiscard]] std::vector<tree::NodeId> restore_tree(tree::Document& document, std::string_view sidecar,
                                                     const Header& header, const SourcePtr& source,
                                                     const StorageOrigin* origin);

}  // namespace sconce::formats::safetensors
