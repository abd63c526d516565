// map_location as users write it.
#include <sconce/transfer.h>

#include <string>

#include "base/fail.h"
#include "base/text.h"

namespace sconce {
inline namespace v0 {
namespace {

constexpr std::string_view kForms =
    "forms: auto; a device (cpu, cuda:0, opencl:0, meta); a map (cuda:0=cpu,cuda:1=cuda:0); "
    "fill:cuda:0=10GiB,cuda:1,cpu";

[[noreturn]] void wrong(std::string_view text, const std::string& why) {
  fail(ErrorCode::invalid_argument, "map location \"" + escaped(text) + "\": " + why, {}, std::string(kForms));
}

/// Calls `take(item)` for each part between commas.
template <typename Take>
void split(std::string_view text, Take&& take) {
  for (;;) {
    const std::size_t comma = text.find(',');
    take(text.substr(0, comma));
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

DeviceBudget budget_from(std::string_view whole, std::string_view item) {
  const std::size_t equals = item.find('=');
  const auto device = Device::find(item.substr(0, equals));
  if (!device) wrong(whole, "\"" + escaped(item.substr(0, equals)) + "\" names no device");
  DeviceBudget budget{*device, UINT64_MAX};
  if (equals == std::string_view::npos) return budget;
  const auto bytes = bytes_from_text(item.substr(equals + 1));
  if (!bytes) wrong(whole, "\"" + escaped(item.substr(equals + 1)) + "\" is no size (10GiB, 512MiB)");
  budget.bytes = *bytes;
  return budget;
}

MapLocation budget_of(std::string_view whole, std::string_view items) {
  std::vector<DeviceBudget> budgets;
  split(items, [&](std::string_view item) { budgets.push_back(budget_from(whole, item)); });
  return MapLocation::budget(std::move(budgets));
}

MapLocation map_of(std::string_view whole) {
  std::map<std::string, Device> map;
  split(whole, [&](std::string_view item) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) wrong(whole, "SAVED=WANTED expected, not \"" + escaped(item) + "\"");
    const auto device = Device::find(item.substr(equals + 1));
    if (!device) wrong(whole, "\"" + escaped(item.substr(equals + 1)) + "\" names no device");
    if (!map.emplace(item.substr(0, equals), *device).second)
      wrong(whole, "\"" + escaped(item.substr(0, equals)) + "\" is mapped twice");
  });
  return {std::move(map)};
}

}  // namespace

MapLocation::MapLocation(Device device) : kind_(Kind::device), device_(device) {}
MapLocation::MapLocation(std::string_view text) : MapLocation(parse(text)) {}
MapLocation::MapLocation(std::map<std::string, Device> map) : kind_(Kind::map), map_(std::move(map)) {}

MapLocation::MapLocation(Function function) : kind_(Kind::function), function_(std::move(function)) {
  if (!function_) fail(ErrorCode::invalid_argument, "the function of a map location is empty");
}

MapLocation MapLocation::budget(std::vector<DeviceBudget> budgets) {
  if (budgets.empty()) fail(ErrorCode::invalid_argument, "a budget needs a device", {}, std::string(kForms));
  for (std::size_t at = 0; at < budgets.size(); ++at)
    for (std::size_t before = 0; before < at; ++before)
      if (budgets[before].device == budgets[at].device)
        fail(ErrorCode::invalid_argument, "a budget names " + budgets[at].device.to_string() + " twice", {},
             std::string(kForms));
  MapLocation result;
  result.kind_ = Kind::budget;
  result.budgets_ = std::move(budgets);
  return result;
}

MapLocation MapLocation::parse(std::string_view text) {
  constexpr std::string_view kFill = "fill:";
  if (text == "auto") return {};
  if (text.starts_with(kFill)) return budget_of(text, text.substr(kFill.size()));
  if (text.find('=') != std::string_view::npos) return map_of(text);
  if (const auto device = Device::find(text)) return {*device};
  wrong(text, "it names no device");
}

}  // namespace v0
}  // namespace sconce
