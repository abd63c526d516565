#include "device/device_suite.h"

#include <array>
#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>

#include <sconce/tensor.h>

#include "device/cpu/cpu.h"
#include "device/fake_cuda.h"
#include "device/opencl_here.h"
#include "tensor/cast.h"

namespace sconce::device {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST_P(DeviceSuite, SaysWhatItIs) {
  const DeviceInfo& info = port().info();
  EXPECT_FALSE(info.name.empty());
  EXPECT_GT(info.total_memory, 0U);
  EXPECT_LE(info.max_allocation, info.total_memory);
  EXPECT_EQ(info.device.index, 0U);
  const DeviceMemory memory = port().memory();
  EXPECT_GT(memory.total, 0U);
  EXPECT_LE(memory.free, memory.total);
}

TEST_P(DeviceSuite, BytesComeBackWhateverTheirNumber) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{4095}, std::size_t{4096},
                                 std::size_t{4097}, 3 * std::size_t{kMiB} + 1}) {
    const auto bytes = pattern(size);
    const MemoryPtr memory = block_with(port(), bytes);
    EXPECT_EQ(memory->size(), size);
    EXPECT_EQ(read_back(port(), memory), bytes) << size;
  }
}

TEST_P(DeviceSuite, LargeBlocksComeBack) {
  const auto bytes = pattern(64 * kMiB);
  const MemoryPtr memory = block_with(port(), bytes);
  EXPECT_EQ(read_back(port(), memory), bytes);
}

TEST_P(DeviceSuite, AnyRangeOfABlockCanBeWrittenAndRead) {
  const auto all = pattern(8192, 2);
  const MemoryPtr memory = block_with(port(), all);
  const auto stream = port().stream();
  auto expected = all;
  for (std::size_t offset = 0; offset < 19; ++offset)
    for (const std::size_t size : {1U, 2U, 7U, 64U, 100U}) {
      const auto bytes = pattern(size, static_cast<unsigned>(offset * 31 + size));
      stream->copy_in({memory.get(), offset * 211, size}, bytes);
      std::memcpy(expected.data() + offset * 211, bytes.data(), size);
      std::vector<std::byte> part(size + offset);  // and any place on the host
      stream->copy_out(std::span(part).subspan(offset), {memory.get(), offset * 211, size});
      EXPECT_EQ(std::memcmp(part.data() + offset, bytes.data(), size), 0);
    }
  EXPECT_EQ(read_back(port(), memory), expected);
}

TEST_P(DeviceSuite, BytesOfOrdinaryMemoryAreTakenAtOnce) {
  const MemoryPtr memory = port().allocate(kMiB);
  const auto bytes = pattern(kMiB);
  const auto stream = port().stream();
  auto mine = bytes;
  stream->copy_in({memory.get(), 0, kMiB}, mine);
  std::ranges::fill(mine, std::byte{0});
  EXPECT_EQ(read_back(port(), memory), bytes);
}

TEST_P(DeviceSuite, StagingMemoryIsCopiedUpToTheTicket) {
  const auto in = port().staging(kMiB);
  const auto out = port().staging(kMiB);
  ASSERT_EQ(in->bytes().size(), kMiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(in->bytes().data()) % 4096, 0U);
  const MemoryPtr memory = port().allocate(4 * kMiB);
  const auto stream = port().stream();
  for (unsigned round = 0; round < 4; ++round) {
    const auto bytes = pattern(kMiB, round);
    std::ranges::copy(bytes, in->bytes().begin());
    stream->copy_in({memory.get(), round * kMiB, kMiB}, in->bytes());
    const Ticket ticket = stream->mark();
    stream->wait(ticket);
    stream->wait(ticket);  // waiting twice is waiting once
    std::ranges::fill(in->bytes(), std::byte{0});
    stream->copy_out(out->bytes(), {memory.get(), round * kMiB, kMiB});
    stream->wait(stream->mark());
    EXPECT_TRUE(std::ranges::equal(out->bytes(), bytes)) << round;
  }
}

