// The machine hears what CPython's C unpickler would import and call, and refuses what that refuses.
//
// tests/fixtures/pickle/make_streams.py made the streams and asked CPython, with a class finder that never imports.
#include <fstream>
#include <sstream>

#include "pickle/recorder.h"

namespace sconce::pickle {
namespace {

using namespace testing;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
  return bytes;
}

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> all;
  std::istringstream text(line);
  for (std::string field; std::getline(text, field, '\t');) all.push_back(field);
  return all;
}

/// Events without their offsets; "error" at the end where the stream was refused.
std::vector<std::string> heard(const std::string& stream) {
  const Ran ran = run(stream);
  std::vector<std::string> events;
  for (const std::string& line : ran.events) events.push_back(line.substr(line.find(' ') + 1));
  if (ran.error) events.emplace_back("error");
  return events;
}

TEST(Oracle, TheMachineHearsWhatPythonWouldDo) {
  std::ifstream file(SCONCE_SOURCE_DIR "/tests/fixtures/pickle/streams.txt");
  ASSERT_TRUE(file);
  std::size_t streams = 0;
  for (std::string line; std::getline(file, line); ++streams) {
    const std::vector<std::string> all = fields(line);
    ASSERT_GE(all.size(), 2U);
    SCOPED_TRACE(all[0]);
    EXPECT_EQ(heard(from_hex(all[1])), std::vector<std::string>(all.begin() + 2, all.end()));
  }
  EXPECT_GE(streams, 80U);
}

}  // namespace
}  // namespace sconce::pickle
