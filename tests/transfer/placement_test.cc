// Which device each storage goes to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/error.h>

#include "transfer/placement.h"

namespace sconce::transfer {
namespace {

/// A machine without any device but the CPU, which may be given so many bytes.
DeviceFinder cpu_only(std::uint64_t bytes = std::uint64_t{1} << 30) {
  DeviceSearch search;
  search.cuda = false;
  search.opencl = false;
  return {Devices(search), bytes};
}

std::vector<std::string> names(const Placement& placement) {
  std::vector<std::string> texts;
  for (const Device device : placement.devices) texts.push_back(device.to_string());
  return texts;
}

TEST(Placement, AutomaticallyGoesToTheCpuWhatWasSavedElsewhere) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"a", "cuda:3", 10}, {"b", "mps", 20}, {"c", "cpu", 30}, {"d", "cuda:3", 5}};
  const Placement placement = place(items, {}, finder);
  EXPECT_THAT(names(placement), testing::ElementsAre("cpu", "cpu", "cpu", "cpu"));
  EXPECT_THAT(placement.notes, testing::ElementsAre(testing::HasSubstr("cuda:3 is not here: 2 storages"),
                                                    testing::HasSubstr("mps is not here: 1 storage")));
  EXPECT_EQ(placement.placed.at("mps"), Device{});
}

TEST(Placement, OfADeviceThatIsNotHereSaysWhatIs) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"a", "cpu", 10}};
  try {
    (void)place(items, MapLocation("cuda:1"), finder);
    FAIL() << "placed on a GPU that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_THAT(error.message(), testing::HasSubstr("cuda:1"));
    EXPECT_THAT(error.advice(), testing::HasSubstr("cpu"));
  }
}

TEST(Placement, FollowsAMapAndTreatsTheRestAsAutomatic) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"a", "cuda:0", 1}, {"b", "cpu", 1}};
  EXPECT_THAT(names(place(items, MapLocation("cuda:0=meta"), finder)), testing::ElementsAre("meta", "cpu"));
}

TEST(Placement, AsksAFunctionOnceForEachStorage) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"a", "cuda:0", 1}, {"b", "npu:0", 2}};
  std::vector<std::string> asked;
  const MapLocation where([&](const StorageFacts& facts) -> std::optional<Device> {
    asked.push_back(std::string(facts.name) + " " + std::string(facts.location) + " " + std::to_string(facts.nbytes));
    return facts.name == "a" ? std::optional(Device{DeviceType::meta, 0}) : std::nullopt;
  });
  EXPECT_THAT(names(place(items, where, finder)), testing::ElementsAre("meta", "cpu"));
  EXPECT_THAT(asked, testing::ElementsAre("a cuda:0 1", "b npu:0 2"));
}

TEST(Placement, FillsDevicesInOrderAndKeepsBlocksTogether) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"layers.0.w", "cpu", 60},
                        {"layers.0.b", "cpu", 10},
                        {"layers.1.w", "cpu", 60},
                        {"layers.1.b", "cpu", 10},
                        {"head.weight", "cpu", 20}};
  const MapLocation where = MapLocation::budget({{Device{}, 100}, {Device{DeviceType::meta, 0}, UINT64_MAX}});
  EXPECT_THAT(names(place(items, where, finder)), testing::ElementsAre("cpu", "cpu", "meta", "meta", "meta"));
}

TEST(Placement, WithoutRoomSaysForWhat) {
  DeviceFinder finder = cpu_only();
  const Item items[] = {{"big.weight", "cpu", 500}};
  try {
    (void)place(items, MapLocation::budget({{Device{}, 100}}), finder);
    FAIL() << "placed where there is no room";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::memory);
    EXPECT_THAT(error.message(), testing::HasSubstr("\"big\", which takes 500 B"));
  }
}

TEST(Placement, OfAMillionStoragesTakesNoTime) {
  DeviceFinder finder = cpu_only();
  const std::vector<Item> items(1'000'000, Item{"a.b.c", "cuda:0", 1});
  EXPECT_EQ(place(items, {}, finder).devices.size(), items.size());
}

TEST(PlacementGroups, AreBlocksOrModules) {
  EXPECT_EQ(group_of("layers.7.mlp.weight"), "layers.7");
  EXPECT_EQ(group_of("model.layers.12.self_attn.q.weight"), "model.layers.12");
  EXPECT_EQ(group_of("head.weight"), "head");
  EXPECT_EQ(group_of("weight"), "");
  EXPECT_EQ(group_of("0.weight"), "0");
  EXPECT_EQ(group_of(""), "");
  EXPECT_EQ(group_of("..1."), "..1");
}

}  // namespace
}  // namespace sconce::transfer