TEST_P(DeviceSuite, TicketsOfALaterMarkCoverEarlierWork) {
  const auto staging = port().staging(8 * 4096);
  const MemoryPtr memory = block_with(port(), pattern(8 * 4096));
  const auto stream = port().stream();
  Ticket last = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    stream->copy_out(staging->bytes().subspan(i * 4096, 4096), {memory.get(), i * 4096, 4096});
    const Ticket ticket = stream->mark();
    EXPECT_GT(ticket, last);
    last = ticket;
  }
  stream->wait(last);
  EXPECT_TRUE(std::ranges::equal(staging->bytes(), pattern(8 * 4096)));
}

TEST_P(DeviceSuite, ThousandsOfMarksNeedNobodyWhoWaits) {
  const MemoryPtr memory = port().allocate(3000);
  const auto stream = port().stream();
  for (std::uint64_t i = 0; i < 3000; ++i) {
    stream->fill({memory.get(), i, 3000 - i}, static_cast<std::byte>(i % 251));
    static_cast<void>(stream->mark());
  }
  stream->synchronise();
  const auto bytes = read_back(port(), memory);
  for (std::size_t i = 0; i < 3000; ++i) ASSERT_EQ(bytes[i], static_cast<std::byte>(i % 251)) << i;
}

TEST_P(DeviceSuite, CopiesAndFillsOnTheDevice) {
  const auto bytes = pattern(10000);
  const MemoryPtr from = block_with(port(), bytes);
  const MemoryPtr to = port().allocate(10000);
  const auto stream = port().stream();
  stream->fill({to.get(), 0, 10000}, std::byte{0x5A});
  stream->copy_on({to.get(), 101, 9000}, {from.get(), 7, 9000});
  stream->fill({to.get(), 5000, 3}, std::byte{1});
  stream->copy_on({to.get(), 0, 0}, {from.get(), 0, 0});
  stream->fill({to.get(), 0, 0}, std::byte{2});
  stream->synchronise();
  auto expected = std::vector<std::byte>(10000, std::byte{0x5A});
  std::memcpy(expected.data() + 101, bytes.data() + 7, 9000);
  std::memset(expected.data() + 5000, 1, 3);
  EXPECT_EQ(read_back(port(), to), expected);
}

