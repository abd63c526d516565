// What a file holds, as the PyTorch that wrote it describes it: the manifests beside tests/fixtures/torch-*.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sconce::torch_manifest {

/// A tensor as PyTorch sees it. What is absent is not compared.
struct TensorEntry {
  std::string name, dtype, layout, device;
  std::optional<std::vector<std::int64_t>> shape, stride;
  std::optional<std::uint64_t> storage_offset, nbytes;
  std::optional<std::uint64_t> storage;  ///< equal for tensors that share
  std::optional<std::string> sha256;
  bool requires_grad = false;
};

/// A leaf that is no tensor.
struct ValueEntry {
  std::string name, type;
  std::string text;  ///< a string as it is, a number in its digits, "true", "null"
};

struct Manifest {
  std::vector<TensorEntry> tensors;
  std::vector<ValueEntry> values;
  /// Places below which names are a matter of taste (object arrays, nested tensors).
  std::set<std::string, std::less<>> loose;

  /// Hashes of tensors that are to be found below such a place.
  std::vector<std::pair<std::string, std::string>> within;

  [[nodiscard]] bool is_loose(std::string_view name) const;
};

/// One file of a folder.
struct FileEntry {
  std::string file, manifest;
};

[[nodiscard]] Manifest parse_manifest(std::string_view json);
[[nodiscard]] std::vector<FileEntry> parse_index(std::string_view json);
/// Errors: a std::runtime_error where the file is not there.
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace sconce::torch_manifest
