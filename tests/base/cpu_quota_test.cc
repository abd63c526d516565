// cpu_quota(): what control groups leave of the processors, read from a made-up root.
#include "base/cpu_quota.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/parallel.h"
#include "io/temporary_folder.h"

namespace sconce {
namespace {

class CpuQuota : public testing::Test {
 protected:
  void file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ / name).parent_path());
    test::write_file(root_ / name, text);
  }
  [[nodiscard]] std::optional<unsigned> quota() const { return cpu_quota(root_.path()); }

 private:
  test::TemporaryFolder root_;
};

TEST_F(CpuQuota, NoGroupsNoQuota) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CpuQuota, UnifiedGroupIsRoundedUp) {
  file("proc/self/cgroup", "0::/user.slice/job\n");
  file("sys/fs/cgroup/user.slice/job/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 3U);
}

TEST_F(CpuQuota, SmallestOfAllThatAGroupLiesIn) {
  file("proc/self/cgroup", "0::/outer/inner\n");
  file("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/outer/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 4U);
  file("sys/fs/cgroup/cpu.max", "10000 100000\n");
  EXPECT_EQ(quota(), 1U) << "never less than one";
}

TEST_F(CpuQuota, PathOfTheHostInAContainer) {
  file("proc/self/cgroup", "0::/../../outside\n");
  file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2U);
}

TEST_F(CpuQuota, OldGroups) {
  file("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/docker/1\n");
  file("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "-1\n");
  file("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  file("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "600000\n");
  file("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 6U);
}

TEST_F(CpuQuota, NonsenseLimitsNothing) {
  file("proc/self/cgroup", "nonsense\n0::\n0::/a\n");
  file("sys/fs/cgroup/a/cpu.max", "many few\n");
  file("sys/fs/cgroup/cpu.max", "100000 0\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(AvailableThreads, AtLeastOne) { EXPECT_GE(available_threads(), 1U); }

}  // namespace
}  // namespace sconce
