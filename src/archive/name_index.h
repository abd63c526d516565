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
    const std::uint32_t hash = hash_of(name);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.number == kFree) return std::nullopt;
      if (slot.hash == hash && equal_folded(name_of(slot.number), name)) return slot.number;
    }
  }
  /// Puts `number` under `name`; where an equal name is in already, nothing changes and its number is returned.
  template <typename NameOf>
  std::optional<std::uint32_t> insert(std::string_view name, std::uint32_t number, const NameOf& name_of) {
    if (2 * (used_ + 1) > slots_.size()) grow();
    const std::uint32_t hash = hash_of(name);
    std::size_t at = hash & mask_;
    for (; slots_[at].number != kFree; at = (at + 1) & mask_) {
      if (slots_[at].hash == hash && equal_folded(name_of(slots_[at].number), name)) return slots_[at].number;
    }
    slots_[at] = {hash, number};
    ++used_;
    return std::nullopt;
  }

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;

  struct Slot {
    std::uint32_t hash = 0;  ///< places the slot, and passes over most other names without a look at them
    std::uint32_t number = kFree;
  };

  [[nodiscard]] static std::uint32_t hash_of(std::string_view name);
  void grow();

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
};

}  // namespace sconce::archive
