// Which values are equal as keys of a dict: Python's rules.
#pragma once

#include <cstdint>
#include <string_view>

#include "tree/document.h"

namespace sconce::tree {

/// Whether Python could use the value as a key: lists, dicts, sets and bytearrays cannot be hashed.
[[nodiscard]] bool is_hashable(const Document& document, NodeId id) noexcept;

/// Equal keys have equal hashes: 1, True and 1.0; tuples by value; tensors and objects by identity.
///
/// `work` grows by what it took, in nodes looked at; nothing for the keys that real files have. One long key can be met
/// again and again in a few bytes of a file, so somebody has to count.
[[nodiscard]] std::uint64_t key_hash(const Document& document, NodeId id, std::uint64_t& work);
[[nodiscard]] std::uint64_t key_hash(std::string_view text);
[[nodiscard]] std::uint64_t key_hash(std::int64_t number);

[[nodiscard]] bool keys_equal(const Document& document, NodeId a, NodeId b, std::uint64_t& work);

}  // namespace sconce::tree
