#include "archive/name_index.h"

#include <array>
#include <bit>

#include "base/hash.h"

namespace sconce::archive {
namespace {

constexpr char fold(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::size_t slots_for(std::uint64_t count) noexcept { return std::bit_ceil(static_cast<std::size_t>(2 * count + 2)); }

}  // namespace

std::string folded(std::string_view name) {
  std::string result(name);
  for (char& letter : result) letter = fold(letter);
  return result;
}

bool equal_folded(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

NameIndex::NameIndex(std::size_t count) : slots_(slots_for(count)), mask_(slots_.size() - 1) {}

std::uint64_t NameIndex::bytes_for(std::uint64_t count) noexcept { return slots_for(count) * sizeof(Slot); }

std::uint32_t NameIndex::hash_of(std::string_view name) {
  std::array<char, 256> buffer;
  if (name.size() > buffer.size()) return static_cast<std::uint32_t>(hash_bytes(folded(name), process_seed()));
  for (std::size_t i = 0; i < name.size(); ++i) buffer[i] = fold(name[i]);
  return static_cast<std::uint32_t>(hash_bytes({buffer.data(), name.size()}, process_seed()));
}

void NameIndex::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number == kFree) continue;
    std::size_t at = slot.hash & mask_;
    while (slots_[at].number != kFree) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
}

}  // namespace sconce::archive
