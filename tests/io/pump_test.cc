#include "io/pump.h"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

namespace sconce::test {
namespace {

constexpr std::size_t kBuffer = 4096;

struct StringSink : ByteSink {
  void write(std::span<const std::byte> bytes) override {
    EXPECT_FALSE(bytes.empty());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % io::kBufferAlignment, 0U);
    if (all.size() >= fail_from) throw std::runtime_error("the sink is full");
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string all;
  std::size_t fail_from = SIZE_MAX;
};

// Gives a text, and fails after some of it where told.
struct Text {
  std::string bytes;
  std::size_t at = 0;
  std::size_t fail_from = SIZE_MAX;
  std::size_t fills = 0;

  std::size_t fill(std::span<std::byte> into) {
    ++fills;
    if (at >= fail_from) throw std::out_of_range("the text fails");
    const std::size_t size = std::min(into.size(), bytes.size() - at);
    std::memcpy(into.data(), bytes.data() + at, size);
    at += size;
    return size;
  }
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>(at * 31 + at / 4096);
  return bytes;
}

using PumpFunction = void (*)(const io::FillFunction&, ByteSink&, const io::DoneFunction&, std::size_t);

class Pump : public testing::TestWithParam<PumpFunction> {
 public:
  void run(
      Text& text, ByteSink& sink, const io::DoneFunction& done = [](std::size_t) {}) {
    GetParam()([&](std::span<std::byte> into) { return text.fill(into); }, sink, done, kBuffer);
  }
};

INSTANTIATE_TEST_SUITE_P(Both, Pump, testing::Values(&io::pump, &io::pump_threaded), [](const auto& test) {
  return test.param == PumpFunction{&io::pump} ? "OneThread" : "TwoThreads";
});

TEST_P(Pump, AllBytesArriveInOrder) {
  for (const unsigned size : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 40960U, 100000U}) {
    Text text{pattern(size)};
    StringSink sink;
    std::size_t done = 0;
    run(text, sink, [&](std::size_t bytes) { done += bytes; });
    EXPECT_EQ(sink.all, text.bytes);
    EXPECT_EQ(done, text.bytes.size());
  }
}

TEST_P(Pump, WhatTheProducerThrowsIsThrown) {
  Text text{pattern(100000)};
  text.fail_from = 5 * kBuffer;
  StringSink sink;
  EXPECT_THROW(run(text, sink), std::out_of_range);
  EXPECT_EQ(sink.all, text.bytes.substr(0, 5 * kBuffer));
}

TEST_P(Pump, WhatTheSinkThrowsIsThrownAndEndsTheProducer) {
  Text text{pattern(1000 * kBuffer)};
  StringSink sink;
  sink.fail_from = 5 * kBuffer;
  EXPECT_THROW(run(text, sink), std::runtime_error);
  EXPECT_LE(text.fills, 6 + io::kBuffers);
}

TEST_P(Pump, WhatDoneThrowsIsThrownAndEndsTheProducer) {
  Text text{pattern(1000 * kBuffer)};
  StringSink sink;
  const auto cancel = [&](std::size_t) {
    if (sink.all.size() >= 3 * kBuffer) throw std::domain_error("enough");
  };
  EXPECT_THROW(run(text, sink, cancel), std::domain_error);
  EXPECT_EQ(sink.all.size(), 3 * kBuffer);
}

TEST(PumpThreaded, WritesAndCallsDoneInTheCallersThread) {
  Text text{pattern(100000)};
  StringSink sink;
  std::thread::id filler;
  io::pump_threaded(
      [&](std::span<std::byte> into) {
        filler = std::this_thread::get_id();
        return text.fill(into);
      },
      sink, [caller = std::this_thread::get_id()](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); },
      kBuffer);
  EXPECT_NE(filler, std::this_thread::get_id());
}

}  // namespace
}  // namespace sconce::test
