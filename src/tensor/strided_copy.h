// Copies between two strided arrangements in memory, and the arithmetic of ranges of such a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sconce::tensor {

/// One dimension of a copy.
struct Axis {
  std::uint64_t size = 0;   ///< steps
  std::uint64_t from = 0;   ///< bytes from one step to the next in what is read
  std::uint64_t to = 0;     ///< and in what is written
};

/// A run of steps of one axis.
struct Steps {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  [[nodiscard]] std::uint64_t end() const noexcept { return first + size; }
};

/// Some steps of every axis.
using Box = std::vector<Steps>;

/// Which elements go where. Elements are counted in the order of the axes, the last moving fastest.
struct StridedCopy {
  std::size_t element = 1;   ///< bytes: 1, 2, 4, 8 or 16
  std::vector<Axis> axes;

  /// Adds the next axis inwards; makes it one with the axis before where that only continues it.
  void add(const Axis& axis);
  [[nodiscard]] std::uint64_t count() const noexcept;
  /// Elements in one step of axis `at`.
  [[nodiscard]] std::uint64_t inner(std::size_t at) const noexcept;
  /// The steps of the element that is counted as number `at`, each as a run of one.
  [[nodiscard]] Box at(std::uint64_t at) const;
  /// Bytes from the first element of all to the first of the box.
  [[nodiscard]] std::uint64_t offset_from(const Box& box) const noexcept;
  [[nodiscard]] std::uint64_t offset_to(const Box& box) const noexcept;
  /// Bytes from the first to behind the last that a box reads.
  [[nodiscard]] std::uint64_t extent_from(const Box& box) const noexcept;
};

/// Elements of a box.
[[nodiscard]] std::uint64_t count_of(const Box& box) noexcept;
/// The steps that both have; `size` of some axis is 0 where they have none.
[[nodiscard]] Box intersection(const Box& a, const Box& b);

/// Elements [first, last), not empty, as at most twice as many boxes as there are axes.
[[nodiscard]] std::vector<Box> boxes_of(const StridedCopy& copy, std::uint64_t first, std::uint64_t last);
/// The smallest box that holds elements [first, last), not empty, and has all steps of every axis behind its first
/// axis of more than one step.
[[nodiscard]] Box box_around(const StridedCopy& copy, std::uint64_t first, std::uint64_t last);

/// Walks over all steps of some axes, the last moving fastest, and knows the bytes gone since the first.
class Counter {
 public:
  /// `axes`: none of size 0; they must outlive the counter.
  explicit Counter(std::span<const Axis> axes) : axes_(axes), step_(axes.size(), 0) {}
  [[nodiscard]] std::uint64_t from() const noexcept { return from_; }
  [[nodiscard]] std::uint64_t to() const noexcept { return to_; }
  /// Steps made along axis `at`.
  [[nodiscard]] std::uint64_t step(std::size_t at) const noexcept { return step_[at]; }
  /// Goes on; false, and back at the start, where all steps were made.
  bool next() noexcept;

 private:
  std::span<const Axis> axes_;
  std::vector<std::uint64_t> step_;
  std::uint64_t from_ = 0;
  std::uint64_t to_ = 0;
};

/// Copies all elements of the axes, which may come in any order. What is read and what is written must not overlap.
void copy_strided(std::size_t element, std::span<const Axis> axes, const std::byte* from, std::byte* to);

}  // namespace sconce::tensor
