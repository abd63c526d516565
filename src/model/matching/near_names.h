// "did you mean": for names of one side, the nearest of the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sconce::model::matching {

struct NamedShape {
  std::string_view name;
  std::span<const std::int64_t> shape;
  bool has_shape = true;  ///< false for what is no tensor
};

/// Finds near names among `others` with bounded work, however many there are: names that differ in one component, or
/// by one component, are found through a table; for the first names that are asked for, all others are looked at, too.
///
/// The views must outlive it.
class NearNames {
 public:
  explicit NearNames(std::vector<NamedShape> others);

  /// At most three, best first: those of the same shape before those of another.
  [[nodiscard]] std::vector<std::string> nearest_to(const NamedShape& wanted);

 private:
  struct Bucket {
    std::uint64_t key;
    std::uint32_t other;
  };

  void gather(std::uint64_t key, bool full_ones);
  void gather_by_components(std::string_view name, bool full_ones);

  std::vector<NamedShape> others_;
  std::vector<Bucket> table_;  ///< sorted by key
  std::vector<std::uint32_t> candidates_;
  std::size_t thorough_left_;
  std::uint64_t work_left_;  ///< characters that may still be compared; suggestions end with it
};

}  // namespace sconce::model::matching
