// What the training half of the bridge has against a state, gathered before anything changes; and small readers of
// values that files spell in several ways.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/error.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/training.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch::detail {

/// Findings in the order in which they were made. What a hostile file could repeat without end is counted, not kept.
class Findings {
 public:
  static constexpr std::size_t kKept = 64;

  /// `kind`: as docs/libtorch.md and docs/training.md list them.
  void wrong(std::string_view kind, std::string path, std::string message) {
    ++wrong_;
    keep(kind, std::move(path), std::move(message), true);
  }
  void note(std::string_view kind, std::string path, std::string message) {
    keep(kind, std::move(path), std::move(message), false);
  }

  [[nodiscard]] bool any_wrong() const noexcept { return wrong_ != 0; }
  [[nodiscard]] std::size_t wrong_count() const noexcept { return wrong_; }
  [[nodiscard]] const std::vector<TrainingFinding>& list() const noexcept { return list_; }

 private:
  void keep(std::string_view kind, std::string path, std::string message, bool wrong) {
    if (list_.size() < kKept) list_.push_back({std::string(kind), std::move(path), std::move(message), wrong});
  }

  std::vector<TrainingFinding> list_;
  std::size_t wrong_ = 0;
};

/// One Error with all of it. Nothing was changed.
[[noreturn]] inline void refuse(const std::string& what, const std::vector<TrainingFinding>& findings,
                                std::size_t wrong, ErrorCode code, std::string advice = {}) {
  std::string text =
      what + " (" + std::to_string(wrong) + (wrong == 1 ? " finding" : " findings") + ", nothing was changed)";
  std::size_t told = 0;
  std::string first;
  for (const TrainingFinding& finding : findings) {
    if (!finding.wrong) continue;
    if (told == 0) first = finding.path;
    text += told++ == 0 ? ": " : "; ";
    text += (finding.path.empty() ? "" : finding.path + ": ") + finding.message + " [" + finding.kind + "]";
  }
  if (told < wrong) text += "; and " + std::to_string(wrong - told) + " more";
  ErrorPlace place;
  place.key = first;
  throw Error(code, std::move(text), std::move(place), std::move(advice));
}

inline std::string child(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

/// What is there, for messages: "a dict", "None", "'text'".
inline std::string shown(const Value& value) {
  constexpr std::size_t kLongest = 60;
  if (value.is_tensor()) {
    std::string text = "a tensor [";
    const Tensor tensor = value.as_tensor();
    for (const std::int64_t size : tensor.shape()) text += (text.back() == '[' ? "" : ", ") + std::to_string(size);
    return text + "]";
  }
  std::string text = value.to_text();
  if (text.size() <= kLongest) return text;
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return text.substr(0, end) + "…";
}

/// The only element of a tensor as a number; nothing where it has none or several, or is complex or quantised.
inline std::optional<double> number_in(const Tensor& tensor) {
  if (tensor.layout() != Layout::strided || !tensor.has_storage() || tensor.numel() != 1) return std::nullopt;
  const DTypeInfo& of = info(tensor.dtype());
  if (of.is_complex || of.is_quantized || of.bits < 8 || !find_scalar_type(tensor.dtype())) return std::nullopt;
  std::array<std::byte, 16> bytes{};
  const std::span element(bytes.data(), static_cast<std::size_t>(tensor.nbytes()));
  tensor.copy_to(element);
  try {
    return to_tensor(Tensor::copy_of(tensor.dtype(), element, std::span<const std::int64_t>())).item<double>();
  } catch (const ::c10::Error&) {  // types that libtorch knows, but cannot compute with
    return std::nullopt;
  }
}

/// A number, however it was saved: Python's int, float or bool, NumPy's scalars, a tensor with one element.
inline std::optional<double> number_in(const Value& value) {
  switch (value.kind()) {
    case Kind::tensor: return number_in(value.as_tensor());
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
    case Kind::scalar: try { return value.as_float();
      } catch (const Error&) {  // beyond 64 bits; a complex scalar
        return std::nullopt;
      }
    default: return std::nullopt;
  }
}

/// A whole number of that range, also where it was saved as 3.0 or as a tensor.
inline std::optional<std::int64_t> whole_number_in(const Value& value, std::int64_t least = 0) {
  constexpr double kExact = 9007199254740992;  // 2^53: beyond, doubles skip whole numbers
  const auto number = number_in(value);
  if (!number || !(*number >= static_cast<double>(least)) || *number > kExact || *number != std::floor(*number))
    return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

inline std::optional<bool> flag_in(const Value& value) {
  const auto number = number_in(value);
  if (!number || (*number != 0 && *number != 1)) return std::nullopt;
  return *number == 1;
}

/// Where a number has to lie: at least `least`, below `below`, and finite unless said otherwise; never NaN.
struct Range {
  double least = -HUGE_VAL;
  double below = HUGE_VAL;
  std::string_view words = "a finite number";
  bool infinite = false;

  [[nodiscard]] bool holds(double number) const noexcept {
    if (std::isinf(number)) return infinite;
    return number >= least && number < below;
  }
};
inline constexpr Range kFinite{};
inline constexpr Range kAnyNumber{-HUGE_VAL, HUGE_VAL, "a number", true};
inline constexpr Range kNotNegative{0, HUGE_VAL, "a finite number of at least 0"};
inline constexpr Range kFraction{0, 1, "a number from 0 to below 1"};

}  // namespace sconce::inline v0::libtorch::detail
