#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/fail.h"
#include "base/text.h"
#include "cli/arguments.h"

namespace sconce::cli {

bool write_all(int descriptor, std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      ErrorPlace place;
      place.file = std::string(name);
      fail(ErrorCode::io, std::string("writing failed: ") + std::strerror(errno), std::move(place));
    }
  }
  return true;
}

void refuse_existing(const Arguments& arguments, const std::string& target) {
  std::error_code unknown;  // whoever writes will say what is wrong
  if (arguments.has("force") || !std::filesystem::is_regular_file(target, unknown)) return;
  ErrorPlace place;
  place.file = target;
  fail(ErrorCode::exists, "the file exists already", std::move(place), "--force replaces it");
}

void Output::flush() {
  if (!closed_) closed_ = !write_all(STDOUT_FILENO, text_, "standard output");
  text_.clear();
}

Style::Style(const Arguments& arguments) {
  winsize size{};
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width_ = size.ws_col;
  const std::string_view when = arguments.value("color").value_or("auto");
  // https://no-color.org: set and not empty.
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted = (no_color == nullptr || *no_color == '\0') && term != nullptr && std::strcmp(term, "dumb") != 0;
  colour_ = when == "always" || (when == "auto" && terminal && wanted);
}

std::string Style::wrapped(std::string_view code, std::string_view text) const {
  if (!colour_) return std::string(text);
  std::string out = "\x1b[";
  ((out += code) += 'm') += text;
  return out += "\x1b[0m";
}

namespace {

/// Code points that take two columns: the blocks of East Asian scripts and of emoji (Unicode, EastAsianWidth W and F).
bool is_wide(std::uint32_t point) noexcept {
  struct Range {
    std::uint32_t first, last;
  };
  static constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
                                    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
                                    {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
  return point >= 0x1100 &&
         std::any_of(std::begin(kWide), std::end(kWide), [=](Range r) { return point >= r.first && point <= r.last; });
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t columns_of(CodePoint point) noexcept { return is_wide(point.value) ? 2 : 1; }

/// The longest beginning of at most `most` columns.
std::string_view first_columns(std::string_view text, std::size_t most) noexcept {
  std::size_t at = 0;
  for (std::size_t used = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    used += columns_of(point);
    if (used > most) break;
    at += std::max(point.size, 1u);
  }
  return text.substr(0, at);
}

}  // namespace

std::size_t columns(std::string_view text) noexcept {
  if (is_ascii(text)) return text.size();
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    count += columns_of(point);
    at += std::max(point.size, 1u);
  }
  return count;
}

std::string shortened(std::string_view text, std::size_t most) {
  const std::size_t all = columns(text);
  if (all <= most) return std::string(text);
  if (most < 8) return std::string(first_columns(text, most));
  const std::size_t head = (most - 1) / 2;
  // The end: skip columns from the front until what is left fits.
  const std::string_view skipped = first_columns(text, all - (most - 1 - head));
  std::string_view tail = text.substr(skipped.size());
  while (columns(tail) > most - 1 - head) tail.remove_prefix(std::max(decode_utf8(tail, 0).size, 1u));
  return std::string(first_columns(text, head)) + "…" + std::string(tail);
}

void append_left(std::string& out, std::string_view text, std::size_t width) {
  out += text;
  const std::size_t used = columns(text);
  if (used < width) out.append(width - used, ' ');
}

void append_right(std::string& out, std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  if (used < width) out.append(width - used, ' ');
  out += text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return with_commas(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace sconce::cli
