// Checkpoint::to() onto devices: what arrives is what the file has, a failure changes and leaks nothing, and what lives
// on several devices is saved as from the CPU.
#include <sconce/checkpoint.h>
#include <sconce/diff.h>
#include <sconce/dlpack.h>
#include <sconce/save.h>
#include <sconce/verify.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "device/fake_cuda.h"
#include "device/opencl_here.h"
#include "io/temporary_folder.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using device::FakeCuda;
using test::checkpoint;
using test::error_of;
using test::fixture;
using test::floats;
using test::is_error;
using test::read_file;
using test::TemporaryFolder;
using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr Device kFirst{DeviceType::cuda, 0};
constexpr Device kSecond{DeviceType::cuda, 1};

SaveOptions in_cache() {
  SaveOptions options;
  options.durable = false;
  return options;
}

std::vector<float> numbers(std::size_t count, float first) {
  std::vector<float> values(count);
  for (std::size_t at = 0; at < count; ++at) values[at] = first + static_cast<float>(at % 8191) / 16;
  return values;
}

/// Four blocks of a little more than 1 MiB, two tensors over one storage, and small ones.
Checkpoint model() {
  const Tensor shared = floats({1, 2, 3, 4});
  const std::int64_t two[] = {2};
  const std::int64_t one[] = {1};
  Checkpoint made =
      checkpoint({{"embed", shared}, {"head", Tensor::over(shared.storage(), DType::float32, two, one, 2)}});
  for (int block = 0; block < 4; ++block) {
    const std::string name = "layers." + std::to_string(block);
    made[name + ".weight"] = floats(numbers(262'144, static_cast<float>(block)));
    made[name + ".bias"] = floats({static_cast<float>(block)});
  }
  return made;
}

/// A file, and what is known of it.
struct Saved {
  explicit Saved(DType dtype = DType::float32) : path(folder / "model.pt") {
    Checkpoint made = model();
    if (dtype != DType::float32) made.cast({{"*", {}, dtype}});
    save(made, path, in_cache());
  }
  TemporaryFolder folder;
  std::string path;
};

std::vector<std::pair<std::string, std::string>> hashes(const Checkpoint& checkpoint) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, tensor] : checkpoint.tensors()) all.emplace_back(name, tensor.sha256());
  return all;
}

MoveOptions onto(const MapLocation& where, const Devices& devices) {
  MoveOptions options;
  options.map_location = where;
  options.devices = devices;
  return options;
}

void expect_all_on(const Checkpoint& checkpoint, Device device) {
  for (const auto& [name, tensor] : checkpoint.tensors()) EXPECT_EQ(tensor.storage().device(), device) << name;
}

/// It is where the file has it, and reads as the file does.
void expect_untouched(const Checkpoint& moved, const std::vector<std::pair<std::string, std::string>>& before) {
  for (const auto& [name, tensor] : moved.tensors()) EXPECT_TRUE(tensor.storage().file_offset()) << name;
  EXPECT_EQ(hashes(moved), before);
}

