// --dtype, --cast, --memory-format, --for-device: what happens to tensors on their way.
#pragma once

#include <sconce/transfer.h>

#include <string>
#include <string_view>
#include <vector>

namespace sconce::cli {

class Arguments;

/// Rules in the order in which they are tried: --cast as given, then --for-device, then --dtype. Errors:
/// `invalid_argument`.
[[nodiscard]] std::vector<CastRule> cast_rules(const Arguments& arguments);
[[nodiscard]] MemoryFormat memory_format(const Arguments& arguments);

/// "4GiB", "256MiB", "4096". Errors: `invalid_argument`, with the option's name.
[[nodiscard]] std::uint64_t size_option(const Arguments& arguments, std::string_view option, std::uint64_t otherwise);

/// Lines for people about numbers that a cast could not keep; empty where it kept all.
[[nodiscard]] std::vector<std::string> cast_warnings(const CastCounts& counts);

}  // namespace sconce::cli
