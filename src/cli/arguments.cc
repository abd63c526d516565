#include "cli/arguments.h"

#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "base/text.h"

namespace sconce::cli {

void usage_error(std::string message, std::string advice) {
  fail(ErrorCode::invalid_argument, std::move(message), {}, std::move(advice));
}

std::optional<std::string_view> Arguments::value(std::string_view option) const noexcept {
  for (auto given = given_.rbegin(); given != given_.rend(); ++given)
    if (given->first->name == option) return given->second;
  return std::nullopt;
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> values;
  for (const auto& [given, value] : given_)
    if (given->name == option) values.push_back(value);
  return values;
}

std::uint64_t Arguments::number(std::string_view option, std::uint64_t otherwise) const {
  const auto text = value(option);
  if (!text) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size())
    usage_error("--" + std::string(option) + " wants a whole number, not \"" + std::string(*text) + "\"", "");
  return number;
}

double Arguments::real(std::string_view option, double otherwise) const {
  const auto text = value(option);
  if (!text) return otherwise;
  double number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || !(number >= 0) || std::isinf(number))
    usage_error("--" + std::string(option) + " wants a number from 0 on, not \"" + std::string(*text) + "\"",
                "for example 1e-5");
  return number;
}

/// Turns words into Arguments; one use.
class Parser {
 public:
  Parser(const Command& command, std::span<const char* const> words) : arguments_(command), words_(words) {}

  Arguments run() {
    while (at_ < words_.size() && !arguments_.has("help")) take(words_[at_++]);
    if (!arguments_.has("help")) check_operands();
    return std::move(arguments_);
  }

 private:
  [[nodiscard]] std::string help_hint() const {
    return "sconce " + std::string(arguments_.command().name) + " --help explains them";
  }

  void take(std::string_view word) {
    if (operands_only_ || word == "-" || !word.starts_with('-'))
      arguments_.operands_.emplace_back(word);
    else if (word == "--")
      operands_only_ = true;
    else if (word.starts_with("--"))
      take_long(word.substr(2));
    else
      take_letters(word.substr(1));
  }

  void take_long(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Option* option = find([&](const Option& each) { return each.name == name; });
    if (option == nullptr) unknown("--" + std::string(name), name);
    if (equals != std::string_view::npos) {
      if (option->argument.empty()) usage_error("--" + std::string(name) + " takes no value", help_hint());
      add(*option, std::string(word.substr(equals + 1)));
    } else {
      add(*option, option->argument.empty() ? std::string() : following(*option));
    }
  }

  void take_letters(std::string_view letters) {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const Option* option = find([&](const Option& each) { return each.letter == letters[i]; });
      if (option == nullptr) unknown(std::string("-") + letters[i], {});
      if (option->argument.empty()) {
        add(*option, option->letter == 'h' ? "short" : "");
        continue;
      }
      const std::string_view rest = letters.substr(i + 1);
      add(*option, rest.empty() ? following(*option) : std::string(rest));
      return;
    }
  }

  std::string following(const Option& option) {
    if (option.only_with != 0) {
      const bool given = at_ < words_.size() && std::string_view(words_[at_]).find(option.only_with) != std::string::npos;
      return given && *words_[at_] != '-' ? words_[at_++] : std::string();
    }
    if (at_ == words_.size())
      usage_error("--" + std::string(option.name) + " wants a value: " + std::string(option.argument), help_hint());
    return words_[at_++];
  }

  void add(const Option& option, std::string value) {
    if (!option.choices.empty() && !is_choice(option.choices, value))
      usage_error("--" + std::string(option.name) + " cannot be \"" + value + "\"",
                  "one of: " + std::string(option.choices));
    if (!option.repeats && !option.argument.empty() && arguments_.has(option.name))
      usage_error("--" + std::string(option.name) + " is given twice", "give it once");
    arguments_.given_.emplace_back(&option, std::move(value));
  }

  static bool is_choice(std::string_view choices, std::string_view value) {
    while (!choices.empty()) {
      const std::size_t end = std::min(choices.find(' '), choices.size());
      if (choices.substr(0, end) == value) return true;
      choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
  }

  template <typename Matches>
  [[nodiscard]] const Option* find(const Matches& matches) const {
    for (const Option& option : arguments_.command().options)
      if (matches(option)) return &option;
    for (const Option& option : common_options())
      if (matches(option)) return &option;
    return nullptr;
  }

  [[noreturn]] void unknown(const std::string& shown, std::string_view name) const {
    std::vector<std::string> names;
    for (const Option& option : arguments_.command().options) names.emplace_back(option.name);
    for (const Option& option : common_options()) names.emplace_back(option.name);
    const std::vector<std::string> near = nearest(name, names, 1);
    usage_error("there is no option " + shown, near.empty() ? help_hint() : "did you mean --" + near.front() + "?");
  }

  void check_operands() const {
    const Command& command = arguments_.command();
    const std::size_t count = arguments_.operands_.size();
    if (count >= command.least && count <= command.most) return;
    const std::string usage =
        "usage: sconce " + std::string(command.name) + " [OPTION]... " + std::string(command.operands);
    if (count < command.least) usage_error("something is missing behind \"" + std::string(command.name) + "\"", usage);
    usage_error("too much: \"" + arguments_.operands_[command.most] + "\"", usage);
  }

  Arguments arguments_;
  std::span<const char* const> words_;
  std::size_t at_ = 0;
  bool operands_only_ = false;
};

Arguments parse(const Command& command, std::span<const char* const> words) { return Parser(command, words).run(); }

}  // namespace sconce::cli
