#include "tensor/strided_copy.h"

#include <algorithm>
#include <cstring>

namespace sconce::tensor {

void StridedCopy::add(const Axis& axis) {
  if (axis.size == 1) return;
  if (!axes.empty()) {
    Axis& outer = axes.back();
    if (outer.from == axis.size * axis.from && outer.to == axis.size * axis.to) {
      outer = {outer.size * axis.size, axis.from, axis.to};
      return;
    }
  }
  axes.push_back(axis);
}

std::uint64_t StridedCopy::count() const noexcept {
  std::uint64_t count = 1;
  for (const Axis& axis : axes) count *= axis.size;
  return count;
}

std::uint64_t StridedCopy::inner(std::size_t at) const noexcept {
  std::uint64_t count = 1;
  while (++at < axes.size()) count *= axes[at].size;
  return count;
}

Box StridedCopy::at(std::uint64_t at) const {
  Box box(axes.size());
  for (std::size_t axis = axes.size(); axis-- > 0;) {
    box[axis] = {at % axes[axis].size, 1};
    at /= axes[axis].size;
  }
  return box;
}

std::uint64_t StridedCopy::offset_from(const Box& box) const noexcept {
  std::uint64_t offset = 0;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) offset += box[axis].first * axes[axis].from;
  return offset;
}

std::uint64_t StridedCopy::offset_to(const Box& box) const noexcept {
  std::uint64_t offset = 0;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) offset += box[axis].first * axes[axis].to;
  return offset;
}

std::uint64_t StridedCopy::extent_from(const Box& box) const noexcept {
  std::uint64_t extent = element;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) extent += (box[axis].size - 1) * axes[axis].from;
  return extent;
}

std::uint64_t count_of(const Box& box) noexcept {
  std::uint64_t count = 1;
  for (const Steps& steps : box) count *= steps.size;
  return count;
}

Box intersection(const Box& a, const Box& b) {
  Box both(a.size());
  for (std::size_t axis = 0; axis < a.size(); ++axis) {
    const std::uint64_t first = std::max(a[axis].first, b[axis].first);
    const std::uint64_t end = std::min(a[axis].end(), b[axis].end());
    both[axis] = {first, end > first ? end - first : 0};
  }
  return both;
}

std::vector<Box> boxes_of(const StridedCopy& copy, std::uint64_t first, std::uint64_t last) {
  std::vector<Box> boxes;
  while (first < last) {
    // The outermost axis of which a whole step begins here and fits.
    std::size_t axis = 0;
    std::uint64_t step = copy.count();
    for (; axis < copy.axes.size(); ++axis) {
      step /= copy.axes[axis].size;
      if (first % step == 0 && step <= last - first) break;
    }
    Box box = copy.at(first);
    std::uint64_t count = 1;
    if (axis < copy.axes.size()) {
      box[axis].size = std::min(copy.axes[axis].size - box[axis].first, (last - first) / step);
      count = box[axis].size * step;
      while (++axis < copy.axes.size()) box[axis] = {0, copy.axes[axis].size};
    }
    boxes.push_back(std::move(box));
    first += count;
  }
  return boxes;
}

Box box_around(const StridedCopy& copy, std::uint64_t first, std::uint64_t last) {
  Box box = copy.at(first);
  const Box end = copy.at(last - 1);
  std::size_t axis = 0;
  while (axis < box.size() && box[axis].first == end[axis].first) ++axis;
  if (axis == box.size()) return box;
  box[axis].size = end[axis].end() - box[axis].first;
  while (++axis < box.size()) box[axis] = {0, copy.axes[axis].size};
  return box;
}

bool Counter::next() noexcept {
  for (std::size_t at = axes_.size(); at-- > 0;) {
    from_ += axes_[at].from;
    to_ += axes_[at].to;
    if (++step_[at] < axes_[at].size) return true;
    from_ -= axes_[at].size * axes_[at].from;
    to_ -= axes_[at].size * axes_[at].to;
    step_[at] = 0;
  }
  return false;
}

namespace {

/// Elements of so many steps along both axes are moved at a time, so that what is read and what is written stay in the
/// cache although one of them jumps from line to line.
constexpr std::uint64_t kTile = 16;

template <std::size_t kElement>
void copy_line(const Axis& axis, const std::byte* from, std::byte* to) noexcept {
  for (std::uint64_t step = 0; step < axis.size; ++step)
    std::memcpy(to + step * axis.to, from + step * axis.from, kElement);
}

template <std::size_t kElement>
void copy_plane(const Axis& outer, const Axis& line, const std::byte* from, std::byte* to) noexcept {
  if (line.from == kElement && line.to == kElement) {
    for (std::uint64_t step = 0; step < outer.size; ++step)
      std::memcpy(to + step * outer.to, from + step * outer.from, line.size * kElement);
    return;
  }
  for (std::uint64_t row = 0; row < outer.size; row += kTile) {
    const std::uint64_t rows = std::min(kTile, outer.size - row);
    for (std::uint64_t column = 0; column < line.size; column += kTile) {
      const Axis part{std::min(kTile, line.size - column), line.from, line.to};
      const std::byte* tile_from = from + row * outer.from + column * line.from;
      std::byte* tile_to = to + row * outer.to + column * line.to;
      for (std::uint64_t step = 0; step < rows; ++step)
        copy_line<kElement>(part, tile_from + step * outer.from, tile_to + step * outer.to);
    }
  }
}

/// `axes`: at least two; the last two are the plane, the others lead from plane to plane.
template <std::size_t kElement>
void copy_planes(std::span<const Axis> axes, const std::byte* from, std::byte* to) {
  const auto outer = axes.first(axes.size() - 2);
  Counter counter(outer);
  do {
    copy_plane<kElement>(axes[outer.size()], axes[outer.size() + 1], from + counter.from(), to + counter.to());
  } while (counter.next());
}

/// Puts the axes into the order in which they are walked: last the one along which writing is densest, before it the
/// one along which reading is densest, the others by how far they jump in what is written.
void order_axes(std::vector<Axis>& axes) {
  std::ranges::stable_sort(axes, std::ranges::greater(), &Axis::to);
  if (axes.size() < 2) return;
  const auto reach = [](const Axis& axis) { return axis.from == 0 ? UINT64_MAX : axis.from; };
  const auto densest = std::ranges::min_element(axes.begin(), axes.end() - 1, {}, reach);
  std::rotate(densest, densest + 1, axes.end() - 1);
}

}  // namespace

void copy_strided(std::size_t element, std::span<const Axis> axes, const std::byte* from, std::byte* to) {
  std::vector<Axis> ordered;
  for (const Axis& axis : axes) {
    if (axis.size == 0) return;
    if (axis.size > 1) ordered.push_back(axis);
  }
  order_axes(ordered);
  while (ordered.size() < 2) ordered.insert(ordered.begin(), Axis{1, 0, 0});
  switch (element) {
    case 1: return copy_planes<1>(ordered, from, to);
    case 2: return copy_planes<2>(ordered, from, to);
    case 4: return copy_planes<4>(ordered, from, to);
    case 8: return copy_planes<8>(ordered, from, to);
    default: return copy_planes<16>(ordered, from, to);
  }
}

}  // namespace sconce::tensor