/// Every pattern of 16 bits, or floats from all over with those next to halfway among them.
std::vector<std::byte> telling(DType dtype) {
  if (dtype != DType::float32) {
    std::vector<std::uint16_t> all(65536);
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    const auto bytes = std::as_bytes(std::span(all));
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::uint32_t> floats;
  for (std::uint32_t high = 0; high < 0x10000; high += 3)
    for (const std::uint32_t low : {0x0000U, 0x0001U, 0x0fffU, 0x1000U, 0x1001U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
      floats.push_back(high << 16 | low);
  const auto bytes = std::as_bytes(std::span(floats));
  return {bytes.begin(), bytes.end()};
}

constexpr std::pair<DType, DType> kPairs[] = {{DType::float16, DType::float32},
                                              {DType::float32, DType::float16},
                                              {DType::bfloat16, DType::float32},
                                              {DType::float32, DType::bfloat16}};

TEST_P(DeviceSuite, CastsAreBitForBitThoseOfTheHost) {
  for (const auto& [to, from] : kPairs) {
    ASSERT_TRUE(port().casts(to, from)) << "every device casts these";
    const auto in = telling(from);
    const std::uint64_t count = in.size() / element_size(from);
    std::vector<std::byte> expected(static_cast<std::size_t>(count * element_size(to)));
    tensor::cast_elements(from, in.data(), to, expected.data(), count);
    for (const std::uint64_t shift : {std::uint64_t{0}, std::uint64_t{1}}) {
      const MemoryPtr source = port().allocate(in.size() + shift);
      const MemoryPtr target = port().allocate(expected.size() + shift);
      std::vector<std::byte> out(expected.size());
      const auto stream = port().stream();
      stream->copy_in({source.get(), shift, in.size()}, in);
      stream->cast({target.get(), shift, out.size()}, to, {source.get(), shift, in.size()}, from);
      stream->copy_out(out, {target.get(), shift, out.size()});
      EXPECT_EQ(out, expected) << to_string(from) << " to " << to_string(to) << " from byte " << shift;
    }
  }
}

TEST_P(DeviceSuite, CastsOfNothingAreNothing) {
  ASSERT_TRUE(port().casts(DType::float16, DType::float32));
  const MemoryPtr memory = port().allocate(16);
  port().stream()->cast({memory.get(), 0, 0}, DType::float16, {memory.get(), 8, 0}, DType::float32);
}

TEST_P(DeviceSuite, CastsThatItDoesNotDoAreRefused) {
  EXPECT_FALSE(port().casts(DType::float32, DType::qint8));
  const MemoryPtr memory = port().allocate(64);
  const auto [code, text] = error_of([&] {
    port().stream()->cast({memory.get(), 0, 32}, DType::float32, {memory.get(), 32, 8}, DType::qint8);
  });
  EXPECT_EQ(code, ErrorCode::unsupported);
  EXPECT_THAT(text, HasSubstr("qint8"));
}

TEST_P(DeviceSuite, AWindowIsTheDevicesMemory) {
  const MemoryPtr memory = block_with(port(), pattern(10000));
  const auto window = port().window({memory.get(), 100, 1000});
  ASSERT_EQ(window != nullptr, port().info().host_memory) << "the host sees the memory of devices that share its own";
  if (window == nullptr) return;
  ASSERT_EQ(window->bytes().size(), 1000U);
  EXPECT_EQ(window->bytes()[0], pattern(10000)[100]);
  std::memset(window->bytes().data(), 9, 1000);
  window->release();
  auto expected = pattern(10000);
  std::memset(expected.data() + 100, 9, 1000);
  EXPECT_EQ(read_back(port(), memory), expected);
}

TEST_P(DeviceSuite, WhatDoesNotFitIsAnErrorAndLeavesItUsable) {
  const auto [code, text] = error_of([&] { static_cast<void>(port().allocate(std::uint64_t{1} << 60)); });
  EXPECT_EQ(code, ErrorCode::memory);
  EXPECT_EQ(read_back(port(), block_with(port(), pattern(100))), pattern(100));
}

TEST_P(DeviceSuite, BlocksBeginAtMultiplesOf512) {
  const bool is_number = port().info().device.type != DeviceType::opencl;  // a cl_mem is none
  for (const std::uint64_t size : {1U, 513U, 70000U}) {
    const MemoryPtr memory = port().allocate(size);
    EXPECT_NE(memory->address(), 0U);
    EXPECT_TRUE(!is_number || memory->address() % 512 == 0);
  }
}

TEST_P(DeviceSuite, MemoryThatIsThereAlreadyIsTakenOver) {
  const auto bytes = pattern(5000);
  const MemoryPtr theirs = block_with(port(), bytes);
  std::weak_ptr<const Memory> alive = theirs;
  {
    const MemoryPtr ours = port().adopt(theirs->address(), 5000, theirs, nullptr);
    EXPECT_EQ(ours->address(), theirs->address());
    EXPECT_EQ(read_back(port(), ours), bytes);
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(error_of([&] { static_cast<void>(port().adopt(0, 1, nullptr, nullptr)); }).first,
            ErrorCode::invalid_argument);
}

TEST_P(DeviceSuite, TheCallersAllocatorGetsItsBlocksBackOnce) {
  const auto allocator = std::make_shared<PortAllocator>(port());
  MemoryPtr memory = port().allocate_with(allocator, 5000, nullptr);
  EXPECT_EQ(allocator->alive(), 1U);
  const auto bytes = pattern(5000);
  port().stream()->copy_in({memory.get(), 0, 5000}, bytes);
  EXPECT_EQ(read_back(port(), memory), bytes);
  EXPECT_EQ(port().allocate_with(allocator, 0, nullptr)->size(), 0U);
  memory.reset();
  EXPECT_EQ(allocator->alive(), 0U);
}

TEST_P(DeviceSuite, AStreamOfTheCallersIsUsedAndLeftAlone) {
  const auto external = open_.make_external();
  ASSERT_EQ(external != nullptr, port().info().device.type == DeviceType::cuda) << "others are tested on their own";
  if (external == nullptr) return;
  const auto bytes = pattern(100000);
  const MemoryPtr memory = port().allocate(bytes.size());
  for (int round = 0; round < 2; ++round) {
    const auto stream = port().stream(external.get());
    stream->copy_in({memory.get(), 0, bytes.size()}, bytes);
    stream->wait(stream->mark());
  }
  EXPECT_EQ(read_back(port(), memory), bytes);
}

TEST_P(DeviceSuite, StoragesOnItAreReadBackThroughTensors) {
  const auto bytes = pattern(3 * kMiB + 64);
  const MemoryPtr memory = block_with(port(), bytes);
  const Storage storage = storage_on(open_.port, memory, 64, 3 * kMiB, DType::float32);
  EXPECT_EQ(storage.device(), port().info().device);
  EXPECT_EQ(storage.location(), port().info().device.to_string());
  EXPECT_EQ(storage.nbytes(), 3 * kMiB);
  EXPECT_EQ(storage.dtype(), DType::float32);
  EXPECT_EQ(memory_of(storage), memory);
  const bool host = port().info().device.type == DeviceType::cpu;
  EXPECT_EQ(storage.view().empty(), !host);
  EXPECT_EQ(storage.device_address() != 0, !host);

  std::vector<std::byte> whole(3 * kMiB);
  storage.read(0, whole);
  EXPECT_TRUE(std::equal(whole.begin(), whole.end(), bytes.begin() + 64));
  std::vector<std::byte> part(5);
  storage.read(3 * kMiB - 5, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), bytes.end() - 5));
  EXPECT_EQ(error_of([&] { storage.read(3 * kMiB - 4, part); }).first, ErrorCode::truncated);
}

TEST_P(DeviceSuite, TensorsOverItAreThoseOfTheHost) {
  std::vector<float> values(6 * 5000);
  std::iota(values.begin(), values.end(), 0.0F);
  const auto bytes = std::as_bytes(std::span(values));
  const Storage storage = storage_on(open_.port, block_with(port(), bytes), 0, bytes.size(), DType::float32);
  const std::vector<std::int64_t> shape = {5000, 3};
  const std::vector<std::int64_t> strides = {1, 10000};  // columns that lie apart
  const Tensor here = Tensor::over(storage, DType::float32, shape, strides, 7);
  const Tensor there = Tensor::over(Tensor::from(values, {30000}).storage(), DType::float32, shape, strides, 7);
  EXPECT_EQ(here.sha256(), there.sha256());
  EXPECT_TRUE(std::ranges::equal(here.contiguous().data<float>(), there.contiguous().data<float>()));
  std::vector<float> copied(15000);
  here.copy_to(std::as_writable_bytes(std::span(copied)));
  EXPECT_EQ(copied[1], 10007.0F);
  EXPECT_EQ(copied[3], 8.0F);
}

TEST_P(DeviceSuite, AStorageLiesInsideItsBlock) {
  const MemoryPtr memory = port().allocate(100);
  EXPECT_EQ(error_of([&] { static_cast<void>(storage_on(open_.port, memory, 1, 100, {})); }).first,
            ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([&] { static_cast<void>(storage_on(open_.port, memory, UINT64_MAX, 2, {})); }).first,
            ErrorCode::invalid_argument);
  const Storage empty = storage_on(open_.port, memory, 100, 0, {});
  EXPECT_EQ(empty.nbytes(), 0U);
  EXPECT_EQ(empty.dtype(), std::nullopt);
  EXPECT_EQ(memory_of(Storage()), nullptr);
}

TEST_P(DeviceSuite, AnotherThreadMayDropTheLastHandle) {
  MemoryPtr memory = block_with(port(), pattern(1000));
  auto stream = port().stream();
  auto staging = port().staging(4096);
  Storage storage = storage_on(open_.port, memory, 0, 1000, DType::uint8);
  stream->copy_out(staging->bytes().first(1000), {memory.get(), 0, 1000});
  std::thread([a = std::move(memory), b = std::move(stream), c = std::move(staging), d = std::move(storage)]() mutable {
    b.reset();
    c.reset();
    d = Storage();
    a.reset();
  }).join();
}

TEST_P(DeviceSuite, AStorageKeepsItsDeviceOpen) {
  Storage storage = storage_on(open_.port, block_with(port(), pattern(1000)), 0, 1000, DType::uint8);
  open_.make_external = {};
  open_.port.reset();
  std::vector<std::byte> bytes(1000);
  storage.read(0, bytes);
  EXPECT_EQ(bytes, pattern(1000));
  storage = Storage();
  EXPECT_EQ(open_.leftovers(), "");
}

TEST_P(DeviceSuite, ConcurrentThreadsWorkWithOneDevice) {
  const auto shared = pattern(2 * kMiB, 99);
  const Storage storage = storage_on(open_.port, block_with(port(), shared), 0, shared.size(), DType::uint8);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 4; ++number)
    threads.emplace_back([&, number] {
      const auto staging = port().staging(64 * 1024);
      for (unsigned round = 0; round < 8; ++round) {
        const auto bytes = pattern(64 * 1024, number * 8 + round);
        const MemoryPtr memory = port().allocate(bytes.size());
        const auto stream = port().stream();
        std::ranges::copy(bytes, staging->bytes().begin());
        stream->copy_in({memory.get(), 0, bytes.size()}, staging->bytes());
        stream->wait(stream->mark());
        if (read_back(port(), memory) != bytes) ++wrong;
        std::vector<std::byte> part(shared.size() / 2 + round);
        storage.read(number * 1000, part);
        if (!std::equal(part.begin(), part.end(), shared.begin() + number * 1000)) ++wrong;
        static_cast<void>(port().casts(DType::float16, DType::float32));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

OpenDevice first_of(Backend backend) {
  OpenDevice device;
  if (!backend.ports.empty()) device.port = backend.ports.front();
  device.absence = backend.absence;
  return device;
}

OpenDevice open_fake(bool asynchronous) {
  const FakeCuda fake(1, 256 * kMiB, asynchronous);
  OpenDevice device = first_of(open_cuda(FakeCuda::search()));
  device.leftovers = [fake] { return fake.leftovers(); };
  device.make_external = [port = device.port]() -> std::shared_ptr<void> {
    const auto api = FakeCuda::api();
    cuda::Context context = nullptr;
    cuda::StreamHandle stream = nullptr;
    EXPECT_EQ(api->primary_context_retain(&context, 0), 0);
    EXPECT_EQ(api->context_push(context), 0);
    EXPECT_EQ(api->stream_create(&stream, 0), 0);
    EXPECT_EQ(api->context_pop(&context), 0);
    return {stream, [api](void* made) {
              EXPECT_EQ(api->stream_destroy(static_cast<cuda::StreamHandle>(made)), 0);
              api->primary_context_release(0);
            }};
  };
  return device;
}

INSTANTIATE_TEST_SUITE_P(Every, DeviceSuite,
                         testing::Values(DeviceCase{"cpu", [] { return first_of(open_cpu({})); }},
                                         DeviceCase{"fake_cuda", [] { return open_fake(false); }},
                                         DeviceCase{"fake_cuda_asynchronous", [] { return open_fake(true); }},
                                         DeviceCase{"opencl", [] { return first_of(opencl_here()); }}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace sconce::device
