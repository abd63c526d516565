#include "formats/numpy/header.h"

#include <charconv>
#include <span>

#include "base/endian.h"
#include "base/fail.h"
#include "base/text.h"

namespace sconce::formats::numpy {

namespace {

constexpr std::string_view kBlanks = " \t\r\n\f";
constexpr std::uint32_t kMostHeader = 256 << 10;
constexpr const char* kFetchAgain = "the file is damaged; fetch it again or save it again with numpy.save";

/// Reads the dict from front to back. No recursion: what nests is only passed over, with a count of its brackets.
class Parser {
 public:
  Parser(std::string_view text, std::uint64_t offset, bool long_suffix)
      : text_(text), offset_(offset), long_suffix_(long_suffix) {}

  Header run() {
    expect('{');
    while (!next_is('}')) {
      entry();
      if (!next_is(',')) break;
      ++at_;
    }
    expect('}');
    skip_blanks();
    if (at_ != text_.size()) wrong("blanks to its end expected behind the dict");
    if (!has_descr_ || !has_fortran_ || !has_shape_)
      wrong("the dict must have the keys 'descr', 'fortran_order' and 'shape'");
    return std::move(header_);
  }

 private:
  [[noreturn]] void wrong(const std::string& message) const {
    fail(ErrorCode::damaged, "the header of the array is not one that NumPy writes: " + message,
         at_offset(offset_ + at_), kFetchAgain);
  }

  void skip_blanks() {
    const std::size_t next = text_.find_first_not_of(kBlanks, at_);
    at_ = next == std::string_view::npos ? text_.size() : next;
  }

  bool next_is(char c) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == c;
  }

  void expect(char c) {
    if (!next_is(c)) wrong("'" + std::string(1, c) + "' expected");
    ++at_;
  }

  void entry() {
    const std::string_view key = string();
    expect(':');
    skip_blanks();
    if (key == "descr") {
      once(has_descr_);
      header_.descr = next_is('\'') || next_is('"') ? string() : nested();
    } else if (key == "fortran_order") {
      once(has_fortran_);
      header_.fortran = boolean();
    } else if (key == "shape") {
      once(has_shape_);
      shape();
    } else {
      wrong("the key " + python_quoted(key.substr(0, 32)) + " is unknown");
    }
  }

  void once(bool& seen) const {
    if (seen) wrong("a key stands there twice");
    seen = true;
  }

  /// The text between quotes. The dicts of arrays have no escapes in what is read here.
  std::string_view string() {
    if (!next_is('\'') && !next_is('"')) wrong("a string expected");
    const char quote = text_[at_];
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) wrong("a string without an end");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != std::string_view::npos) wrong("a string with an escape");
    at_ = end + 1;
    return inside;
  }

  /// Passes over a list or tuple, whatever is in it, and gives its text.
  std::string_view nested() {
    if (!next_is('[') && !next_is('(')) wrong("the name of a dtype expected");
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ == text_.size()) wrong("a list without an end");
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        skip_string();
        continue;
      }
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
      ++at_;
    } while (depth != 0);
    return text_.substr(begin, at_ - begin);
  }

  void skip_string() {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2U : 1U;
    if (at_ >= text_.size()) {
      at_ = text_.size();
      wrong("a string without an end");
    }
    ++at_;
  }

  bool boolean() {
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    wrong("True or False expected");
  }

  void shape() {
    expect('(');
    bool comma = true;
    while (!next_is(')')) {
      if (!comma) wrong("',' or ')' expected");
      header_.shape.push_back(size());
      comma = next_is(',');
      if (comma) ++at_;
    }
    if (header_.shape.size() == 1 && !comma) wrong("a shape of one dimension ends in ',)'");
    ++at_;
  }

  std::int64_t size() {
    std::int64_t number = 0;
    const char* const begin = text_.data() + at_;
    const char* const last = text_.data() + text_.size();
    if (begin == last || *begin < '0' || *begin > '9')
      wrong("the size of a dimension expected: a number, not negative");
    const auto [end, error] = std::from_chars(begin, last, number);
    if (error != std::errc()) wrong("the size of a dimension is beyond 2^63");
    if (*begin == '0' && end - begin > 1) wrong("the size of a dimension with a leading zero");
    at_ += static_cast<std::size_t>(end - begin);
    if (long_suffix_ && at_ < text_.size() && text_[at_] == 'L') ++at_;
    return number;
  }

  std::string_view text_;
  std::uint64_t offset_;
  bool long_suffix_;
  std::size_t at_ = 0;
  Header header_;
  bool has_descr_ = false;
  bool has_fortran_ = false;
  bool has_shape_ = false;
};

}  // namespace

Header parse_header(std::string_view text, std::uint64_t offset, bool long_suffix) {
  return Parser(text, offset, long_suffix).run();
}

Header read_header(const ByteSource& source, std::uint64_t begin) {
  char preamble[kMagic.size() + 2 + 4];
  const auto read = [&](std::uint64_t at, std::span<char> into) { source.read_at(at, std::as_writable_bytes(into)); };
  read(begin, std::span(preamble).first(kMagic.size() + 2));
  if (!std::string_view(preamble, sizeof preamble).starts_with(kMagic))
    fail(ErrorCode::damaged, "an array must begin with the bytes \"\\x93NUMPY\"", at_offset(begin), kFetchAgain);
  const unsigned major = static_cast<unsigned char>(preamble[kMagic.size()]);
  const unsigned minor = static_cast<unsigned char>(preamble[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0)
    fail(ErrorCode::unsupported,
         "the array is of version " + std::to_string(major) + "." + std::to_string(minor) +
             " of the format; 1.0, 2.0 and 3.0 are known",
         at_offset(begin + kMagic.size()), "save it again with numpy.save");
  const std::span<char> length = std::span(preamble).subspan(kMagic.size() + 2, major == 1 ? 2 : 4);
  read(begin + kMagic.size() + 2, length);
  const std::uint32_t size = major == 1 ? load_le<std::uint16_t>(length.data()) : load_le<std::uint32_t>(length.data());
  if (size > kMostHeader)
    fail(ErrorCode::limit,
         "the header of the array has " + std::to_string(size) + " bytes, at most " + std::to_string(kMostHeader) +
             " are read",
         at_offset(begin + kMagic.size() + 2), "no array of numbers needs so many; the file is damaged or hostile");
  const std::uint64_t text_at = begin + kMagic.size() + 2 + length.size();
  std::string text(size, '\0');
  read(text_at, text);
  Header header = parse_header(text, text_at, major < 3);
  header.end = text_at + size;
  return header;
}

}  // namespace sconce::formats::numpy
