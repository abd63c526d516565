// A strict JSON pull reader (RFC 8259) with byte offsets: for headers of safetensors files, where every laxness is an
// attack and every error has to say where.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sconce {

/// Reads one JSON text from front to back; linear time, no recursion, depth limited. The text must outlive the reader.
///
/// Strict: UTF-8 only, no byte order mark, no comments, no trailing commas, no leading zeros, no lone surrogate
/// escapes, no control characters in strings. Errors: `damaged` with the offset (plus `base_offset`).
class JsonReader {
 public:
  enum class Token : std::uint8_t {
    begin_object,
    end_object,
    begin_array,
    end_array,
    key,
    string,
    number,
    boolean,
    null,
    end,
  };

  explicit JsonReader(std::string_view text, std::uint64_t base_offset = 0, unsigned max_depth = 64);
  JsonReader(const JsonReader&) = delete;  // text() may view the reader's own buffer
  JsonReader& operator=(const JsonReader&) = delete;

  /// The next token. `end` after the one value and trailing white space; anything after is an error.
  Token next();
  /// Offset of the last token, in the text plus base_offset.
  [[nodiscard]] std::uint64_t offset() const noexcept { return base_offset_ + token_at_; }
  /// Text of a key or string, escapes resolved; valid until the next call.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The characters of a number.
  [[nodiscard]] std::string_view number() const noexcept { return text_; }
  [[nodiscard]] bool boolean() const noexcept { return boolean_; }

  /// The next token, which must be this one; `what` names it in the error ("dtype"). Errors: `damaged`.
  void expect(Token token, std::string_view what);
  /// A string value. Errors: `damaged`.
  [[nodiscard]] std::string expect_string(std::string_view what);
  /// A non-negative integer, written with digits only ("-0", "1.0", "1e0" are errors). Errors: `damaged`.
  [[nodiscard]] std::uint64_t expect_u64(std::string_view what);

  /// The number that was just read, as another type. Errors: `damaged` where it does not fit: a fraction or an exponent
  /// in an integer, a double that would be infinite or too small to tell from zero.
  [[nodiscard]] std::int64_t as_i64() const;
  [[nodiscard]] std::uint64_t as_u64(std::string_view what) const;
  [[nodiscard]] double as_double() const;

  /// Passes over the next value, whatever it is.
  void skip_value();

  /// Throws `damaged` at the last token.
  [[noreturn]] void wrong(std::string message) const;

 private:
  [[nodiscard]] char peek() const noexcept { return at_ < all_.size() ? all_[at_] : '\0'; }
  void skip_space() noexcept;
  void start_token() noexcept;
  Token value_token();
  Token key_token();
  Token after_comma();
  Token open(Token token);
  Token close();
  Token finish_value(Token token);
  void read_string();
  void read_escape();
  void read_number();
  void read_literal(std::string_view word);
  [[noreturn]] void unexpected(std::string_view wanted) const;
  [[noreturn]] void wrong_at(std::size_t at, std::string message) const;

  enum class Want : std::uint8_t { value, first_key_or_end, comma_or_end, first_value_or_end, end };

  std::string_view all_;
  std::uint64_t base_offset_;
  unsigned max_depth_;
  std::size_t at_ = 0;
  std::size_t token_at_ = 0;
  Want want_ = Want::value;
  std::vector<bool> in_object_;
  std::string_view text_;
  std::string buffer_;
  bool boolean_ = false;
};

}  // namespace sconce
