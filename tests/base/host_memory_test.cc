#include "base/host_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/temporary_folder.h"

namespace sconce {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// A machine of 1000 MiB, of which 600 are available, in a folder.
class HostMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    write("proc/meminfo", "MemTotal:        1024000 kB\nMemFree: 1 kB\nMemAvailable:    614400 kB\n");
  }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void expect(std::uint64_t total, std::uint64_t available) const {
    const HostMemory memory = host_memory(root_.string());
    EXPECT_EQ(memory.total, total);
    EXPECT_EQ(memory.available, available);
  }
  const test::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
};

TEST_F(HostMemoryTest, WithoutGroupsIsWhatTheMachineHas) { expect(1000 * kMiB, 600 * kMiB); }

TEST_F(HostMemoryTest, AGroupOfVersion2Limits) {
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/memory.max", std::to_string(300 * kMiB) + "\n");
  write("sys/fs/cgroup/a/b/memory.current", std::to_string(100 * kMiB) + "\n");
  expect(300 * kMiB, 200 * kMiB);
}

TEST_F(HostMemoryTest, PageCacheOfAGroupIsAvailable) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", std::to_string(300 * kMiB));
  write("sys/fs/cgroup/memory.current", std::to_string(290 * kMiB));
  write("sys/fs/cgroup/memory.stat",
        "file 1\nactive_file " + std::to_string(50 * kMiB) + "\ninactive_file " + std::to_string(140 * kMiB) + "\n");
  expect(300 * kMiB, 200 * kMiB);
}

TEST_F(HostMemoryTest, GroupsAroundAGroupLimitToo) {
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/memory.max", std::to_string(200 * kMiB));
  write("sys/fs/cgroup/a/memory.current", std::to_string(150 * kMiB));
  write("sys/fs/cgroup/a/b/memory.max", "max\n");
  expect(200 * kMiB, 50 * kMiB);
}

TEST_F(HostMemoryTest, AGroupOfVersion1LimitsWhereOnlyTheEndOfItsPathIsMounted) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/0123\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(400 * kMiB));
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(390 * kMiB));
  write("sys/fs/cgroup/memory/memory.stat", "inactive_file 0\ntotal_inactive_file " + std::to_string(90 * kMiB));
  expect(400 * kMiB, 100 * kMiB);
}

TEST_F(HostMemoryTest, NoLimitOfVersion1IsAVeryLargeNumber) {
  write("proc/self/cgroup", "4:memory:/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "12345\n");
  expect(1000 * kMiB, 600 * kMiB);
}

TEST_F(HostMemoryTest, AGroupThatIsOverItsLimitLeavesNothing) {
  write("proc/self/cgroup", "0::/../x\n");
  write("sys/fs/cgroup/memory.max", "1000\n");
  write("sys/fs/cgroup/memory.current", "2000\n");
  expect(1000, 0);
}

TEST_F(HostMemoryTest, NonsenseLimitsNothing) {
  write("proc/self/cgroup", "\n:\n0\n0::\n4:memory\n");
  write("sys/fs/cgroup/memory.max", "lots\n");
  expect(1000 * kMiB, 600 * kMiB);
}

TEST(HostMemoryHere, IsSomething) {
  const HostMemory memory = host_memory();
  EXPECT_GT(memory.total, 16 * kMiB);
  EXPECT_LE(memory.available, memory.total);
}

}  // namespace
}  // namespace sconce
