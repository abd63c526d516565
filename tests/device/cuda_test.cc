// What is particular to CUDA, on a fake driver; what all devices have in common is in the device suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "device/cuda/cast_ptx.h"
#include "device/device_suite.h"
#include "device/fake_cuda.h"
#include "io/temporary_folder.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(CudaAbsence, ADriverThatDoesNotExistIsNoError) {
  DeviceSearch search;
  search.cuda_library = "libno-such-cuda.so.7";
  const Backend backend = open_cuda(search);
  EXPECT_TRUE(backend.ports.empty());
  EXPECT_EQ(backend.type, DeviceType::cuda);
  EXPECT_THAT(backend.absence, HasSubstr("no driver: libno-such-cuda.so.7"));
}

TEST(CudaAbsence, ALibraryWithoutOneOfTheFunctionsIsNamed) {
  DeviceSearch search;
  search.cuda_library = "libm.so.6";
  EXPECT_EQ(open_cuda(search).absence,
            "no driver: libm.so.6 has no cuInit, so it is no driver of CUDA, or too old a one");
}

TEST(CudaAbsence, ADriverWithoutADeviceSaysSo) {
  const FakeCuda fake(0);
  EXPECT_EQ(open_cuda(FakeCuda::search()).absence, "no device: the driver of CUDA is here, but finds none");
}

TEST(CudaAbsence, ADriverThatDoesNotStartSaysWhy) {
  const FakeCuda fake;
  fake->init_code(803);
  EXPECT_THAT(open_cuda(FakeCuda::search()).absence,
              HasSubstr("starting CUDA's driver failed: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (system has"));
}

TEST(Cuda, SaysWhatThereIs) {
  const FakeCuda fake(2, 100 * kMiB);
  const Backend backend = open_cuda(FakeCuda::search());
  ASSERT_EQ(backend.ports.size(), 2U);
  EXPECT_EQ(backend.absence, "");
  const DeviceInfo& info = backend.ports[1]->info();
  EXPECT_EQ(info.device, (Device{DeviceType::cuda, 1}));
  EXPECT_EQ(info.name, "Fake GPU 1");
  EXPECT_EQ(info.driver, "CUDA 12.2");
  EXPECT_EQ(info.total_memory, 100 * kMiB);
  EXPECT_FALSE(info.host_memory);
}

TEST(Cuda, FindingADeviceMakesNoContext) {
  const FakeCuda fake(2);
  const Backend backend = open_cuda(FakeCuda::search());
  EXPECT_EQ(fake->calls("cuDevicePrimaryCtxRetain"), 0);
  static_cast<void>(backend.ports[0]->memory());
  static_cast<void>(backend.ports[0]->memory());
  EXPECT_EQ(fake->calls("cuDevicePrimaryCtxRetain"), 1);
}

TEST(Cuda, TheCallersContextStaysCurrent) {
  const FakeCuda fake(2);
  const auto api = FakeCuda::api();
  cuda::Context theirs = nullptr;
  ASSERT_EQ(api->primary_context_retain(&theirs, 1), 0);
  ASSERT_EQ(api->context_push(theirs), 0);
  {
    const Backend backend = open_cuda(FakeCuda::search());
    EXPECT_EQ(read_back(*backend.ports[0], block_with(*backend.ports[0], pattern(1000))), pattern(1000));
    EXPECT_EQ(error_of([&] { static_cast<void>(backend.ports[0]->allocate(1 << 30)); }).first, ErrorCode::memory);
  }
  EXPECT_EQ(fake->live(fake_cuda::kStack), 1);
  cuda::Context current = nullptr;
  EXPECT_EQ(api->context_pop(&current), 0);
  EXPECT_EQ(current, theirs);
  api->primary_context_release(1);
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Cuda, MemoryIsWhatTheDriverHasLeft) {
  const FakeCuda fake(1, 64 * kMiB);
  const Backend backend = open_cuda(FakeCuda::search());
  const Port& port = *backend.ports[0];
  const MemoryPtr memory = port.allocate(40 * kMiB);
  EXPECT_EQ(port.memory().free, 24 * kMiB);
  const auto [code, text] = error_of([&] { static_cast<void>(port.allocate(24 * kMiB + 1)); });
  EXPECT_EQ(code, ErrorCode::memory);
  EXPECT_THAT(text, HasSubstr("allocating 25165825 bytes on cuda:0 failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"));
}

