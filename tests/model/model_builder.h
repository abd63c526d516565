// Checkpoints for tests of the model room, made in memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sconce/sconce.h>

namespace sconce::test {

inline Tensor floats(const std::vector<float>& values) {
  const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
  return Tensor::from(std::span<const float>(values), shape);
}

template <typename T>
Tensor vector_of(const std::vector<T>& values) {
  const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
  return Tensor::from(std::span<const T>(values), shape);
}

/// A dict at the root with these entries.
inline Checkpoint checkpoint(std::vector<std::pair<std::string, Literal>> entries) {
  Checkpoint made;
  for (auto& [key, value] : entries) made[key] = value;
  return made;
}

/// A file of tests/fixtures.
inline std::string fixture(std::string_view name) {
  return std::string(SCONCE_SOURCE_DIR) + "/tests/fixtures/" + std::string(name);
}

/// Runs `body`, which must throw an Error, and returns that.
template <typename Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorCode::invalid_argument, "none");
}

/// For EXPECT_THAT on an Error.
inline auto is_error(ErrorCode code, const std::string& words) {
  return ::testing::AllOf(::testing::Property("code", &Error::code, code),
                          ::testing::Property("what", &Error::what, ::testing::HasSubstr(words)));
}

class StringSink final : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

}  // namespace sconce::test
