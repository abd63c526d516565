// Writing JSON: compact, deterministic, any text made valid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sconce {

/// Appends JSON to a string. Commas and nesting are the writer's business; that keys come before values is the
/// caller's.
///
/// Text that is not UTF-8 is written with each offending byte as U+FFFD; lone surrogates (three-byte form) as \udXXX.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) noexcept : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(int number) { return value(std::int64_t{number}); }
  JsonWriter& value(unsigned number) { return value(std::uint64_t{number}); }
  /// Shortest text that reads back as the same double; non-finite ones as the strings "inf", "-inf", "nan".
  JsonWriter& value(double number);
  JsonWriter& null();
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);

  template <typename T>
  JsonWriter& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }

 private:
  void separate();

  std::string& out_;
  bool need_comma_ = false;
};

/// `text` as a JSON string with its quotes.
[[nodiscard]] std::string json_quoted(std::string_view text);

}  // namespace sconce
