// Standard output and the terminal: one buffer, colours, columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sconce::cli {

class Arguments;

/// Collects standard output and writes it in large pieces. A reader that goes away (`| head`) ends the writing, not
/// the command; any other failure is an Error (`io`).
class Output {
 public:
  Output() { text_.reserve(std::size_t{16} << 10); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// Writes nothing by itself: what was not flushed when an error left a command is not shown.
  ~Output() = default;

  [[nodiscard]] std::string& text() noexcept { return text_; }
  Output& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  /// Writes what has gathered where that is much. A command that may still fail keeps its output whole up to there, so
  /// that the error replaces it.
  void flush_if_large() {
    if (text_.size() >= kLarge) flush();
  }
  void flush();
  /// Nobody reads any more.
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  static constexpr std::size_t kLarge = std::size_t{16} << 20;

  std::string text_;
  bool closed_ = false;
};

/// Writes all of `text` to a descriptor; false where its reader went away. Errors: `io`.
bool write_all(int descriptor, std::string_view text, std::string_view name);

/// Before anything is read: a file that stands where the command is to write, and that --force does not allow to replace.
/// Pipes and devices just get the bytes. Errors: `exists`.
void refuse_existing(const Arguments& arguments, const std::string& target);

/// How text is set off on standard output.
class Style {
 public:
  explicit Style(const Arguments& arguments);
  [[nodiscard]] std::string bold(std::string_view text) const { return wrapped("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return wrapped("2", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return wrapped("31", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return wrapped("32", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return wrapped("33", text); }
  /// Columns of the terminal; 0 where the output is none, and nothing is to be cut.
  [[nodiscard]] std::size_t width() const noexcept { return width_; }

 private:
  [[nodiscard]] std::string wrapped(std::string_view code, std::string_view text) const;

  bool colour_ = false;
  std::size_t width_ = 0;
};

/// Columns that text takes on a terminal.
[[nodiscard]] std::size_t columns(std::string_view text) noexcept;
/// At most `most` columns: the middle is left out, where names differ least.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most);
/// Appends text and spaces up to `width` columns.
void append_left(std::string& out, std::string_view text, std::size_t width);
void append_right(std::string& out, std::string_view text, std::size_t width);
/// "1 tensor", "12 tensors".
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

}  // namespace sconce::cli
