// Names of records, found as PyTorch finds them: ASCII letters in either case are the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sconce::archive {

/// ASCII letters made small, every other byte as it is: miniz looks names up so.
[[nodiscard]] std::string folded(std::string_view name);
[[nodiscard]] bool equal_folded(std::string_view a, std::string_view b) noexcept;

/// Hash table from names to numbers of 32 bits; the names stay with who uses it. Open addressing with a seed of this
/// process, so that names from a file cannot be chosen to collide.
class NameIndex {
 public:
  /// Slots for `count` names, half of them free. Bytes that this takes: bytes_for(count).
  explicit NameIndex(std::size_t count = 0);
  [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t count) noexcept;

  /// The number that was put under an equal name, case aside. `name_of(number)` gives a name that was put in.
  template <typename NameOf>
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name, const NameOf& name_of) const {
    for (std::size_t at = start(name);; at = (at + 1) & mask_) {
      const std::uint32_t number = slots_[at];
      if (number == kFree) return std::nullopt;
      if (equal_folded(name_of(number), name)) return number;
    }
  }
  /// Puts `number` under `name`; where an equal name is in already, nothing changes and its number is returned.
  template <typename NameOf>
  std::optional<std::uint32_t> insert(std::string_view name, std::uint32_t number, const NameOf& name_of) {
    if (2 * (used_ + 1) > slots_.size()) grow(name_of);
    std::size_t at = start(name);
    for (; slots_[at] != kFree; at = (at + 1) & mask_) {
      if (equal_folded(name_of(slots_[at]), name)) return slots_[at];
    }
    slots_[at] = number;
    ++used_;
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;

  [[nodiscard]] std::size_t start(std::string_view name) const;
  template <typename NameOf>
  void grow(const NameOf& name_of) {
    NameIndex larger(slots_.size());
    for (const std::uint32_t number : slots_) {
      if (number != kFree) larger.insert(name_of(number), number, name_of);
    }
    *this = std::move(larger);
  }

  std::vector<std::uint32_t> slots_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
};

}  // namespace sconce::archive
