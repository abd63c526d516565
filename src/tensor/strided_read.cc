#include "tensor/strided_read.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/checked.h"

namespace sconce::tensor {
namespace {

/// Runs from this many bytes on are read into their place; shorter ones, many at a time, through the window.
constexpr std::uint64_t kDirectRun = std::uint64_t{32} << 10;
/// Gaps up to this many bytes are read along: a call of the system costs as much.
constexpr std::uint64_t kReadAlong = 4096;

/// How a part of a box lies in the window: so many steps of every axis at a time, made of equal runs of the source.
struct WindowPlan {
  Box part;                           ///< `size`: steps at a time; `first` means nothing
  std::vector<std::uint64_t> stride;  ///< bytes in the window from step to step; 0 where there is but one
  std::vector<std::size_t> run;       ///< axes that are read in one go
  std::vector<std::size_t> runs;      ///< axes of which every step is a run of its own; the outermost first
  std::vector<std::size_t> parts;     ///< axes that take several parts; the outermost first
  std::uint64_t bytes = 0;            ///< of the window
};

/// Distance of runs in the window. A multiple of a power of two would make neighbours fight for the same cache lines.
std::uint64_t distance(std::uint64_t run) noexcept { return run < 256 ? align_up(run, 16) : align_up(run, 64) + 64; }

class Reader {
 public:
  Reader(const ByteSource& source, std::uint64_t base, const StridedCopy& copy, std::size_t window)
      : source_(source), base_(base), copy_(copy), window_size_(std::max<std::uint64_t>(window, copy.element)) {}

  void read(std::uint64_t first, std::uint64_t last, std::byte* to) {
    to_ = to;
    to_at_ = copy_.offset_to(copy_.at(first));
    if (has_long_runs()) {
      for (const Box& box : boxes_of(copy_, first, last)) read_runs(box);
      return;
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges{{first, last}};
    while (!ranges.empty()) {
      const auto [begin, end] = ranges.back();
      ranges.pop_back();
      const Box around = box_around(copy_, begin, end);
      // Ragged ends are read with the rows between them, unless there is little between them.
      if (count_of(around) <= 2 * (end - begin)) {
        read_box(around, boxes_of(copy_, begin, end));
      } else {
        split(around, begin, end, ranges);
      }
    }
  }

 private:
  [[nodiscard]] bool has_long_runs() const noexcept {
    if (copy_.axes.empty()) return true;
    const Axis& last = copy_.axes.back();
    return last.from == copy_.element && last.to == copy_.element && last.size * last.from >= kDirectRun;
  }

  [[nodiscard]] std::byte* place(const Box& box) const noexcept { return to_ + (copy_.offset_to(box) - to_at_); }

  /// Axes of a box, as `stride` has them in what is read.
  [[nodiscard]] std::vector<Axis> axes_of(const Box& box, std::span<const std::uint64_t> stride) const {
    std::vector<Axis> axes(box.size());
    for (std::size_t axis = 0; axis < box.size(); ++axis)
      axes[axis] = {box[axis].size, stride[axis], copy_.axes[axis].to};
    return axes;
  }

  void read_runs(const Box& box) const {
    std::vector<Axis> axes = copy_.axes;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) axes[axis].size = box[axis].size;
    std::size_t run = copy_.element;
    if (!axes.empty()) {
      run *= static_cast<std::size_t>(axes.back().size);
      axes.pop_back();
    }
    const std::uint64_t from = base_ + copy_.offset_from(box);
    std::byte* const to = place(box);
    Counter counter(axes);
    do {
      source_.read_at(from + counter.from(), {to + counter.to(), run});
    } while (counter.next());
  }

  /// Cuts a range at the borders of the steps of the outermost axis that it has several steps of.
  void split(const Box& around, std::uint64_t begin, std::uint64_t end,
             std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges) const {
    std::size_t axis = 0;
    while (around[axis].size == 1) ++axis;
    const std::uint64_t step = copy_.inner(axis);
    const std::uint64_t whole_begin = (begin + step - 1) / step * step;
    const std::uint64_t whole_end = end / step * step;
    if (whole_end < end) ranges.emplace_back(whole_end, end);
    if (whole_begin < whole_end) ranges.emplace_back(whole_begin, whole_end);
    if (begin < whole_begin) ranges.emplace_back(begin, whole_begin);
  }

  void read_box(const Box& around, std::span<const Box> wanted) {
    const std::uint64_t begin = base_ + copy_.offset_from(around);
    if (const std::byte* view = source_.view(begin, copy_.extent_from(around))) {
      std::vector<std::uint64_t> stride;
      for (const Axis& axis : copy_.axes) stride.push_back(axis.from);
      return pick(around, wanted, view, stride);
    }
    const WindowPlan plan = plan_window(around);
    if (window_ == nullptr || plan.bytes > window_bytes_) {
      window_ = std::make_unique_for_overwrite<std::byte[]>(plan.bytes);
      window_bytes_ = plan.bytes;
    }
    read_parts(around, plan, wanted);
  }

