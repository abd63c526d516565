// map_location as users write it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/error.h>
#include <sconce/transfer.h>

namespace sconce {
namespace {

using Kind = MapLocation::Kind;

Device cuda(std::uint32_t index) { return {DeviceType::cuda, index}; }

TEST(MapLocation, WithoutWordsIsAutomatic) {
  EXPECT_EQ(MapLocation().kind(), Kind::automatic);
  EXPECT_EQ(MapLocation::parse("auto").kind(), Kind::automatic);
}

TEST(MapLocation, TakesADeviceAsPyTorchSpellsIt) {
  EXPECT_EQ(MapLocation("cuda").device(), cuda(0));
  EXPECT_EQ(MapLocation("cuda:3").device(), cuda(3));
  EXPECT_EQ(MapLocation("cpu").device(), Device{});
  EXPECT_EQ(MapLocation("opencl:1").device(), (Device{DeviceType::opencl, 1}));
  EXPECT_EQ(MapLocation("meta").device().type, DeviceType::meta);
  EXPECT_EQ(MapLocation(cuda(2)).kind(), Kind::device);
}

TEST(MapLocation, TakesAMapOfSavedAndWanted) {
  const MapLocation where("cuda:0=cpu,mps=cuda:1");
  ASSERT_EQ(where.kind(), Kind::map);
  EXPECT_EQ(where.map().at("cuda:0"), Device{});
  EXPECT_EQ(where.map().at("mps"), cuda(1));
}

TEST(MapLocation, TakesABudgetWithSizes) {
  const MapLocation where("fill:cuda:0=10GiB,cuda:1=1.5GiB,opencl:0=64MiB,cpu");
  ASSERT_EQ(where.kind(), Kind::budget);
  ASSERT_EQ(where.budgets().size(), 4U);
  EXPECT_EQ(where.budgets()[0].bytes, std::uint64_t{10} << 30);
  EXPECT_EQ(where.budgets()[1].bytes, std::uint64_t{3} << 29);
  EXPECT_EQ(where.budgets()[2].bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(where.budgets()[3].bytes, UINT64_MAX);
}

class WrongMapLocation : public testing::TestWithParam<const char*> {};

TEST_P(WrongMapLocation, IsAnErrorThatListsTheForms) {
  try {
    (void)MapLocation::parse(GetParam());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.advice(), testing::HasSubstr("fill:"));
  }
}

INSTANTIATE_TEST_SUITE_P(Texts, WrongMapLocation,
                         testing::Values("", "gpu", "cuda:x", "cuda:-1", "cuda:99999999999", "cpu:1", "cuda:0=mars",
                                         "cuda:0=cpu,cuda:0=cpu", "cuda:0=cpu,", "fill:", "fill:gpu", "fill:cpu=many",
                                         "fill:cpu=-1", "fill:cpu=1e300", "fill:cpu=nan", "fill:cpu,cpu=1GiB"));

TEST(Device, NamesThatAreNotOursStayText) {
  for (const char* text : {"mps", "npu:0", "xla:1", "hpu", "privateuseone:0", "cuda:", "CUDA:0", "cuda:0 ", "\xff"})
    EXPECT_EQ(Device::find(text), std::nullopt) << text;
}

TEST(Device, ReadsWhatItWrites) {
  for (const char* text : {"cpu", "cuda:0", "cuda:17", "opencl:2", "meta"})
    EXPECT_EQ(Device::parse(text).to_string(), text);
}

}  // namespace
}  // namespace sconce
