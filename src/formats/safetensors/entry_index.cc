#include "base/hash.h"
#include "formats/safetensors/header.h"

namespace sconce::formats::safetensors {

namespace {
std::uint32_t hash_of(std::string_view name) { return static_cast<std::uint32_t>(hash_bytes(name, process_seed())); }
}  // namespace

std::optional<std::uint32_t> EntryIndex::find(std::span<const TensorEntry> entries, std::string_view name) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t hash = hash_of(name);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].entry != 0; at = (at + 1) & mask)
    if (slots_[at].hash == hash && entries[slots_[at].entry - 1].name == name) return slots_[at].entry - 1;
  return std::nullopt;
}

void EntryIndex::put(const Slot& slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = slot.hash & mask;
  while (slots_[at].entry != 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

void EntryIndex::add_last(std::span<const TensorEntry> entries) {
  if (2 * entries.size() > slots_.size()) {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.entry != 0) put(slot);
  }
  put({hash_of(entries.back().name), static_cast<std::uint32_t>(entries.size())});
}

}  // namespace sconce::formats::safetensors
