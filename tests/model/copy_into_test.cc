// copy_into(): elements arrive in the caller's memory as contiguous() would have them, and nothing is written where
// something is wrong.
#include <sconce/copy_into.h>
#include <sconce/sconce.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>

#include "io/temporary_folder.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using test::error_of;
using test::fixture;
using test::is_error;
using test::TemporaryFolder;

constexpr std::byte kUntouched{0xA5};

/// Memory for every target, filled with what can be told from elements.
struct Memory {
  std::vector<std::vector<std::byte>> blocks;
  std::vector<CopyTarget> targets;

  void want(const NamedTensor& item, DType dtype) {
    blocks.emplace_back(static_cast<std::size_t>(*bytes_of(dtype, item.tensor.numel())), kUntouched);
    targets.push_back({item.tensor, dtype, blocks.back(), item.name});
  }
  [[nodiscard]] bool untouched() const {
    for (const auto& block : blocks)
      for (const std::byte byte : block)
        if (byte != kUntouched) return false;
    return true;
  }
};

bool has_elements(const Tensor& tensor) {
  return tensor.layout() == Layout::strided && tensor.has_storage() && !tensor.is_meta();
}

Memory want_all(const Checkpoint& from) {
  Memory memory;
  memory.blocks.reserve(from.tensors().size());
  for (const NamedTensor& item : from.tensors())
    if (has_elements(item.tensor)) memory.want(item, item.tensor.dtype());
  return memory;
}

/// A file of several tensors, larger than what one thread takes at once; one is expanded, two share a storage.
std::string large_file(const TemporaryFolder& folder) {
  Checkpoint made;
  std::vector<float> values(3'000'000);
  std::iota(values.begin(), values.end(), 0.0F);
  const Tensor base = Tensor::from(values, {1500, 2000});
  made["base"] = base;
  const std::int64_t shape[] = {2000, 1500}, strides[] = {1, 2000}, small[] = {3}, step[] = {5};
  made["turned"] = Tensor::over(base.storage(), DType::float32, shape, strides, 0);
  made["part"] = Tensor::over(base.storage(), DType::float32, small, step, 7);
  made["count"] = Tensor::from(std::vector<std::int64_t>{7}, {1});
  SaveOptions options;
  options.durable = false;
  save(made, folder / "large.pt", options);
  return folder / "large.pt";
}

TEST(CopyInto, EveryTensorOfEveryFixtureArrives) {
  for (const auto& entry : std::filesystem::directory_iterator(fixture("torch-2.13"))) {
    if (entry.path().extension() != ".pt") continue;
    const Checkpoint given = load(entry.path().string());
    Memory memory = want_all(given);
    copy_into(memory.targets);
    for (std::size_t at = 0; at < memory.targets.size(); ++at) {
      std::vector<std::byte> expected(memory.blocks[at].size());
      memory.targets[at].tensor.copy_to(expected);
      EXPECT_EQ(memory.blocks[at], expected) << entry.path() << " " << memory.targets[at].name;
    }
  }
}

TEST(CopyInto, LargeTensorsViewsAndSharedStoragesArrive) {
  const TemporaryFolder folder;
  const Checkpoint given = load(large_file(folder));
  for (const FileAccess access : {FileAccess::mapped, FileAccess::owned}) {
    const Checkpoint again = load(folder / "large.pt", {.access = access});
    Memory memory = want_all(again);
    const MoveReport report = copy_into(memory.targets);
    EXPECT_EQ(report.checksums, 2U);
    for (std::size_t at = 0; at < memory.targets.size(); ++at) {
      std::vector<std::byte> expected(memory.blocks[at].size());
      memory.targets[at].tensor.copy_to(expected);
      EXPECT_TRUE(memory.blocks[at] == expected) << memory.targets[at].name;
    }
  }
}

TEST(CopyInto, CastsOnTheWay) {
  const TemporaryFolder folder;
  const Checkpoint given = load(large_file(folder));
  Memory memory;
  memory.blocks.reserve(2);
  memory.want({"base", given.tensor("base")}, DType::float64);
  memory.want({"part", given.tensor("part")}, DType::int64);
  copy_into(memory.targets);
  const auto* base = reinterpret_cast<const double*>(memory.blocks[0].data());
  EXPECT_EQ(base[2'999'999], 2'999'999.0);
  const auto* part = reinterpret_cast<const std::int64_t*>(memory.blocks[1].data());
  EXPECT_EQ(part[2], 17);
}

TEST(CopyInto, ADamagedByteIsFoundBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  const std::string path = large_file(folder);
  const Checkpoint before = load(path);
  const std::uint64_t at = *before.tensor("count").storage().file_offset();
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(at)).put('!');
  const Checkpoint given = load(path);
  Memory memory = want_all(given);
  EXPECT_THAT(error_of([&] { copy_into(memory.targets); }), is_error(ErrorCode::checksum, "records"));
  EXPECT_TRUE(memory.untouched());
  copy_into(memory.targets, {.checksums = Checksums::skip});
  EXPECT_FALSE(memory.untouched());
}

TEST(CopyInto, AFileThatWasCutShortMeanwhileIsFoundBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  const std::string path = large_file(folder);
  const Checkpoint given = load(path);
  Memory memory = want_all(given);
  std::filesystem::resize_file(path, 1'000'000);
  for (const Checksums checksums : {Checksums::verify, Checksums::skip}) {
    EXPECT_THAT(error_of([&] { copy_into(memory.targets, {.checksums = checksums}); }),
                is_error(ErrorCode::truncated, ""));
    EXPECT_TRUE(memory.untouched());
  }
}

TEST(CopyInto, WrongSizesAndWhatHasNoElementsAreRefusedBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  const Checkpoint given = load(large_file(folder));
  Memory memory = want_all(given);
  memory.targets.back().into = memory.targets.back().into.first(1);
  EXPECT_THAT(error_of([&] { copy_into(memory.targets); }),
              is_error(ErrorCode::invalid_argument, "do not take the 1 bytes"));
  memory.targets.back().tensor = Tensor();
  EXPECT_THAT(error_of([&] { copy_into(memory.targets); }), is_error(ErrorCode::wrong_type, "no elements of its own"));
  memory.targets.back() = {Tensor::from(std::vector<std::complex<float>>{{1, 2}}, {1}), DType::float32,
                           memory.targets.back().into, "complex"};
  EXPECT_THAT(error_of([&] { copy_into(memory.targets); }), is_error(ErrorCode::unsupported, ""));
  EXPECT_TRUE(memory.untouched());
}

TEST(CopyInto, MemoryThatHasTheElementsAlreadyIsLeftAlone) {
  std::vector<float> values{1, 2, 3};
  const Tensor own = Tensor::view(std::span<const float>(values), {3});
  const CopyTarget target{own, DType::float32, std::as_writable_bytes(std::span(values)), "own"};
  EXPECT_EQ(copy_into({&target, 1}).bytes_moved, 0U);
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3}));
}

TEST(CopyInto, CancellationIsAnError) {
  const TemporaryFolder folder;
  const Checkpoint given = load(large_file(folder));
  Memory memory = want_all(given);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(error_of([&] { copy_into(memory.targets, {.cancel = stop.get_token()}); }),
              is_error(ErrorCode::cancelled, ""));
  EXPECT_TRUE(memory.untouched());
}

}  // namespace
}  // namespace sconce
