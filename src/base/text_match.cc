// Shell patterns and near matches.
#include <algorithm>
#include <vector>

#include "base/text.h"

namespace sconce {

namespace {

/// A character of pattern or text: a code point, or a single byte where the bytes are no UTF-8.
CodePoint character(std::string_view text, std::size_t at) {
  CodePoint c = decode_utf8(text, at, true);
  if (c.size == 0) c = {c.value | 0x80000000u, 1};
  return c;
}

/// One element of a pattern that stands for one character: a literal, '?' or a class.
struct Element {
  std::size_t end;  ///< where the next element begins
  bool matches;     ///< whether it takes the character it was tried on
};

/// Where the class that begins at `at` is closed; npos where it is not, and '[' stands for itself.
std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t first = at + 1;
  if (first < pattern.size() && pattern[first] == '!') ++first;
  return pattern.find(']', first + 1);  // a ']' that comes first is a member
}

Element try_class(std::string_view pattern, std::size_t at, std::size_t close, std::uint32_t wanted) {
  std::size_t i = at + 1;
  const bool negated = pattern[i] == '!';
  if (negated) ++i;
  bool found = false;
  while (i < close) {
    const CodePoint low = character(pattern, i);
    i += low.size;
    std::uint32_t high = low.value;
    if (i + 1 < close && pattern[i] == '-') {
      const CodePoint last = character(pattern, i + 1);
      high = last.value;
      i += 1 + last.size;
    }
    found = found || (low.value <= wanted && wanted <= high);
  }
  return {close + 1, found != negated};
}

Element try_element(std::string_view pattern, std::size_t at, std::size_t last_close, std::uint32_t wanted) {
  if (pattern[at] == '?') return {at + 1, true};
  // The search for the end is left out where no ']' follows at all, which keeps "[[[[[" from being quadratic.
  if (pattern[at] == '[' && last_close != std::string_view::npos && last_close > at) {
    if (const std::size_t close = class_end(pattern, at); close != std::string_view::npos)
      return try_class(pattern, at, close, wanted);
  }
  const CodePoint literal = character(pattern, at);
  return {at + literal.size, literal.value == wanted};
}

/// Edit distance (insert, delete, substitute), as far as it is not above a limit.
class EditDistance {
 public:
  /// The distance of a and b, or limit + 1 where it is larger or the names are too long to look.
  std::size_t operator()(std::string_view a, std::string_view b, std::size_t limit) {
    strip_common(a, b);
    if (a.size() > b.size()) std::swap(a, b);
    const std::size_t too_far = limit + 1;
    if (b.size() > kLongest || b.size() - a.size() > limit) return too_far;
    row_.resize(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row_[j] = std::min(j, too_far);
    for (std::size_t i = 1; i <= a.size(); ++i)
      if (next_row(a[i - 1], b, i, limit) == too_far) return too_far;
    return row_[b.size()];
  }

  /// Cells that were computed so far.
  std::size_t work = 0;

 private:
  static void strip_common(std::string_view& a, std::string_view& b) {
    const auto front = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    a.remove_prefix(static_cast<std::size_t>(front));
    b.remove_prefix(static_cast<std::size_t>(front));
    const auto back = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
    a.remove_suffix(static_cast<std::size_t>(back));
    b.remove_suffix(static_cast<std::size_t>(back));
  }

  /// Turns row i - 1 of the table into row i and gives its least cell. Only cells within `limit` of the diagonal can
  /// lie on a path that is short enough; those outside hold limit + 1.
  std::size_t next_row(char c, std::string_view b, std::size_t i, std::size_t limit) {
    const std::size_t too_far = limit + 1;
    const std::size_t from = i > limit ? i - limit : 1;
    const std::size_t to = std::min(b.size(), i + limit);
    std::size_t diagonal = row_[from - 1];
    row_[from - 1] = from == 1 ? std::min(i, too_far) : too_far;
    std::size_t least = row_[from - 1];
    for (std::size_t j = from; j <= to; ++j) {
      const std::size_t changed = diagonal + (c == b[j - 1] ? 0 : 1);
      diagonal = row_[j];
      row_[j] = std::min({changed, diagonal + 1, row_[j - 1] + 1, too_far});
      least = std::min(least, row_[j]);
    }
    work += to - from + 1;
    return least;
  }

  static constexpr std::size_t kLongest = 4096;
  std::vector<std::size_t> row_;
};

/// How many dotted components the longer name has before or after the shorter one; 0 where it is no such part.
std::size_t missing_components(std::string_view a, std::string_view b) {
  const auto [part, whole] = a.size() < b.size() ? std::pair(a, b) : std::pair(b, a);
  if (part.empty() || part.size() == whole.size()) return 0;
  const std::size_t rest = whole.size() - part.size();
  const auto dots = [](std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
  };
  if (whole.ends_with(part) && whole[rest - 1] == '.') return dots(whole.substr(0, rest));
  if (whole.starts_with(part) && whole[part.size()] == '.') return dots(whole.substr(part.size()));
  return 0;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) noexcept {
  constexpr std::size_t kNone = std::string_view::npos;
  const std::size_t last_close = pattern.rfind(']');
  std::size_t p = 0, t = 0;
  // Only the last '*' is ever tried again: an earlier one that took more would leave less for what follows.
  std::size_t after_star = kNone, star_text = 0;
  while (t < text.size()) {
    const CodePoint c = character(text, t);
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size()) {
      if (const Element element = try_element(pattern, p, last_close, c.value); element.matches) {
        p = element.end;
        t += c.size;
        continue;
      }
    }
    if (after_star == kNone) return false;
    star_text += character(text, star_text).size;
    t = star_text;
    p = after_star;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> names, std::size_t most) {
  constexpr std::size_t kMostWork = std::size_t{1} << 26;  // some tenths of a second
  struct Candidate {
    std::size_t distance, index;
  };
  std::vector<Candidate> best;
  EditDistance distance_of;
  std::size_t limit = std::clamp<std::size_t>(wanted.size() / 3, 1, 6);
  for (std::size_t i = 0; i < names.size() && most > 0 && distance_of.work < kMostWork; ++i) {
    const std::string& name = names[i];
    distance_of.work += std::min(name.size(), wanted.size());
    std::size_t distance = missing_components(wanted, name);
    if (distance == 0 || distance > limit) distance = distance_of(wanted, name, limit);
    if (distance > limit) continue;
    const auto after = std::upper_bound(best.begin(), best.end(), distance,
                                        [](std::size_t d, const Candidate& c) { return d < c.distance; });
    best.insert(after, {distance, i});
    if (best.size() > most) best.pop_back();
    // Whoever comes later has to be better than the worst of a full list.
    if (best.size() == most) {
      if (best.back().distance == 0) break;
      limit = std::min(limit, best.back().distance - 1);
    }
  }
  std::vector<std::string> result;
  for (const Candidate& candidate : best) result.push_back(names[candidate.index]);
  return result;
}

}  // namespace sconce