TEST(Cuda, BytesGoFromOneDeviceToAnother) {
  const FakeCuda fake(2);
  {
    const Backend backend = open_cuda(FakeCuda::search());
    const MemoryPtr from = block_with(*backend.ports[0], pattern(5000));
    const MemoryPtr to = backend.ports[1]->allocate(5000);
    const auto stream = backend.ports[1]->stream();
    stream->copy_on({to.get(), 0, 5000}, {from.get(), 0, 5000});
    stream->synchronise();
    EXPECT_EQ(fake->calls("cuMemcpyPeerAsync"), 1);
    EXPECT_EQ(read_back(*backend.ports[1], to), pattern(5000));
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Cuda, ReadsOfTheCallersMemoryComeBehindTheCallersStream) {
  const FakeCuda fake(1, 256 * kMiB, true);
  {
    const Backend backend = open_cuda(FakeCuda::search());
    const PortPtr& port = backend.ports[0];
    const auto api = FakeCuda::api();
    cuda::Context context = nullptr;
    cuda::StreamHandle theirs = nullptr;
    const MemoryPtr block = port->allocate(2 * kMiB);
    ASSERT_EQ(api->primary_context_retain(&context, 0), 0);
    ASSERT_EQ(api->context_push(context), 0);
    ASSERT_EQ(api->stream_create(&theirs, 0), 0);
    {
      const MemoryPtr memory = port->adopt(block->address(), block->size(), block, theirs);
      const Storage storage = storage_on(port, memory, 0, memory->size(), std::nullopt);
      for (unsigned round = 1; round < 20; ++round) {
        const auto value = static_cast<unsigned char>(round);
        for (int i = 0; i < 8; ++i) ASSERT_EQ(api->memset_d8(block->address(), i < 7 ? 0 : value, 2 * kMiB, theirs), 0);
        std::vector<std::byte> bytes(round % 2 == 0 ? 10 : 2 * kMiB);  // directly, and through pinned memory
        storage.read(0, bytes);
        EXPECT_EQ(bytes.front(), std::byte{value});
        EXPECT_EQ(bytes.back(), std::byte{value});
        std::byte last{};
        port->stream()->copy_out({&last, 1}, {memory.get(), 2 * kMiB - 1, 1});
        EXPECT_EQ(last, std::byte{value});
      }
    }
    EXPECT_EQ(api->stream_destroy(theirs), 0);
    EXPECT_EQ(api->context_pop(&context), 0);
    api->primary_context_release(0);
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Cuda, LargeReadsGoThroughPinnedMemoryOrWithout) {
  const FakeCuda fake;
  {
    const Backend backend = open_cuda(FakeCuda::search());
    const auto bytes = pattern(9 * kMiB + 5);
    const Storage storage =
        storage_on(backend.ports[0], block_with(*backend.ports[0], bytes), 0, bytes.size(), std::nullopt);
    std::vector<std::byte> read(bytes.size());
    fake->fail("cuMemHostAlloc", 1, 2);
    storage.read(0, read);
    EXPECT_EQ(read, bytes);
    EXPECT_STREQ(fake->failed(), "cuMemHostAlloc");
    fake->fail(nullptr, 0, 0);
    std::ranges::fill(read, std::byte{0});
    storage.read(0, read);
    EXPECT_EQ(read, bytes);
    storage.read(0, read);
    EXPECT_EQ(fake->calls("cuMemHostAlloc"), 3);  // and the buffers are kept for the next
  }
  EXPECT_EQ(fake.leftovers(), "");
}

TEST(Cuda, ADriverThatDoesNotTakeOurKernelsLeavesCastsToTheHost) {
  const FakeCuda fake;
  fake->fail("cuModuleLoadData", 1, 218);
  const Backend backend = open_cuda(FakeCuda::search());
  EXPECT_FALSE(backend.ports[0]->casts(DType::float16, DType::float32));
  EXPECT_FALSE(backend.ports[0]->casts(DType::float16, DType::float32));
  EXPECT_EQ(fake->calls("cuModuleLoadData"), 1);
}

/// Everything that a port does. Returns what was said of the first failure.
std::string use_everything() {
  const Backend backend = open_cuda(FakeCuda::search());
  if (backend.ports.size() < 2) return backend.absence.empty() ? "a device is missing" : backend.absence;
  const Port& port = *backend.ports[0];
  try {
    static_cast<void>(port.memory());
    const auto staging = port.staging(4096);
    const MemoryPtr first = port.allocate(8192);
    const MemoryPtr second = port.adopt(first->address(), 8192, first, nullptr);
    const MemoryPtr other = backend.ports[1]->allocate(8192);
    const auto stream = port.stream();
    stream->copy_in({first.get(), 0, 4096}, staging->bytes());
    stream->wait(stream->mark());
    stream->fill({second.get(), 4096, 4096}, std::byte{3});
    stream->copy_on({first.get(), 0, 2048}, {second.get(), 4096, 2048});
    stream->copy_on({other.get(), 0, 2048}, {first.get(), 4096, 2048});
    if (!port.casts(DType::float16, DType::float32)) return "no casts";
    stream->cast({first.get(), 0, 512}, DType::float16, {first.get(), 4096, 1024}, DType::float32);
    stream->copy_out(staging->bytes(), {first.get(), 0, 4096});
    static_cast<void>(stream->mark());
    stream->synchronise();
    std::vector<std::byte> bytes(2 * kMiB);
    const Storage storage = storage_on(backend.ports[0], port.allocate(bytes.size()), 0, bytes.size(), std::nullopt);
    storage.read(0, bytes);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::device || error.code() == ErrorCode::memory) << error.what();
    return error.what();
  }
  return "";
}

TEST(CudaFaults, EveryCallMayFailAndNothingLeaks) {
  // What gives something back, or says how things stand, has nobody to tell; the rest comes out as an Error.
  const std::set<std::string> quiet = {"cuCtxPopCurrent_v2",          "cuMemFree_v2",      "cuMemFreeHost",
                                       "cuStreamDestroy_v2",          "cuEventDestroy_v2", "cuModuleUnload",
                                       "cuDevicePrimaryCtxRelease_v2"};
  std::set<std::string> told;
  for (int n = 1;; ++n) {
    ASSERT_LT(n, 1000);
    const FakeCuda fake(2);
    fake->fail(nullptr, n, 46);
    const std::string said = use_everything();
    ASSERT_EQ(fake.leftovers(), "") << "call " << n;
    const char* const failed = fake->failed();
    if (failed == nullptr) {
      EXPECT_EQ(said, "");
      break;
    }
    if (!said.empty()) told.insert(failed);
    if (said.empty() || said == "no casts" || said == "a device is missing") continue;
    EXPECT_THAT(said, HasSubstr("CUDA_ERROR_DEVICE_UNAVAILABLE")) << failed;
  }
  EXPECT_THAT(told, ::testing::IsSupersetOf({"cuInit",
                                             "cuDeviceGet",
                                             "cuMemAlloc_v2",
                                             "cuMemHostAlloc",
                                             "cuStreamCreate",
                                             "cuMemcpyHtoDAsync_v2",
                                             "cuMemcpyDtoHAsync_v2",
                                             "cuMemcpyDtoDAsync_v2",
                                             "cuMemcpyPeerAsync",
                                             "cuMemsetD8Async",
                                             "cuEventCreate",
                                             "cuEventRecord",
                                             "cuEventSynchronize",
                                             "cuStreamWaitEvent",
                                             "cuStreamSynchronize",
                                             "cuLaunchKernel",
                                             "cuModuleLoadData",
                                             "cuDevicePrimaryCtxRetain",
                                             "cuCtxPushCurrent_v2",
                                             "cuMemGetInfo_v2"}));
  for (const std::string& name : quiet) EXPECT_FALSE(told.contains(name)) << name;
}

TEST(CudaFaults, ADeviceMayBeLostAtAnyMomentAndNothingLeaks) {
  for (int n = 0;; ++n) {
    ASSERT_LT(n, 1000);
    const FakeCuda fake(2);
    fake->lose_after(n);
    const std::string said = use_everything();
    ASSERT_EQ(fake.leftovers(), "") << "after " << n << " calls";
    if (said.empty()) break;
    if (said == "no casts" || said == "a device is missing") continue;
    EXPECT_THAT(said, HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS")) << n;
  }
}

TEST(CudaFaults, CodesWithoutANameHaveTheirNumber) {
  const FakeCuda fake;
  const Backend backend = open_cuda(FakeCuda::search());
  fake->fail("cuMemGetInfo_v2", 1, 9876);
  EXPECT_THAT(error_of([&] { static_cast<void>(backend.ports[0]->memory()); }).second,
              HasSubstr("asking for the memory of cuda:0 failed: CUDA error 9876"));
}

TEST(CudaPtx, IsTakenByNvidiasAssembler) {
  const std::string assembler = "/usr/local/cuda/bin/ptxas";
  if (!std::filesystem::exists(assembler))
    GTEST_SKIP() << "no " << assembler << ": it comes with NVIDIA's toolkit only";
  const test::TemporaryFolder folder;
  test::write_file(folder / "casts.ptx", cuda::cast_ptx());
  for (const char* architecture : {"sm_75", "sm_90"}) {
    const std::string command =
        assembler + " -arch " + architecture + " " + (folder / "casts.ptx") + " -o " + (folder / "casts");
    EXPECT_EQ(std::system(command.c_str()), 0) << architecture;
  }
}

}  // namespace
}  // namespace sconce::device
