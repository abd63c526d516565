// Throwing sconce::Error in one line.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <sconce/error.h>

namespace sconce {

[[noreturn]] inline void fail(ErrorCode code, std::string message, ErrorPlace place = {}, std::string advice = {}) {
  throw Error(code, std::move(message), std::move(place), std::move(advice));
}

/// A place of which only the byte offset is known yet; who called adds the file and the record.
[[nodiscard]] inline ErrorPlace at_offset(std::uint64_t offset) {
  ErrorPlace place;
  place.offset = offset;
  return place;
}

[[nodiscard]] inline ErrorPlace in_record(std::string record) {
  ErrorPlace place;
  place.record = std::move(record);
  return place;
}

/// Runs `body`; an Error that leaves it learns the places that it does not know yet.
template <typename Body>
decltype(auto) with_place(const ErrorPlace& outer, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.add_place(outer);
    throw;
  }
}

}  // namespace sconce
