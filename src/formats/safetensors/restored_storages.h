// The storages that a sidecar describes, proven against the header before a document learns of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "formats/safetensors/header.h"
#include "formats/safetensors/node_table.h"
#include "tree/document.h"

namespace sconce::formats::safetensors {

/// A tensor of a sidecar and the bytes that the header has for it.
struct MatchedTensor {
  std::uint64_t file_offset = 0;
  std::uint64_t nbytes = 0;
  View view;  ///< in its storage
};

/// Finds the bytes of every tensor with names; each name of the header belongs to exactly one tensor, and the tensors
/// that share a storage fill it. Errors: `damaged`.
[[nodiscard]] std::vector<MatchedTensor> match_tensors(const NodeTable& table, const Header& header);

/// Makes the storages in a document. `origin` has slices of `source`, the file. The number of a tensor's storage is at
/// the tensor's number. Errors: `damaged`, before any storage is made.
[[nodiscard]] std::vector<std::uint32_t> make_storages(tree::Document& document, const NodeTable& table,
                                                       std::span<const MatchedTensor> matched, const SourcePtr& source,
                                                       const StorageOrigin* origin);

}  // namespace sconce::formats::safetensors
