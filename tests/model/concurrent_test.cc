// One checkpoint, many threads that only read: what the headers promise, for ThreadSanitizer to check.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "model/model_builder.h"

namespace sconce::test {
namespace {

constexpr int kThreads = 8;

/// Runs `read` in several threads that begin together.
template <typename Read>
void in_threads(const Read& read) {
  std::atomic<int> ready = 0;
  std::vector<std::jthread> threads;
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([&] {
      ++ready;
      while (ready < kThreads) std::this_thread::yield();
      read();
    });
}

/// A file in memory, of tensors, tied ones among them, and other values.
std::string saved(const char* format) {
  Checkpoint made;
  const Tensor tied = floats({1, 2, 3, 4});
  for (int layer = 0; layer < 50; ++layer)
    made["model"]["layer." + std::to_string(layer)] = layer % 5 == 0 ? tied : floats({float(layer), 1, 2});
  made["epoch"] = 7;
  made["betas"] = Literal::tuple({0.9, 0.999});
  StringSink sink;
  SaveOptions options;
  options.format = format;
  save(made, sink, options);
  return sink.text;
}

Checkpoint opened(const std::string& bytes) { return load(memory_source(std::as_bytes(std::span(bytes)))); }

class ConcurrentReaders : public ::testing::TestWithParam<const char*> {};

TEST_P(ConcurrentReaders, SeeTheSameTensorsNamesAndValues) {
  const std::string bytes = saved(GetParam());
  const Checkpoint checkpoint = opened(bytes);
  const std::string hash = opened(bytes).tensor("model.layer.0").sha256();
  std::atomic<int> right = 0;
  in_threads([&] {
    std::size_t tensors = 0;
    checkpoint.walk({}, [&](const Leaf& leaf) {
      if (leaf.is_tensor()) tensors += leaf.tensor().to_vector<float>().empty() ? 0U : 1U;
      return true;
    });
    const Tensor tensor = checkpoint.tensor("model.layer.0");
    const bool same = tensor.sha256() == hash && tensor.contiguous().data<float>().size() == 4 && tensors == 50 &&
                      checkpoint.state_dict().size() == 50 && checkpoint.root()["epoch"].as_int() == 7 &&
                      checkpoint.root()["betas"].size() == 2 && checkpoint.unreferenced_bytes() == 0 &&
                      checkpoint.root().find(checkpoint.root()["epoch"]) == std::nullopt;
    right += same ? 1 : 0;
  });
  EXPECT_EQ(right, kThreads);
}

TEST_P(ConcurrentReaders, SaveAndCompareOneCheckpoint) {
  const std::string bytes = saved(GetParam());
  const Checkpoint checkpoint = opened(bytes);
  std::atomic<int> right = 0;
  in_threads([&] {
    StringSink sink;
    SaveOptions options;
    options.format = "safetensors";
    save(checkpoint, sink, options);
    right += diff(checkpoint, opened(sink.text)).same ? 1 : 0;
  });
  EXPECT_EQ(right, kThreads);
}

TEST_P(ConcurrentReaders, OpenOneSourceEachForItself) {
  const std::string bytes = saved(GetParam());
  const SourcePtr source = memory_source(std::as_bytes(std::span(bytes)));
  std::atomic<int> right = 0;
  in_threads([&] { right += load(source).tensors().size() == 50 && verify(source).whole ? 1 : 0; });
  EXPECT_EQ(right, kThreads);
}

INSTANTIATE_TEST_SUITE_P(OfEveryFormat, ConcurrentReaders,
                         ::testing::Values("pytorch-zip", "pytorch-legacy", "safetensors"), [](const auto& test) {
                           std::string name(test.param);
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace sconce::test
