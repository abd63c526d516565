#include "cli/move_options.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "cli/arguments.h"

namespace sconce::cli {

namespace {

DType dtype_named(std::string_view name, std::string_view option) {
  if (const auto dtype = dtype_from_string(name)) return *dtype;
  usage_error("--" + std::string(option) + ": \"" + escaped(name) + "\" is no dtype",
              "names are PyTorch's: float32, float16, bfloat16, float8_e4m3fn, int8 …");
}

/// PATTERN=DTYPE or PATTERN:FROM=DTYPE.
CastRule rule_from(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos)
    usage_error("--cast: \"" + escaped(text) + "\" has no =", "for example --cast 'head.*=float32'");
  CastRule rule;
  rule.to = dtype_named(text.substr(equals + 1), "cast");
  std::string_view pattern = text.substr(0, equals);
  if (const std::size_t colon = pattern.rfind(':'); colon != std::string_view::npos) {
    rule.from = dtype_named(pattern.substr(colon + 1), "cast");
    pattern = pattern.substr(0, colon);
  }
  rule.pattern = pattern.empty() ? "*" : std::string(pattern);
  return rule;
}

/// What a CPU computes slowly or not at all becomes float32.
constexpr std::array kNotForCpu = {DType::float16,       DType::bfloat16,        DType::float8_e5m2,
                                   DType::float8_e4m3fn, DType::float8_e5m2fnuz, DType::float8_e4m3fnuz};

}  // namespace

std::vector<CastRule> cast_rules(const Arguments& arguments) {
  std::vector<CastRule> rules;
  for (const std::string& text : arguments.values("cast")) {
    if (!text.empty())
      rules.push_back(rule_from(text));
    else if (!arguments.has("for") && !arguments.has("weights-only"))
      usage_error("--cast wants a value: PATTERN=DTYPE", "for example --cast 'head.*=float32'");
  }
  if (arguments.value("for-device") == "cpu")
    for (const DType from : kNotForCpu) rules.push_back({"*", from, DType::float32});
  if (const auto name = arguments.value("dtype")) rules.push_back({"*", std::nullopt, dtype_named(*name, "dtype")});
  return rules;
}

MemoryFormat memory_format(const Arguments& arguments) {
  const auto name = arguments.value("memory-format");
  if (name == "contiguous") return MemoryFormat::contiguous;
  if (name == "channels_last") return MemoryFormat::channels_last;
  return MemoryFormat::preserve;
}

std::uint64_t size_option(const Arguments& arguments, std::string_view option, std::uint64_t otherwise) {
  const auto text = arguments.value(option);
  if (!text) return otherwise;
  if (const auto bytes = bytes_from_text(*text)) return *bytes;
  usage_error("--" + std::string(option) + ": \"" + escaped(*text) + "\" is no size", "for example 256MiB or 4GiB");
}

std::vector<std::string> cast_warnings(const CastCounts& counts) {
  std::vector<std::string> lines;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) lines.push_back(with_commas(count) + (count == 1 ? " number " : " numbers ") + std::string(what));
  };
  add(counts.to_infinity, "became infinite: too large for the new dtype");
  add(counts.to_nan, "became NaN: too large for the new dtype, which has no infinity");
  add(counts.to_largest, "became the largest number: too large for the new dtype, which has no infinity");
  add(counts.to_zero, "became zero: too small for the new dtype");
  add(counts.out_of_range, "did not fit the integer dtype");
  return lines;
}

}  // namespace sconce::cli
