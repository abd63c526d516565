// Trees of tensors, written as safetensors and read back: for the tests of the writer.
#pragma once

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "safetensors_files.h"
#include "tree/tree_builder.h"

namespace sconce::test {

using testing::IsEmpty;
using tree::NodeId;
using tree::testing::Tree;

inline std::string fixture(const std::string& name) {
  std::ifstream file(SCONCE_SOURCE_DIR "/tests/fixtures/safetensors/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A storage of these bytes.
inline std::uint32_t storage_of(const Tree& tree, std::string bytes, DType dtype = DType::float32,
                                const std::string& location = "cpu", std::endian order = std::endian::little) {
  return tree->add_storage(storage_over(string_source(std::move(bytes)), dtype, order, location));
}

inline NodeId view_of(const Tree& tree, std::uint32_t storage, DType dtype, std::vector<std::int64_t> shape,
                      std::vector<std::int64_t> strides = {}, std::int64_t offset = 0) {
  tree::TensorRecord record;
  record.dtype = dtype;
  record.storage = storage;
  record.offset = offset;
  return tree->tensor(record, shape, strides);
}

inline std::string counting(std::size_t size) {
  std::string bytes;
  for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(at);
  return bytes;
}

inline NodeId plain(const Tree& tree, std::vector<std::int64_t> shape, DType dtype = DType::float32) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
  return view_of(tree, storage_of(tree, counting(*bytes_of(dtype, count)), dtype), dtype, std::move(shape));
}

/// The tree that comes back. Written again it gives the same bytes, which holds all of it against what was written.
struct Back {
  Back(const Tree& tree, NodeId root, const SaveOptions& options = {}) {
    saved = save_tree(*tree, {root}, options);
    opened = open_file(saved.bytes);
    EXPECT_THAT(opened.facts.notes, IsEmpty());
    const Saved again = save_tree(*opened.document, opened.roots, options, opened.facts);
    if (saved.report.dropped.empty()) {
      EXPECT_EQ(again.bytes, saved.bytes);
    }
  }
  [[nodiscard]] Value root() const { return {opened.document, opened.roots.at(0)}; }
  [[nodiscard]] Tensor tensor(std::string_view key) const { return root()[key].as_tensor(); }
  [[nodiscard]] const tree::Document& document() const { return *opened.document; }
  [[nodiscard]] NodeId node(std::string_view key) const { return root()[key].node(); }

  Saved saved;
  formats::Opened opened;
};
}  // namespace sconce::test
