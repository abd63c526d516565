// The benchmark's programs live as long as a run: a command a line on standard input, its words parted by tabs; one
// line of JSON for each on standard output.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Words = std::vector<std::string>;

/// What a command found out: numbers by name, and words. "seconds" is the time that counts.
struct Answer {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> words;
};

/// Does one command with its words (without its name). An exception becomes {"error": …}.
using Command = std::function<Answer(const Words&)>;

/// Serves commands until standard input ends. Each answer also gets "peak": the most memory that was resident during
/// the command, beyond what was before it.
int serve(const std::map<std::string, Command>& commands);

/// A word as a number. Throws std::runtime_error.
[[nodiscard]] std::uint64_t number(const Words& words, std::size_t index);
/// The word itself. Throws std::runtime_error where there are fewer.
[[nodiscard]] const std::string& word(const Words& words, std::size_t index);

/// Seconds since some moment.
[[nodiscard]] inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace bench
