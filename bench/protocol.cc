#include "protocol.h"

#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace bench {
namespace {

Words split(const std::string& line) {
  Words words;
  std::size_t begin = 0;
  for (std::size_t end = line.find('\t'); end != std::string::npos; end = line.find('\t', begin)) {
    words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  words.push_back(line.substr(begin));
  return words;
}

/// A value of /proc/self/status in bytes; 0 where there is none.
double status(std::string_view name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, name.size(), name) == 0) return std::stod(line.substr(name.size() + 1)) * 1024;
  return 0;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') out += '\\';
    out += static_cast<unsigned char>(byte) < ' ' ? ' ' : byte;
  }
  return out + '"';
}

void print(const Answer& answer) {
  std::string line = "{";
  for (const auto& [name, value] : answer.numbers) {
    char text[40];
    std::snprintf(text, sizeof text, "%.9g", value);
    line += (line.size() > 1 ? ", " : "") + quoted(name) + ": " + text;
  }
  for (const auto& [name, value] : answer.words)
    line += (line.size() > 1 ? ", " : "") + quoted(name) + ": " + quoted(value);
  std::cout << line << "}" << std::endl;
}

Answer run(const std::map<std::string, Command>& commands, const Words& words) try {
  const auto command = commands.find(words.front());
  if (command == commands.end()) throw std::runtime_error("no such command: " + words.front());
  ::malloc_trim(0);                               // memory of what came before goes back: everybody's is fresh
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak is counted anew
  const double before = status("VmRSS");
  Answer answer = command->second(Words(words.begin() + 1, words.end()));
  answer.numbers["peak"] = status("VmHWM") - before;
  return answer;
} catch (const std::exception& error) {
  return {{}, {{"error", error.what()}}};
}

}  // namespace

int serve(const std::map<std::string, Command>& commands) {
  for (std::string line; std::getline(std::cin, line);) print(run(commands, split(line)));
  return 0;
}

const std::string& word(const Words& words, std::size_t index) {
  if (index >= words.size()) throw std::runtime_error("word " + std::to_string(index + 1) + " is missing");
  return words[index];
}

std::uint64_t number(const Words& words, std::size_t index) {
  std::size_t used = 0;
  const std::uint64_t value = std::stoull(word(words, index), &used);
  if (used != words[index].size()) throw std::runtime_error("not a number: " + words[index]);
  return value;
}

}  // namespace bench
