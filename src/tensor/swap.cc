#include "tensor/swap.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/endian.h"
#include "base/slice.h"

namespace sconce::tensor {
namespace {

template <typename Unit>
void swap_units(std::span<std::byte> bytes) noexcept {
  std::byte* const end = bytes.data() + bytes.size() / sizeof(Unit) * sizeof(Unit);
  for (std::byte* at = bytes.data(); at != end; at += sizeof(Unit)) {
    Unit value;
    std::memcpy(&value, at, sizeof value);
    value = byte_swapped(value);
    std::memcpy(at, &value, sizeof value);
  }
}

class SwappedSource final : public ByteSource {
 public:
  SwappedSource(SourcePtr source, std::size_t unit) : source_(std::move(source)), unit_(unit) {}

  std::uint64_t size() const override { return source_->size(); }
  bool reaches(std::uint64_t offset) const override { return source_->reaches(offset); }
  const std::string& name() const noexcept override { return source_->name(); }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    const std::uint64_t size = source_->size();
    if (!fits(offset, into.size(), size)) past_end(*source_, offset, into.size());
    // A unit that lies only partly in what is asked for has to be read whole.
    if (const std::uint64_t cut = offset % unit_; cut != 0 && !into.empty()) {
      const std::size_t taken = read_part(offset - cut, static_cast<std::size_t>(cut), into);
      offset += taken;
      into = into.subspan(taken);
    }
    const std::size_t whole = into.size() / unit_ * unit_;
    const auto middle = into.first(whole);
    source_->read_at(offset, middle);
    swap_in_place(middle, unit_);
    if (whole < into.size()) read_part(offset + whole, 0, into.subspan(whole));
  }

 private:
  /// Copies the bytes of one unit from `skip` on, as many as `into` takes; returns how many.
  std::size_t read_part(std::uint64_t unit_at, std::size_t skip, std::span<std::byte> into) const {
    std::array<std::byte, 8> unit;
    const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(unit_, source_->size() - unit_at));
    const auto bytes = std::span(unit).first(held);
    source_->read_at(unit_at, bytes);
    swap_in_place(bytes, unit_);
    const std::size_t taken = std::min(held - skip, into.size());
    std::memcpy(into.data(), unit.data() + skip, taken);
    return taken;
  }

  SourcePtr source_;
  std::size_t unit_;
};

}  // namespace

void swap_in_place(std::span<std::byte> bytes, std::size_t unit) noexcept {
  switch (unit) {
    case 2: return swap_units<std::uint16_t>(bytes);
    case 4: return swap_units<std::uint32_t>(bytes);
    case 8: return swap_units<std::uint64_t>(bytes);
    default: return;
  }
}

SourcePtr swapped_source(SourcePtr source, std::size_t unit) {
  if (unit == 1) return source;
  return std::make_shared<SwappedSource>(std::move(source), unit);
}

}  // namespace sconce::tensor