TEST(MoveDevice, ToADeviceAndAnotherAndBackAndToMetaKeepsEverything) {
  const FakeCuda fake(2);
  {
    const Saved file;
    const Devices devices(FakeCuda::search());
    Checkpoint moved = load(file.path);
    const Checkpoint original = load(file.path);
    const auto before = hashes(original);
    for (const Device device : {kFirst, kSecond, kFirst}) {
      const MoveReport report = moved.to(onto(device, devices));
      expect_all_on(moved, device);
      EXPECT_EQ(hashes(moved), before);
      EXPECT_TRUE(diff(original, moved).same);
      EXPECT_TRUE(moved.tensor("embed").storage().is(moved.tensor("head").storage()));
      ASSERT_EQ(report.devices.size(), 1U);
      EXPECT_EQ(report.devices[0].device, device);
    }
    EXPECT_EQ(moved.to(onto(kFirst, devices)).bytes_moved, 0U) << "it is there";
    moved.to(onto("cpu", devices));
    expect_all_on(moved, Device{});
    EXPECT_EQ(hashes(moved), before);
    EXPECT_EQ(fake->live(fake_cuda::kBlocks), 0) << "nothing is on a device any more";
    moved.to(onto(kSecond, devices));
    moved.to(onto("meta", devices));
    EXPECT_TRUE(moved.tensor("embed").is_meta());
    EXPECT_EQ(fake->live(fake_cuda::kBlocks), 0);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, WhatWasSavedOnAGpuGoesThereByItself) {
  const FakeCuda fake(1);
  {
    const Devices devices(FakeCuda::search());
    Checkpoint run = load(fixture("demo/gpu_run.ckpt"));
    const auto before = hashes(run);
    std::set<std::string> saved;
    for (const auto& [name, tensor] : run.tensors()) saved.insert(std::string(tensor.device()));
    ASSERT_TRUE(saved.contains("cuda:0"));
    const std::vector<NamedTensor> tags = load(fixture("demo/gpu_run.ckpt")).tensors();
    run.to(onto({}, devices));
    const auto tensors = run.tensors();
    for (std::size_t at = 0; at < tensors.size(); ++at)
      EXPECT_EQ(tensors[at].tensor.storage().device(), tags[at].tensor.device() == "cuda:0" ? kFirst : Device{})
          << tensors[at].name;
    EXPECT_EQ(hashes(run), before);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, BudgetFillsDevicesInOrderAndKeepsBlocksTogether) {
  const FakeCuda fake(2);
  {
    const Saved file;
    const Devices devices(FakeCuda::search());
    Checkpoint moved = load(file.path);
    const auto before = hashes(moved);
    moved.to(onto(MapLocation::budget({{kFirst, 5 * kMiB / 2}, {kSecond, 3 * kMiB / 2}, {Device{}}}), devices));
    const Device expected[] = {kFirst, kFirst, kSecond, Device{}};
    for (int block = 0; block < 4; ++block) {
      const std::string name = "layers." + std::to_string(block);
      EXPECT_EQ(moved.tensor(name + ".weight").storage().device(), expected[block]) << name;
      EXPECT_EQ(moved.tensor(name + ".bias").storage().device(), expected[block]) << name;
    }
    EXPECT_EQ(hashes(moved), before);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, WhatLivesOnManyDevicesIsSavedAsFromTheCpu) {
  const FakeCuda fake(2);
  {
    const TemporaryFolder folder;
    DeviceSearch search = FakeCuda::search();
    static_cast<void>(device::opencl_here());  // where its compiler keeps what it made
    search.opencl = true;
    const Devices devices(search);
    const bool opencl = devices.has({DeviceType::opencl, 0});
    for (const char* name : {"model.pt", "model.safetensors"}) {
      save(model(), folder / name, in_cache());
      Checkpoint moved = load(folder / name);
      Checkpoint stays = load(folder / name);
      stays.to("cpu");
      moved.to(onto(MapLocation([&](const StorageFacts& facts) -> std::optional<Device> {
                      if (facts.name.starts_with("layers.0")) return kFirst;
                      if (facts.name.starts_with("layers.1")) return kSecond;
                      if (facts.name.starts_with("layers.2") && opencl) return Device{DeviceType::opencl, 0};
                      return Device{};
                    }),
                    devices));
      EXPECT_EQ(moved.tensor("layers.1.bias").storage().device(), kSecond);
      save(moved, folder / (std::string("moved.") + name), in_cache());
      save(stays, folder / (std::string("stays.") + name), in_cache());
      EXPECT_TRUE(read_file(folder / (std::string("moved.") + name)) ==
                  read_file(folder / (std::string("stays.") + name)))
          << name;
      EXPECT_TRUE(verify(folder / (std::string("moved.") + name)).whole);
      SaveHandle handle = save_async(moved, folder / "later", in_cache());
      moved.to(onto("meta", devices));
      (void)handle.wait();
      EXPECT_EQ(hashes(load(folder / "later")), hashes(stays));
    }
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, OpenclWithLittleMemoryRefusesOrTakesABudget) {
  DeviceSearch search;
  search.cuda = false;
  search.opencl_memory = 3 * kMiB;
  static_cast<void>(device::opencl_here());
  const Devices devices(search);
  const Device there{DeviceType::opencl, 0};
  if (!devices.has(there)) GTEST_SKIP() << devices.absence(DeviceType::opencl);
  const Saved file;
  Checkpoint moved = load(file.path);
  const auto before = hashes(moved);
  EXPECT_THAT(error_of([&] { moved.to(onto(there, devices)); }), is_error(ErrorCode::memory, "opencl:0"));
  expect_untouched(moved, before);
  moved.to(onto(MapLocation::budget({{there}, {Device{}}}), devices));
  EXPECT_EQ(moved.tensor("layers.0.weight").storage().device(), there);
  EXPECT_EQ(moved.tensor("layers.3.weight").storage().device(), Device{});
  EXPECT_EQ(hashes(moved), before);
}

/// Memory from somewhere else, as PyTorch's caching allocator has it.
class CountingAllocator final : public DeviceAllocator {
 public:
  explicit CountingAllocator(const Devices& devices) : port_(device::port_of(devices, kFirst)) {}
  std::uintptr_t allocate(Device, std::uint64_t nbytes, void* stream) override {
    streams.insert(stream);
    if (refuses) throw Error(ErrorCode::memory, "the pool is empty");
    const device::MemoryPtr block = port_->allocate(nbytes);
    blocks_[block->address()] = block;
    ++taken;
    return block->address();
  }
  void release(Device, std::uintptr_t address, std::uint64_t) noexcept override { blocks_.erase(address); }

  [[nodiscard]] std::size_t held() const { return blocks_.size(); }
  int taken = 0;
  bool refuses = false;
  std::set<void*> streams;

 private:
  device::PortPtr port_;
  std::map<std::uintptr_t, device::MemoryPtr> blocks_;
};

TEST(MoveDevice, TheCallersAllocatorAndStreamAreUsed) {
  const FakeCuda fake(1);
  {
    const Saved file(DType::float16);
    const Devices devices(FakeCuda::search());
    MoveOptions options = onto(kFirst, devices);
    const auto pool = std::make_shared<CountingAllocator>(devices);
    options.allocator = pool;
    Checkpoint moved = load(file.path);
    const auto before = hashes(moved);
    pool->refuses = true;
    EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::memory, "the pool is empty"));
    expect_untouched(moved, before);
    pool->refuses = false;
    pool->streams.clear();
    const auto api = FakeCuda::api();
    device::cuda::Context context = nullptr;
    device::cuda::StreamHandle theirs = nullptr;
    ASSERT_EQ(api->primary_context_retain(&context, 0), 0);
    ASSERT_EQ(api->context_push(context), 0);
    ASSERT_EQ(api->stream_create(&theirs, 0), 0);
    options.stream = theirs;
    options.cast = {{"layers.0.*", {}, DType::float32}};
    const long streams = fake->live(fake_cuda::kStreams);
    moved.to(options);
    EXPECT_EQ(fake->live(fake_cuda::kStreams), streams) << "theirs is there, and no other stayed";
    EXPECT_GE(pool->taken, 2) << "for what arrives, and for what waits for its cast";
    EXPECT_EQ(pool->streams, std::set<void*>{theirs});
    // Reads are ordered behind that stream: it lives as long as what was moved onto it.
    EXPECT_EQ(hashes(load(file.path)).size(), hashes(moved).size());
    moved.to(onto("meta", devices));
    EXPECT_EQ(api->stream_destroy(theirs), 0);
    EXPECT_EQ(api->context_pop(&context), 0);
    api->primary_context_release(0);
    EXPECT_EQ(pool->held(), 0U) << "all of it was given back";
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, DlpackOfWhatArrivedPointsAtTheDevice) {
  const FakeCuda fake(2);
  {
    const Saved file;
    const Devices devices(FakeCuda::search());
    Checkpoint moved = load(file.path);
    moved.to(onto(kSecond, devices));
    DLManagedTensorVersioned* given = to_dlpack(moved.tensor("layers.2.weight"));
    moved.to(onto("meta", devices));
    const Tensor back = from_dlpack(given, devices);
    EXPECT_EQ(back.storage().device(), kSecond);
    EXPECT_TRUE(back.to_vector<float>() == numbers(262'144, 2)) << "the export keeps its memory";
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, TooLittleMemoryIsRefusedBeforeAnythingIsReadWithWhatFits) {
  const FakeCuda fake(1, 3 * kMiB);
  {
    const Saved file;
    const Devices devices(FakeCuda::search());
    Checkpoint moved = load(file.path);
    const auto before = hashes(moved);
    const Error error = error_of([&] { moved.to(onto(kFirst, devices)); });
    EXPECT_THAT(error, is_error(ErrorCode::memory, "nothing was read"));
    EXPECT_THAT(error.advice(), HasSubstr("fill:cuda:0,cpu"));
    EXPECT_EQ(fake->calls("cuMemAlloc_v2"), 0);
    expect_untouched(moved, before);
    MoveOptions half = onto(kFirst, devices);
    half.cast = {{"*", {}, DType::float16}};
    EXPECT_EQ(moved.to(half).checksums, 9U) << "what is cast is compared, too";
    EXPECT_EQ(moved.tensor("layers.1.weight").dtype(), DType::float16);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, CastsAreThoseOfTheCpuAndCounted) {
  const FakeCuda fake(1);
  {
    const Saved file;
    const Devices devices(FakeCuda::search());
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float64}) {
      MoveOptions options = onto("cpu", devices);
      options.cast = {{"*", {}, dtype}};
      Checkpoint here = load(file.path);
      const MoveReport host = here.to(options);
      options.map_location = kFirst;
      Checkpoint there = load(file.path);
      const MoveReport report = there.to(options);
      EXPECT_EQ(hashes(there), hashes(here));
      EXPECT_EQ(report.casts.elements, 4U * 262'145 + 4);
      EXPECT_EQ(report.casts.elements, host.casts.elements);
      EXPECT_EQ(report.casts.to_zero, host.casts.to_zero);
      EXPECT_EQ(report.checksums, 9U);
      EXPECT_EQ(host.checksums, 9U);
    }
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(MoveDevice, ADamagedTensorIsNamedAlsoWhereItIsCast) {
  const FakeCuda fake(1);
  {
    const Saved file;
    const auto offset = load(file.path).tensor("layers.2.weight").storage().file_offset();
    ASSERT_TRUE(offset);
    std::fstream(file.path, std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(*offset + 70'000))
        .put('\x55');
    const Devices devices(FakeCuda::search());
    for (const char* where : {"cpu", "cuda:0"}) {
      for (const auto dtype : {DType::float32, DType::float16, DType::float64}) {
        Checkpoint moved = load(file.path);
        MoveOptions options = onto(where, devices);
        if (dtype != DType::float32) options.cast = {{"*", {}, dtype}};
        const Error error = error_of([&] { moved.to(options); });
        EXPECT_EQ(error.code(), ErrorCode::checksum);
        EXPECT_EQ(error.place().key, "layers.2.weight");
        EXPECT_THAT(error.place().record, HasSubstr("data/"));
        EXPECT_EQ(moved.tensor("embed").dtype(), DType::float32);
        EXPECT_TRUE(moved.tensor("embed").storage().file_offset()) << "nothing moved";
        EXPECT_EQ(fake->live(fake_cuda::kBlocks), 0);
        options.checksums = Checksums::skip;
        EXPECT_EQ(moved.to(options).checksums, 0U);
      }
    }
  }
  EXPECT_EQ(fake.leftovers(), "");
}

/// Fails one call after another of those that a move makes, and expects that nothing is left of it.
template <typename Break>
void expect_failures_leave_nothing(Break&& break_it) {
  const Saved file(DType::float16);
  for (int n = 1; n < 400; n += 1 + n / 12) {
    const FakeCuda fake(2);
    bool failed = false;
    {
      const Devices devices(FakeCuda::search());
      Checkpoint moved = load(file.path);
      const auto before = hashes(moved);
      MoveOptions options = onto(MapLocation::budget({{kFirst, 5 * kMiB / 2}, {kSecond}}), devices);
      options.cast = {{"*.1.*", {}, DType::float32}, {"*.3.*", {}, DType::bfloat16}};
      options.staging = kMiB;
      break_it(fake, n);
      try {
        moved.to(options);
      } catch (const Error& error) {
        failed = true;
        EXPECT_TRUE(error.code() == ErrorCode::device || error.code() == ErrorCode::memory) << error.what();
        expect_untouched(moved, before);
      }
    }
    EXPECT_EQ(fake.leftovers(), "") << n;
    if (!failed && n > 100) return;
  }
}

TEST(MoveDevice, ACallThatFailsLeavesTheCheckpointAsItWas) {
  expect_failures_leave_nothing([](const FakeCuda& fake, int n) { fake->fail(nullptr, n, 700); });
}

TEST(MoveDevice, ADeviceThatIsLostInTheMiddleLeavesTheCheckpointAsItWas) {
  expect_failures_leave_nothing([](const FakeCuda& fake, int n) { fake->lose_after(n); });
}

TEST(MoveDevice, AllocationsThatFailLeaveTheCheckpointAsItWas) {
  const Saved file;
  for (const char* function : {"cuMemAlloc_v2", "cuMemHostAlloc", "cuStreamCreate", "cuEventCreate"}) {
    const FakeCuda fake(1);
    {
      const Devices devices(FakeCuda::search());
      Checkpoint moved = load(file.path);
      const auto before = hashes(moved);
      fake->fail(function, 1, 2);
      const Error error = error_of([&] { moved.to(onto(kFirst, devices)); });
      EXPECT_TRUE(error.code() == ErrorCode::memory || error.code() == ErrorCode::device) << function << error.what();
      expect_untouched(moved, before);
      fake->fail(nullptr, 0, 0);
      moved.to(onto(kFirst, devices));
      EXPECT_EQ(hashes(moved), before) << "the second try";
    }
    EXPECT_EQ(fake.leftovers(), "") << function;
  }
}

TEST(MoveDevice, IsCancelledAtManyPointsAndChangesNothing) {
  const Saved file;
  for (const double share : {0.0, 0.2, 0.5, 0.9}) {
    const FakeCuda fake(2);
    {
      const Devices devices(FakeCuda::search());
      Checkpoint moved = load(file.path);
      const auto before = hashes(moved);
      std::stop_source stop;
      // Storages of two devices follow one another, so that progress is told between them.
      MoveOptions options = onto(MapLocation::budget({{kFirst, 5 * kMiB / 2}, {kSecond}}), devices);
      options.cancel = stop.get_token();
      options.threads = 1;
      options.progress = [&](const ProgressReport& report) {
        if (static_cast<double>(report.done) >= share * static_cast<double>(report.total) && report.done < report.total)
          stop.request_stop();
      };
      if (share == 0.0) stop.request_stop();
      try {
        moved.to(options);
        EXPECT_FALSE(stop.stop_requested());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cancelled);
        expect_untouched(moved, before);
        EXPECT_EQ(fake->live(fake_cuda::kBlocks), 0);
      }
    }
    EXPECT_EQ(fake.leftovers(), "");
  }
}

TEST(MoveDeviceConcurrent, ManyMovesShareADeviceAndReadersDoNotMind) {
  const FakeCuda fake(2, 256 * kMiB, true);
  {
    const Saved file(DType::float16);
    const Devices devices(FakeCuda::search());
    const auto before = hashes(load(file.path));
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
      threads.emplace_back([&, number] {
        Checkpoint moved = load(file.path);
        moved.to(onto(number % 2 == 0 ? kFirst : kSecond, devices));
        EXPECT_EQ(hashes(moved), before);
        MoveOptions wider = onto(number % 2 == 0 ? kSecond : kFirst, devices);
        wider.cast = {{"layers*", {}, DType::float32}};
        Checkpoint other = load(file.path);
        other.to(wider);
        EXPECT_TRUE(other.tensor("layers.3.weight").to_vector<float>().front() == 3);
      });
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(fake.leftovers(), "");
}

}  // namespace
}  // namespace sconce
