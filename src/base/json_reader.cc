#include "base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/fail.h"
#include "base/text.h"

namespace sconce {

namespace {

/// Characters that stand in strings as they are, one byte each: nearly all of them.
constexpr bool is_plain(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view name_of(JsonReader::Token token) {
  using Token = JsonReader::Token;
  switch (token) {
    case Token::begin_object: return "an object";
    case Token::end_object: return "the end of the object";
    case Token::begin_array: return "an array";
    case Token::end_array: return "the end of the array";
    case Token::key: return "a key";
    case Token::string: return "a string";
    case Token::number: return "a number";
    case Token::boolean: return "a boolean";
    case Token::null: return "null";
    case Token::end: return "the end of the text";
  }
  return "a token";
}

/// The value of four hexadecimal digits; nothing where they are others or fewer.
std::optional<std::uint32_t> four_hex_digits(std::string_view text, std::size_t at) {
  if (at > text.size() || text.size() - at < 4) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + 4;
  if (std::from_chars(text.data() + at, end, value, 16).ptr != end) return std::nullopt;
  return value;
}

constexpr bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

JsonReader::JsonReader(std::string_view text, std::uint64_t base_offset, unsigned max_depth)
    : all_(text), base_offset_(base_offset), max_depth_(max_depth) {}

void JsonReader::wrong_at(std::size_t at, std::string message) const {
  fail(ErrorCode::damaged, "JSON: " + std::move(message), at_offset(base_offset_ + at),
       "fetch the file again, or have it written anew");
}

void JsonReader::wrong(std::string message) const { wrong_at(token_at_, std::move(message)); }

void JsonReader::unexpected(std::string_view wanted) const {
  std::string found = "the end of the text";
  if (at_ < all_.size()) {
    const CodePoint c = decode_utf8(all_, at_);
    found = "'" + escaped(all_.substr(at_, std::max(c.size, 1u))) + "'";
  }
  wrong_at(at_, std::string(wanted) + " expected, found " + found);
}

void JsonReader::skip_space() noexcept {
  while (at_ < all_.size()) {
    const char c = all_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++at_;
  }
}

void JsonReader::start_token() noexcept {
  skip_space();
  token_at_ = at_;
}

JsonReader::Token JsonReader::next() {
  start_token();
  switch (want_) {
    case Want::value: return value_token();
    case Want::first_value_or_end: return peek() == ']' ? close() : value_token();
    case Want::first_key_or_end: return peek() == '}' ? close() : key_token();
    case Want::comma_or_end: return after_comma();
    case Want::end: break;
  }
  if (at_ != all_.size()) unexpected("the end of the text");
  return Token::end;
}

JsonReader::Token JsonReader::after_comma() {
  const bool object = in_object_.back();
  if (peek() == (object ? '}' : ']')) return close();
  if (peek() != ',') unexpected(object ? "',' or '}'" : "',' or ']'");
  ++at_;
  start_token();
  return object ? key_token() : value_token();
}

JsonReader::Token JsonReader::value_token() {
  switch (peek()) {
    case '{': return open(Token::begin_object);
    case '[': return open(Token::begin_array);
    case '"': read_string(); return finish_value(Token::string);
    case 't': read_literal("true"); return finish_value(Token::boolean);
    case 'f': read_literal("false"); return finish_value(Token::boolean);
    case 'n': read_literal("null"); return finish_value(Token::null);
    default: break;
  }
  if (peek() != '-' && !is_digit(peek())) unexpected("a value");
  read_number();
  return finish_value(Token::number);
}

JsonReader::Token JsonReader::key_token() {
  if (peek() != '"') unexpected("a key in double quotes");
  read_string();
  skip_space();
  if (peek() != ':') unexpected("':' after the key");
  ++at_;
  want_ = Want::value;
  return Token::key;
}

JsonReader::Token JsonReader::open(Token token) {
  if (in_object_.size() >= max_depth_) wrong("nested deeper than " + std::to_string(max_depth_) + " levels");
  ++at_;
  const bool object = token == Token::begin_object;
  in_object_.push_back(object);
  want_ = object ? Want::first_key_or_end : Want::first_value_or_end;
  return token;
}

JsonReader::Token JsonReader::close() {
  const Token token = in_object_.back() ? Token::end_object : Token::end_array;
  ++at_;
  in_object_.pop_back();
  return finish_value(token);
}

JsonReader::Token JsonReader::finish_value(Token token) {
  want_ = in_object_.empty() ? Want::end : Want::comma_or_end;
  return token;
}

void JsonReader::read_literal(std::string_view word) {
  if (all_.substr(at_, word.size()) != word) unexpected("a value");
  at_ += word.size();
  boolean_ = word == "true";
}

void JsonReader::read_string() {
  std::size_t copied = ++at_;  // everything before is in the buffer
  bool in_buffer = false;
  for (;;) {
    while (is_plain(peek())) ++at_;
    const char c = peek();
    if (c == '"') break;
    if (c == '\\') {
      if (!in_buffer) buffer_.clear();
      in_buffer = true;
      buffer_ += all_.substr(copied, at_ - copied);
      read_escape();
      copied = at_;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      unexpected(at_ < all_.size() ? "an escape for the control character" : "'\"' at the end of the string");
    } else {
      const CodePoint code_point = decode_utf8(all_, at_);
      if (code_point.size == 0) unexpected("UTF-8");
      at_ += code_point.size;
    }
  }
  text_ = all_.substr(copied, at_ - copied);
  if (in_buffer) {
    buffer_ += text_;
    text_ = buffer_;
  }
  ++at_;
}

void JsonReader::read_escape() {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = at_ + 1 < all_.size() ? all_[at_ + 1] : '\0';
  if (const std::size_t found = kLetters.find(letter); found != std::string_view::npos) {
    buffer_ += kMeanings[found];
    at_ += 2;
    return;
  }
  if (letter != 'u') wrong_at(at_, "no such escape in a string: " + escaped(all_.substr(at_, 2)));
  const auto unit = four_hex_digits(all_, at_ + 2);
  if (!unit) wrong_at(at_, "four hexadecimal digits expected after \\u");
  if (is_low_surrogate(*unit)) wrong_at(at_, "a low surrogate without the high one before it");
  if (!is_high_surrogate(*unit)) {
    append_utf8(buffer_, *unit);
    at_ += 6;
    return;
  }
  const auto low = all_.substr(at_ + 6, 2) == "\\u" ? four_hex_digits(all_, at_ + 8) : std::nullopt;
  if (!low || !is_low_surrogate(*low)) wrong_at(at_, "a high surrogate without the low one after it");
  append_utf8(buffer_, 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00));
  at_ += 12;
}

void JsonReader::read_number() {
  const auto digits = [this](std::string_view wanted) {
    if (!is_digit(peek())) unexpected(wanted);
    while (is_digit(peek())) ++at_;
  };
  if (peek() == '-') ++at_;
  const bool zero = peek() == '0';
  if (zero)
    ++at_;
  else
    digits("a digit");
  if (zero && is_digit(peek())) wrong_at(at_, "a number with a leading zero");
  if (peek() == '.') {
    ++at_;
    digits("a digit after the point");
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    digits("a digit of the exponent");
  }
  text_ = all_.substr(token_at_, at_ - token_at_);
}

void JsonReader::expect(Token token, std::string_view what) {
  if (const Token found = next(); found != token)
    wrong(std::string(what) + ": " + std::string(name_of(token)) + " expected, found " + std::string(name_of(found)));
}

std::string JsonReader::expect_string(std::string_view what) {
  expect(Token::string, what);
  return std::string(text_);
}

std::uint64_t JsonReader::expect_u64(std::string_view what) {
  expect(Token::number, what);
  return as_u64(what);
}

std::uint64_t JsonReader::as_u64(std::string_view what) const {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc{} || end != text_.data() + text_.size())
    wrong(std::string(what) + ": an integer from 0 to 2^64 - 1 expected, found " + std::string(text_.substr(0, 40)));
  return value;
}

std::int64_t JsonReader::as_i64() const {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc{} || end != text_.data() + text_.size())
    wrong("an integer from -2^63 to 2^63 - 1 expected, found " + std::string(text_.substr(0, 40)));
  return value;
}

double JsonReader::as_double() const {
  double value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc{} || end != text_.data() + text_.size() || !std::isfinite(value))
    wrong("a number within the range of a double expected, found " + std::string(text_.substr(0, 40)));
  return value;
}

void JsonReader::skip_value() {
  const std::size_t depth = in_object_.size();
  const Token token = next();
  if (token == Token::key || token == Token::end || in_object_.size() < depth)
    wrong("a value expected, found " + std::string(name_of(token)));
  while (in_object_.size() > depth) (void)next();
}

}  // namespace sconce
