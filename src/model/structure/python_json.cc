#include "model/structure/python_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sconce::model::structure {
namespace {

constexpr std::size_t kDeepest = 8;

/// A number as JSON has it: Python writes it the same way, but for inf and nan.
bool is_json_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return false;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
  return !digits.empty() && digits.front() >= '0' && digits.front() <= '9' && !digits.ends_with('.') && !leading_zero;
}

/// The text of a string literal as python_quoted() writes it; nothing where it is none.
std::optional<std::string> unquoted(std::string_view repr) {
  if (repr.size() < 2 || (repr.front() != '\'' && repr.front() != '"') || repr.back() != repr.front())
    return std::nullopt;
  repr = repr.substr(1, repr.size() - 2);
  std::string text;
  for (std::size_t at = 0; at < repr.size(); ++at) {
    if (repr[at] != '\\' || at + 1 == repr.size()) {
      text += repr[at];
      continue;
    }
    const char kind = repr[++at];
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    std::uint32_t code = 0;
    if (digits != 0 && repr.size() - at > digits &&
        std::from_chars(repr.data() + at + 1, repr.data() + at + 1 + digits, code, 16).ptr ==
            repr.data() + at + 1 + digits) {
      append_utf8(text, code);
      at += digits;
    } else {
      text += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
    }
  }
  return text;
}

void write_atom(JsonWriter& json, std::string_view text) {
  if (text == "None")
    json.null();
  else if (text == "True" || text == "False")
    json.value(text == "True");
  else if (is_json_number(text))
    json.raw(text);
  else if (const auto string = unquoted(text))
    json.value(std::string_view(*string));
  else
    json.value(text);
}

/// One past the atom that begins at `at` inside of a sequence.
std::size_t end_of_atom(std::string_view text, std::size_t at) {
  const char quote = text[at];
  if (quote != '\'' && quote != '"') {
    while (at < text.size() && text[at] != ',' && text[at] != ')' && text[at] != ']') ++at;
    return at;
  }
  for (++at; at < text.size() && text[at] != quote; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

}  // namespace

void write_python_value(JsonWriter& json, std::string_view repr) {
  constexpr std::string_view kSize = "torch.Size(";
  if (repr.empty() || (repr.front() != '(' && repr.front() != '[' && !repr.starts_with(kSize))) {
    write_atom(json, repr);
    return;
  }
  std::vector<bool> open;  // arrays; whether each is that of a torch.Size, whose parentheses are no array
  bool size = false;
  for (std::size_t at = 0; at < repr.size();) {
    const char c = repr[at];
    if (repr.substr(at).starts_with(kSize)) {
      at += kSize.size();
      size = true;
    } else if (c == '(' || c == '[') {
      json.begin_array();
      open.push_back(std::exchange(size, false));
      ++at;
    } else if ((c == ')' || c == ']') && !open.empty()) {
      json.end_array();
      at += open.back() ? std::size_t{2} : std::size_t{1};
      open.pop_back();
    } else if (c == ',' || c == ' ' || c == ')' || c == ']') {
      ++at;
    } else {
      const std::size_t end = end_of_atom(repr, at);
      write_atom(json, repr.substr(at, end - at));
      at = std::max(end, at + 1);
    }
  }
  for (; !open.empty(); open.pop_back()) json.end_array();
}

std::string read_python_value(JsonReader& json, JsonReader::Token token) {
  using Token = JsonReader::Token;
  std::string text;
  std::vector<std::size_t> counts;  // elements so far, of the arrays that are open
  while (true) {
    if (token == Token::end_array) {
      text += counts.back() == 1 ? ",)" : ")";
      counts.pop_back();
    } else {
      if (!counts.empty() && counts.back()++ != 0) text += ", ";
      switch (token) {
        case Token::begin_array:
          if (counts.size() == kDeepest) json.wrong("a setting is nested too deep");
          text += '(';
          counts.push_back(0);
          break;
        case Token::string: text += python_quoted(json.text()); break;
        case Token::number: text += json.number(); break;
        case Token::boolean: text += json.boolean() ? "True" : "False"; break;
        case Token::null: text += "None"; break;
        default: json.wrong("a setting is a number, a string, true, false, null or an array of these");
      }
    }
    if (counts.empty()) return text;
    token = json.next();
  }
}

}  // namespace sconce::model::structure
