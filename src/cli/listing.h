// What inspect shows of a checkpoint: its leaves, one after another, with the numbers that both the table and JSON
// need.
#pragma once

#include <sconce/checkpoint.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sconce::cli {

class Arguments;

/// Numbers of storages as they are shown: 0, 1, 2 … in the order in which tensors meet them.
class StorageNumbers {
 public:
  /// The shown number, and whether this is the first time.
  struct Number {
    std::uint64_t number;
    bool first;
  };
  [[nodiscard]] Number operator()(std::uint64_t in_document);

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> shown_;
  std::uint32_t next_ = 0;
};

/// The names that --match asks for; all, without it.
class NameFilter {
 public:
  explicit NameFilter(const Arguments& arguments);
  [[nodiscard]] bool operator()(std::string_view name) const noexcept;
  [[nodiscard]] bool all() const noexcept { return patterns_.empty(); }

 private:
  std::vector<std::string> patterns_;
};

/// A tensor on its way to the output. The views live as long as the visit.
struct ListedTensor {
  std::string name;
  Path path;
  Tensor tensor;
  std::optional<StorageNumbers::Number> storage;
  std::string sha256;  ///< with --hash, and where the tensor has elements
};

struct ListingOptions {
  bool hash = false;
  bool paths = false;  ///< fill in ListedTensor::path
};

/// Visits the tensors in the order of the tree, and counts the other values; with hashes, computed by several threads
/// for some hundred tensors at a time, so that memory stays bounded.
WalkResult list_tensors(const Checkpoint& checkpoint, const NameFilter& filter, const ListingOptions& options,
                        const ProgressFunction& progress, const std::function<void(const ListedTensor&)>& visit);

}  // namespace sconce::cli
