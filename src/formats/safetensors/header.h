// The header of a safetensors file, read and proven: every tensor has exactly the bytes that its dtype and shape need,
// and the tensors cover the data without a hole and without an overlap.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/dtype.h>

#include "base/budget.h"
#include "formats/safetensors/dtypes.h"

namespace sconce::formats::safetensors {

/// The reference refuses longer headers, and so does everybody after it.
inline constexpr std::uint64_t kMaxHeader = 100'000'000;
/// The length of the header stands before it.
inline constexpr std::uint64_t kLengthField = 8;
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct TensorEntry {
  std::string_view name;         ///< lives as long as the Header
  std::uint64_t key_offset = 0;  ///< of the name, in the file
  std::uint64_t begin = 0;       ///< of the data, from the end of the header
  std::uint64_t end = 0;
  std::uint32_t first_dim = 0;  ///< in Header::dims
  std::uint32_t ndim = 0;
  Code code = Code::boolean;

  [[nodiscard]] std::uint64_t nbytes() const noexcept { return end - begin; }
};

/// Finds tensors by name; the table is seeded, so that chosen names cannot make it slow.
class EntryIndex {
 public:
  /// The number of the tensor of that name among `entries`; nothing where there is none.
  [[nodiscard]] std::optional<std::uint32_t> find(std::span<const TensorEntry> entries, std::string_view name) const;
  /// Puts in the last of `entries`, whose name is not there yet.
  void add_last(std::span<const TensorEntry> entries);

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t entry = 0;  ///< number + 1; 0: free
  };
  void put(const Slot& slot);

  std::vector<Slot> slots_;
};

class Header {
 public:
  /// Reads and proves all of it. Errors: `truncated`, `damaged`, `unsupported` (a dtype or a number of dimensions that
  /// Sconce has no tensor for), `limit`.
  Header(const SourcePtr& source, MemoryBudget& budget);
  Header(const Header&) = delete;
  Header& operator=(const Header&) = delete;
  ~Header();

  /// In the order of the header.
  [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept { return tensors_; }
  /// As PyTorch has it: the last dimension of F4 counts pairs.
  [[nodiscard]] std::span<const std::int64_t> shape(const TensorEntry& entry) const noexcept {
    return std::span(dims_).subspan(entry.first_dim, entry.ndim);
  }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const { return index_.find(tensors_, name); }
  /// `__metadata__`, in order.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& metadata() const noexcept { return metadata_; }
  /// Where the data begins in the file.
  [[nodiscard]] std::uint64_t data_begin() const noexcept { return kLengthField + text_.size(); }
  /// Members of tensors that the format does not know; every reader passes over them.
  [[nodiscard]] std::uint64_t unknown_members() const noexcept { return unknown_members_; }

 private:
  friend class HeaderParser;

  MemoryBudget& budget_;
  std::uint64_t charged_ = 0;
  std::string text_;
  std::deque<std::string> unescaped_;  // names that are not in the text as they are
  std::vector<TensorEntry> tensors_;
  std::vector<std::int64_t> dims_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  EntryIndex index_;
  std::uint64_t unknown_members_ = 0;
};

}  // namespace sconce::formats::safetensors