  void read_parts(const Box& around, const WindowPlan& plan, std::span<const Box> wanted) const {
    std::vector<Axis> parts;
    for (const std::size_t axis : plan.parts)
      parts.push_back({(around[axis].size + plan.part[axis].size - 1) / plan.part[axis].size, 0, 0});
    Counter counter(parts);
    do {
      Box part = around;
      for (std::size_t at = 0; at < parts.size(); ++at) {
        const Steps& whole = around[plan.parts[at]];
        const std::uint64_t size = plan.part[plan.parts[at]].size;
        const std::uint64_t first = whole.first + counter.step(at) * size;
        part[plan.parts[at]] = {first, std::min(size, whole.end() - first)};
      }
      fill_window(part, plan);
      pick(part, wanted, window_.get(), plan.stride);
    } while (counter.next());
  }

  void fill_window(const Box& part, const WindowPlan& plan) const {
    std::uint64_t run = copy_.element;
    for (const std::size_t axis : plan.run) run += (part[axis].size - 1) * copy_.axes[axis].from;
    std::vector<Axis> runs;
    for (const std::size_t axis : plan.runs)
      runs.push_back({part[axis].size, copy_.axes[axis].from, plan.stride[axis]});
    const std::uint64_t from = base_ + copy_.offset_from(part);
    Counter counter(runs);
    do {
      source_.read_at(from + counter.from(), {window_.get() + counter.to(), static_cast<std::size_t>(run)});
    } while (counter.next());
  }

  /// Copies what is wanted of a box whose first element stands at `from`.
  void pick(const Box& box, std::span<const Box> wanted, const std::byte* from,
            std::span<const std::uint64_t> stride) const {
    for (const Box& want : wanted) {
      const Box both = intersection(box, want);
      if (count_of(both) == 0) continue;
      std::uint64_t skip = 0;
      for (std::size_t axis = 0; axis < both.size(); ++axis)
        skip += (both[axis].first - box[axis].first) * stride[axis];
      copy_strided(copy_.element, axes_of(both, stride), from + skip, place(both));
    }
  }

  /// Fills the window from the densest axis outwards: first with one run as long as gaps are short, then with runs side
  /// by side, until it is full.
  [[nodiscard]] WindowPlan plan_window(const Box& around) const {
    WindowPlan plan{.part = around, .stride = std::vector<std::uint64_t>(around.size(), 0)};
    std::uint64_t run = copy_.element;
    std::uint64_t count = 1;
    bool full = false;
    for (const std::size_t axis : densest_first(around)) {
      const std::uint64_t from = copy_.axes[axis].from;
      const std::uint64_t size = around[axis].size;
      std::uint64_t& taken = plan.part[axis].size;
      if (full) {
        taken = 1;
      } else if (plan.runs.empty() && from <= run + kReadAlong) {
        taken = std::min(size, (window_size_ - run) / from + 1);
        plan.stride[axis] = from;
        plan.run.push_back(axis);
        run += (taken - 1) * from;
      } else {
        taken = std::min(size, std::max<std::uint64_t>(window_size_ / (distance(run) * count), 1));
        plan.stride[axis] = distance(run) * count;
        plan.runs.push_back(axis);
        count *= taken;
      }
      full = taken < size;
      if (full) plan.parts.push_back(axis);
    }
    plan.bytes = plan.runs.empty() ? run : distance(run) * count;
    std::ranges::reverse(plan.runs);
    std::ranges::reverse(plan.parts);
    return plan;
  }

  /// Axes that make reading move, those of the shortest jumps first.
  [[nodiscard]] std::vector<std::size_t> densest_first(const Box& around) const {
    std::vector<std::size_t> order;
    for (std::size_t axis = 0; axis < around.size(); ++axis)
      if (around[axis].size > 1 && copy_.axes[axis].from > 0) order.push_back(axis);
    std::ranges::stable_sort(order, {}, [&](std::size_t axis) { return copy_.axes[axis].from; });
    return order;
  }

  const ByteSource& source_;
  std::uint64_t base_;
  const StridedCopy& copy_;
  std::uint64_t window_size_;
  std::unique_ptr<std::byte[]> window_;
  std::uint64_t window_bytes_ = 0;
  std::byte* to_ = nullptr;
  std::uint64_t to_at_ = 0;  // offset_to() of the element that stands at to_
};

}  // namespace

void read_strided(const ByteSource& source, std::uint64_t base, const StridedCopy& copy, std::uint64_t first,
                  std::uint64_t last, std::byte* to, std::size_t window) {
  if (first < last) Reader(source, base, copy, window).read(first, last, to);
}

}  // namespace sconce::tensor
