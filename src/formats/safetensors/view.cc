#include "formats/safetensors/view.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

/// Storages up to here are restored whatever part of them is shown.
constexpr std::uint64_t kSmallStorage = std::uint64_t{64} << 20;
/// Larger ones where at least one byte in so many is shown.
constexpr std::uint64_t kMostlyHidden = 16;

bool is_empty(const View& view) { return std::ranges::find(view.shape, 0) != view.shape.end(); }

struct Dim {
  std::uint64_t size;
  std::uint64_t stride;
};

/// The dimensions that move, outermost first.
std::vector<Dim> moving_dims(const View& view) {
  std::vector<Dim> dims;
  for (std::size_t at = 0; at < view.shape.size(); ++at)
    if (view.shape[at] > 1 && view.strides[at] != 0)
      dims.push_back({static_cast<std::uint64_t>(view.shape[at]), static_cast<std::uint64_t>(view.strides[at])});
  std::ranges::stable_sort(dims, [](const Dim& a, const Dim& b) { return a.stride > b.stride; });
  return dims;
}

}  // namespace

std::optional<Interval> interval_of(const View& view) {
  const std::uint64_t bits = info(view.dtype).bits;
  if (view.offset < 0 || view.shape.size() != view.strides.size()) return std::nullopt;
  std::uint64_t last = 0;
  for (std::size_t at = 0; at < view.shape.size(); ++at) {
    if (view.shape[at] < 0 || view.strides[at] < 0) return std::nullopt;
    if (view.shape[at] == 0) continue;
    const auto way =
        checked_mul(static_cast<std::uint64_t>(view.shape[at] - 1), static_cast<std::uint64_t>(view.strides[at]));
    const auto sum = way ? checked_add(last, *way) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  const auto first_bit = checked_mul(static_cast<std::uint64_t>(view.offset), bits);
  if (!first_bit || *first_bit % 8 != 0 || *first_bit > INT64_MAX) return std::nullopt;
  if (is_empty(view)) return Interval{*first_bit / 8, *first_bit / 8};
  if (bits < 8 && !tensor::is_contiguous(view.shape, view.strides)) return std::nullopt;
  const auto count = checked_add(last, 1);
  const auto size = count ? bytes_of(view.dtype, *count) : std::nullopt;
  const auto end = size ? checked_add(*first_bit / 8, *size) : std::nullopt;
  if (!end || *end > INT64_MAX) return std::nullopt;
  return Interval{*first_bit / 8, *end};
}

bool is_dense(const View& view) { return tensor::is_contiguous(view.shape, view.strides); }

bool is_nested(const View& view) {
  if (info(view.dtype).bits < 8) return is_dense(view);
  const std::vector<Dim> dims = moving_dims(view);
  std::uint64_t extent = 1;  // of the inner dimensions; interval_of() proved that nothing overflows
  for (std::size_t at = dims.size(); at-- > 0;) {
    if (dims[at].stride < extent) return false;
    extent += (dims[at].size - 1) * dims[at].stride;
  }
  return true;
}

bool fills_interval(const View& view) {
  if (is_empty(view) || is_dense(view)) return true;
  const std::vector<Dim> dims = moving_dims(view);
  std::uint64_t extent = 1;
  for (std::size_t at = dims.size(); at-- > 0;) {
    if (dims[at].stride != extent) return false;
    extent *= dims[at].size;
  }
  return true;
}

bool is_worthwhile(std::uint64_t bytes, std::uint64_t shown) noexcept {
  return bytes <= kSmallStorage || bytes / kMostlyHidden <= shown;
}

std::optional<std::vector<std::size_t>> needed_views(std::span<const View> views, std::span<const Interval> intervals) {
  std::vector<std::size_t> order(views.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  // The larger first, and among equals those that fill what they span: most others lie inside of one of them.
  std::vector<bool> fills(views.size());
  for (std::size_t at = 0; at < views.size(); ++at) fills[at] = fills_interval(views[at]);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    if (intervals[a].begin != intervals[b].begin) return intervals[a].begin < intervals[b].begin;
    if (intervals[a].end != intervals[b].end) return intervals[a].end > intervals[b].end;
    return fills[a] && !fills[b];
  });
  std::vector<std::size_t> needed;
  std::uint64_t filled = 0;  // no byte of [begin of this view, filled) is missing
  for (const std::size_t at : order) {
    if (intervals[at].end <= filled || intervals[at].begin == intervals[at].end) continue;
    if (!is_nested(views[at])) return std::nullopt;
    needed.push_back(at);
    if (fills[at]) filled = intervals[at].end;
  }
  return needed;
}

}  // namespace sconce::formats::safetensors
