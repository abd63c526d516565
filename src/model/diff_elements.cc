#include "model/diff_elements.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/endian.h"
#include "tensor/numbers.h"

namespace sconce::model {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Two numbers, or two complex ones, against each other.
struct Distance {
  bool equal = true;
  double abs = 0;
  double size_a = 0;
  double size_b = 0;
  [[nodiscard]] double rel() const { return std::isfinite(abs) ? abs / std::max(size_a, size_b) : kInfinity; }
};

bool same(double x, double y) noexcept { return x == y || (std::isnan(x) && std::isnan(y)); }

Distance distance(double x, double y) noexcept {
  if (same(x, y)) return {};
  if (!std::isfinite(x) || !std::isfinite(y)) return {false, kInfinity, std::abs(x), std::abs(y)};
  return {false, std::abs(x - y), std::abs(x), std::abs(y)};
}

Distance complex_distance(const double* x, const double* y) noexcept {
  if (same(x[0], y[0]) && same(x[1], y[1])) return {};
  const double abs = std::hypot(x[0] - y[0], x[1] - y[1]);
  return {false, std::isnan(abs) ? kInfinity : abs, std::hypot(x[0], x[1]), std::hypot(y[0], y[1])};
}

/// Doubles cannot tell neighbours beyond 2^53 apart; integers can.
template <typename Integer>
Distance integer_distance(const std::byte* a, const std::byte* b) noexcept {
  using Bits = std::make_unsigned_t<Integer>;
  const auto x = static_cast<Integer>(load_le<Bits>(a));
  const auto y = static_cast<Integer>(load_le<Bits>(b));
  if (x == y) return {};
  const Bits apart = x > y ? static_cast<Bits>(x) - static_cast<Bits>(y) : static_cast<Bits>(y) - static_cast<Bits>(x);
  return {false, static_cast<double>(apart), std::abs(static_cast<double>(x)), std::abs(static_cast<double>(y))};
}

/// One block: elements [0, count), which are not all equal by their bytes.
class Block {
 public:
  Block(const ElementRules& rules, std::span<const std::byte> a, std::span<const std::byte> b, std::size_t count)
      : rules_(rules), a_(a), b_(b), count_(count), numbers_(tensor::numbers_per_element(rules.a)) {
    tensor::to_doubles(rules.a, a, std::span(x_).first(count * numbers_));
    tensor::to_doubles(rules.b, b, std::span(y_).first(count * numbers_));
  }

  void compare(std::uint64_t first, ElementStats& stats) const {
    for (std::size_t at = 0; at < count_; ++at) {
      const Distance apart = distance_at(at);
      if (is_equal(apart, at)) continue;
      if (stats.different++ == 0) stats.first = std::min(stats.first, first + at);
      if (apart.equal) continue;  // only their bits differ
      stats.max_abs = std::max(stats.max_abs, apart.abs);
      stats.max_rel = std::max(stats.max_rel, apart.rel());
    }
  }

 private:
  [[nodiscard]] Distance distance_at(std::size_t at) const {
    if (rules_.a == rules_.b) {
      if (rules_.a == DType::int64) return integer_distance<std::int64_t>(&a_[at * 8], &b_[at * 8]);
      if (rules_.a == DType::uint64) return integer_distance<std::uint64_t>(&a_[at * 8], &b_[at * 8]);
    }
    if (numbers_ == 1) return distance(x_[at], y_[at]);
    if (info(rules_.a).is_complex) return complex_distance(&x_[2 * at], &y_[2 * at]);
    const Distance low = distance(x_[2 * at], y_[2 * at]);
    const Distance high = distance(x_[2 * at + 1], y_[2 * at + 1]);
    return low.abs > high.abs ? low : high;
  }

  [[nodiscard]] bool is_equal(const Distance& apart, std::size_t at) const {
    if (apart.equal) return !rules_.strict || rules_.a != rules_.b || same_bits(at);
    if (rules_.rtol == 0 && rules_.atol == 0) return false;
    return std::isfinite(apart.abs) && std::isfinite(apart.size_b) &&
           apart.abs <= rules_.atol + rules_.rtol * apart.size_b;
  }

  /// Of elements that share a byte the numbers say it all, but for the sign of a zero.
  [[nodiscard]] bool same_bits(std::size_t at) const {
    const std::size_t bits = info(rules_.a).bits;
    if (bits < 8) return std::signbit(x_[at]) == std::signbit(y_[at]);
    return std::memcmp(&a_[at * bits / 8], &b_[at * bits / 8], bits / 8) == 0;
  }

  const ElementRules& rules_;
  std::span<const std::byte> a_;
  std::span<const std::byte> b_;
  std::size_t count_;
  std::size_t numbers_;
  std::array<double, 2 * kElementBlock> x_;
  std::array<double, 2 * kElementBlock> y_;
};

std::size_t bytes_for(DType dtype, std::size_t count) noexcept {
  return static_cast<std::size_t>((std::uint64_t{count} * info(dtype).bits + 7) / 8);
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

void ElementStats::merge(const ElementStats& other) noexcept {
  different += other.different;
  first = std::min(first, other.first);
  max_abs = std::max(max_abs, other.max_abs);
  max_rel = std::max(max_rel, other.max_rel);
}

void compare_elements(const ElementRules& rules, std::span<const std::byte> a, std::span<const std::byte> b,
                      std::uint64_t first, std::size_t count, ElementStats& stats) noexcept {
  const bool one_dtype = rules.a == rules.b;
  if (one_dtype && same_bytes(a, b)) return;
  for (std::size_t done = 0; done < count; done += kElementBlock) {
    const std::size_t part = std::min(kElementBlock, count - done);
    const auto x = a.subspan(bytes_for(rules.a, done), bytes_for(rules.a, part));
    const auto y = b.subspan(bytes_for(rules.b, done), bytes_for(rules.b, part));
    if (one_dtype && same_bytes(x, y)) continue;
    ElementStats found;
    Block(rules, x, y, part).compare(first + done, found);
    stats.merge(found);
  }
}

}  // namespace sconce::model
