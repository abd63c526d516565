#include "tensor/shape.h"

#include <algorithm>
#include <string>

#include "base/checked.h"

namespace sconce::tensor {
namespace {

constexpr std::uint64_t kInt64Max = INT64_MAX;

/// Whole elements in a storage.
std::uint64_t elements_in(DType dtype, std::uint64_t bytes) noexcept {
  const std::uint64_t bits = info(dtype).bits;
  if (bits >= 8) return bytes / (bits / 8);
  const std::uint64_t rest = bytes % bits * 8 / bits;
  const auto whole = checked_mul(bytes / bits, 8);
  return whole ? checked_add(*whole, rest).value_or(UINT64_MAX) : UINT64_MAX;
}

std::string in_dimension(std::int64_t value, std::size_t dim) {
  return std::to_string(value) + " of dimension " + std::to_string(dim);
}

std::optional<std::string> why_not_a_view(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
                                          std::int64_t storage_offset) {
  if (shape.size() > kMaxDims) return std::to_string(shape.size()) + " dimensions, where PyTorch allows 64";
  if (shape.size() != strides.size())
    return std::to_string(shape.size()) + " sizes, but " + std::to_string(strides.size()) + " strides";
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    if (shape[dim] < 0) return "size " + in_dimension(shape[dim], dim) + " is negative";
    if (strides[dim] < 0) return "stride " + in_dimension(strides[dim], dim) + " is negative";
  }
  if (storage_offset < 0) return "storage offset " + std::to_string(storage_offset) + " is negative";
  return std::nullopt;
}

/// One more than the position of the last element, in a storage that has elements.
std::optional<std::uint64_t> end_of(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides,
                                    std::int64_t storage_offset) noexcept {
  std::optional<std::uint64_t> end = checked_add(static_cast<std::uint64_t>(storage_offset), 1);
  for (std::size_t dim = 0; end && dim < shape.size(); ++dim) {
    const auto reach =
        checked_mul(static_cast<std::uint64_t>(shape[dim] - 1), static_cast<std::uint64_t>(strides[dim]));
    end = reach ? checked_add(*end, *reach) : std::nullopt;
  }
  return end;
}

bool multiply(std::int64_t& product, std::int64_t factor) noexcept {
  return !__builtin_mul_overflow(product, factor, &product);
}

}  // namespace

std::optional<std::uint64_t> numel_of(std::span<const std::int64_t> shape) noexcept {
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0)
      empty = true;
    else if (!multiply(product, size))
      return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

std::vector<std::int64_t> contiguous_strides(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t dim = shape.size(); dim-- > 0;) {
    strides[dim] = step;
    if (!multiply(step, std::max<std::int64_t>(shape[dim], 1))) step = INT64_MAX;
  }
  return strides;
}

bool is_contiguous(std::span<const std::int64_t> shape, std::span<const std::int64_t> strides) noexcept {
  if (shape.size() != strides.size()) return false;
  if (std::ranges::find(shape, 0) != shape.end()) return true;
  std::int64_t step = 1;
  for (std::size_t dim = shape.size(); dim-- > 0;) {
    if (shape[dim] == 1) continue;
    if (strides[dim] != step || !multiply(step, shape[dim])) return false;
  }
  return true;
}

std::optional<std::string> why_not_inside(DType dtype, std::span<const std::int64_t> shape,
                                          std::span<const std::int64_t> strides, std::int64_t storage_offset,
                                          std::uint64_t storage_bytes) {
  if (auto why = why_not_a_view(shape, strides, storage_offset)) return why;
  const auto numel = numel_of(shape);
  if (!numel) return "the sizes multiply to more than 2^63 - 1 elements";
  const std::string name(to_string(dtype));
  if (bytes_of(dtype, *numel).value_or(UINT64_MAX) > kInt64Max)
    return std::to_string(*numel) + " elements of " + name + " take more than 2^63 - 1 bytes";
  if (*numel == 0) {
    // Nothing is touched, and PyTorch makes such tensors with any offset: x[2:][:, 2:] of a (2, 3, 4).
    if (bytes_of(dtype, static_cast<std::uint64_t>(storage_offset)).value_or(UINT64_MAX) > kInt64Max)
      return "storage offset " + std::to_string(storage_offset) + " lies beyond 2^63 - 1 bytes";
    return std::nullopt;
  }
  const auto end = end_of(shape, strides, storage_offset);
  if (!end) return "the position of the last element overflows 64 bits";
  const std::uint64_t held = elements_in(dtype, storage_bytes);
  if (*end <= held) return std::nullopt;
  return "the view needs elements up to " + std::to_string(*end) + ", but its storage of " +
         std::to_string(storage_bytes) + " bytes holds " + std::to_string(held) + " of " + name;
}

}  // namespace sconce::tensor
