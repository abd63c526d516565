#include "model/matching/rename.h"

#include <cstring>
#include <utility>

#include "base/fail.h"
#include "base/text.h"

namespace sconce::model::matching {

namespace {

constexpr std::size_t kMostStars = 9;                       // \1 … \9
constexpr std::size_t kLongestName = std::size_t{1} << 20;  // rules that double a name, one after another

[[noreturn]] void wrong(const std::string& rule, const std::string& what, std::string advice = {}) {
  fail(ErrorCode::invalid_argument, "rename rule \"" + escaped(rule) + "\": " + what, {}, std::move(advice));
}

/// std::string_view::find is quadratic for repetitive text; memmem is not.
std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

Renamer::Renamer(const RenameRule& rule) : text_(rule.from + " -> " + rule.to) {
  read_pattern(rule.from);
  read_replacement(rule.to);
}

void Renamer::read_pattern(std::string_view pattern) {
  if (pattern.starts_with('^')) {
    at_begin_ = true;
    pattern.remove_prefix(1);
  }
  literals_.emplace_back();
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      if (++at == pattern.size()) wrong(text_, "a backslash at the end", "write \\\\ for a backslash");
      literals_.back() += pattern[at];
    } else if (c == '*') {
      if (literals_.size() > 1 && literals_.back().empty()) wrong(text_, "two stars with nothing between them");
      literals_.emplace_back();
    } else if (c == '$' && at + 1 == pattern.size()) {
      at_end_ = true;
    } else {
      literals_.back() += c;
    }
  }
  if (literals_.size() - 1 > kMostStars) wrong(text_, "more than nine stars");
  if (literals_.size() == 1 && literals_[0].empty() && at_begin_ == at_end_)
    wrong(text_, "it has nothing to look for", "\"^ -> model.\" puts a prefix on");
  // A star at an end takes everything up to there.
  if (literals_.size() > 1 && literals_.front().empty()) at_begin_ = true;
  if (literals_.size() > 1 && literals_.back().empty()) at_end_ = true;
}

void Renamer::read_replacement(std::string_view replacement) {
  replacement_.emplace_back();
  for (std::size_t at = 0; at < replacement.size(); ++at) {
    const char c = replacement[at];
    if (c != '\\') {
      replacement_.back().text += c;
      continue;
    }
    if (++at == replacement.size()) wrong(text_, "a backslash at the end", "write \\\\ for a backslash");
    const char next = replacement[at];
    if (next < '0' || next > '9') {
      replacement_.back().text += next;
      continue;
    }
    const auto star = static_cast<std::size_t>(next - '0');
    if (star == 0 || star >= literals_.size())
      wrong(text_, std::string("there is no star \\") + next, "stars are numbered from the left, from \\1 on");
    replacement_.back().star = star;
    replacement_.emplace_back();
  }
}

bool Renamer::find(std::string_view name, std::size_t from, Match& match) const {
  match.stars.clear();
  const std::size_t last = literals_.size() - 1;
  std::size_t at = from;
  for (std::size_t piece = 0; piece <= last; ++piece) {
    const std::string& literal = literals_[piece];
    const std::size_t earliest = piece == 0 ? from : at + 1;  // a star takes at least one character
    std::size_t found = 0;
    if (piece == 0 && at_begin_) {
      if (from != 0 || !name.starts_with(literal)) return false;
      found = 0;
      if (last == 0 && at_end_ && name.size() != literal.size()) return false;
    } else if (piece == last && at_end_) {
      if (!name.ends_with(literal) || name.size() - literal.size() < earliest) return false;
      found = name.size() - literal.size();
    } else {
      found = find_text(name, literal, earliest);
      if (found == std::string_view::npos) return false;
    }
    if (piece == 0)
      match.begin = found;
    else
      match.stars.push_back(name.substr(at, found - at));
    at = found + literal.size();
  }
  match.end = at;
  return true;
}

bool Renamer::apply(std::string& name) const {
  std::string changed;
  Match match;
  std::size_t done = 0;
  bool any = false;
  while (done <= name.size() && find(name, done, match)) {
    any = true;
    changed.append(name, done, match.begin - done);
    for (const Piece& piece : replacement_) {
      changed += piece.text;
      if (piece.star != 0) changed += match.stars[piece.star - 1];
    }
    done = match.end;
    if (at_begin_ || at_end_) break;
  }
  if (!any) return false;
  changed.append(name, done);
  if (changed.size() > kLongestName)
    wrong(text_, "it makes a name longer than " + with_commas(kLongestName) + " bytes");
  name = std::move(changed);
  return true;
}

std::vector<Renamer> renamers(std::span<const RenameRule> rules) {
  std::vector<Renamer> made;
  made.reserve(rules.size());
  for (const RenameRule& rule : rules) made.emplace_back(rule);
  return made;
}

}  // namespace sconce::model::matching

namespace sconce {
inline namespace v0 {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

RenameRule rule_of_line(std::string_view line, std::size_t number) {
  const auto wrong = [&](const std::string& what) {
    fail(ErrorCode::invalid_argument, "line " + std::to_string(number) + " of the rename rules: " + what, {},
         "a rule is \"FROM -> TO\", for example \"^module. -> \"; docs/load_state_dict.md has more");
  };
  const std::size_t arrow = line.find("->");
  if (arrow == std::string_view::npos) wrong("there is no \"->\" in \"" + escaped(line) + "\"");
  if (line.find("->", arrow + 2) != std::string_view::npos) wrong("there are two \"->\" in \"" + escaped(line) + "\"");
  RenameRule rule{std::string(trimmed(line.substr(0, arrow))), std::string(trimmed(line.substr(arrow + 2)))};
  try {
    (void)model::matching::Renamer(rule);
  } catch (const Error& error) {
    wrong(error.message());
  }
  return rule;
}

}  // namespace

std::vector<RenameRule> rename_rules(std::string_view text) {
  std::vector<RenameRule> rules;
  std::size_t number = 0;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // as editors of some systems write it
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    // A comment begins the line or follows a space: names can have a '#' inside.
    for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1))
      if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') line = line.substr(0, at);
    line = trimmed(line);
    if (!line.empty()) rules.push_back(rule_of_line(line, number));
  }
  return rules;
}

}  // namespace v0
}  // namespace sconce
