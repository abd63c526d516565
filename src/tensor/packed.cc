#include "tensor/packed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/checked.h"
#include "base/slice.h"

namespace sconce::tensor {
namespace {

/// Elements in `bytes` bytes; at most UINT64_MAX.
std::uint64_t elements_in(std::uint64_t bytes, unsigned bits) noexcept {
  return checked_mul(bytes / bits, 8).value_or(UINT64_MAX - 8) + bytes % bits * 8 / bits;
}

class UnpackedSource final : public ByteSource {
 public:
  UnpackedSource(SourcePtr packed, unsigned bits)
      : packed_(std::move(packed)), bits_(bits), size_(elements_in(packed_->size(), bits)) {}

  std::uint64_t size() const override { return size_; }
  const std::string& name() const noexcept override { return packed_->name(); }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    std::array<std::byte, 6144> bytes;
    constexpr std::size_t kMost = (bytes.size() - 1) / 6 * 8;  // elements of up to 6 bits, begun anywhere in a byte
    while (!into.empty()) {
      const auto part = into.first(std::min(into.size(), kMost));
      // Counted from a multiple of eight elements, which begins a byte, so that nothing overflows.
      const auto first_bit = static_cast<unsigned>(offset % 8) * bits_;
      const std::uint64_t begin = offset / 8 * bits_ + first_bit / 8;
      const std::size_t held = (first_bit % 8 + part.size() * bits_ + 7) / 8;
      packed_->read_at(begin, std::span(bytes).first(held));
      unpack(std::span(bytes).first(held), first_bit % 8, bits_, part);
      offset += part.size();
      into = into.subspan(part.size());
    }
  }

 private:
  SourcePtr packed_;
  unsigned bits_;
  std::uint64_t size_;
};

}  // namespace

SourcePtr unpacked_source(SourcePtr packed, unsigned bits) {
  return std::make_shared<UnpackedSource>(std::move(packed), bits);
}

void unpack(std::span<const std::byte> packed, unsigned first_bit, unsigned bits,
            std::span<std::byte> elements) noexcept {
  const unsigned mask = (1U << bits) - 1;
  std::size_t at = first_bit;
  for (std::byte& element : elements) {
    unsigned value = std::to_integer<unsigned>(packed[at / 8]) >> at % 8;
    if (at % 8 + bits > 8) value |= std::to_integer<unsigned>(packed[at / 8 + 1]) << (8 - at % 8);
    element = static_cast<std::byte>(value & mask);
    at += bits;
  }
}

void pack(std::span<const std::byte> elements, unsigned bits, std::span<std::byte> packed) noexcept {
  std::ranges::fill(packed, std::byte{0});
  std::size_t at = 0;
  for (const std::byte element : elements) {
    const unsigned value = std::to_integer<unsigned>(element) << at % 8;
    packed[at / 8] |= static_cast<std::byte>(value & 0xFF);
    if (at % 8 + bits > 8) packed[at / 8 + 1] |= static_cast<std::byte>(value >> 8);
    at += bits;
  }
}

}  // namespace sconce::tensor
