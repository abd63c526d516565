// What memory there is.
#include <sconce/device.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/move_options.h"
#include "cli/output.h"

namespace sconce::cli {

namespace {

/// A device, as it is now.
struct Row {
  DeviceInfo info;
  DeviceMemory memory;
  std::optional<DeviceSpeed> speed;
};

std::string per_second(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB/s", bytes / 1e9);
  return text;
}

std::vector<Row> rows_of(const Devices& devices, const Arguments& arguments) {
  const std::uint64_t bytes = size_option(arguments, "bytes", std::uint64_t{256} << 20);
  std::vector<Row> rows;
  for (const DeviceInfo& info : devices.list()) {
    Row row{info, devices.memory(info.device), std::nullopt};
    if (arguments.has("measure")) row.speed = devices.measure(info.device, bytes);
    rows.push_back(std::move(row));
  }
  return rows;
}

constexpr DeviceType kTypes[] = {DeviceType::cuda, DeviceType::opencl};

void print_json(std::string& out, const Devices& devices, const std::vector<Row>& rows) {
  JsonWriter json(out);
  json.begin_object().key("devices").begin_array();
  for (const Row& row : rows) {
    json.begin_object().member("device", std::string_view(row.info.device.to_string()));
    json.member("name", std::string_view(row.info.name)).member("driver", std::string_view(row.info.driver));
    json.member("total_memory", row.memory.total).member("free_memory", row.memory.free);
    json.member("max_allocation", row.info.max_allocation).member("host_memory", row.info.host_memory);
    if (row.speed) {
      json.key("bytes_per_second").begin_object().member("copy_in", row.speed->copy_in);
      json.member("copy_out", row.speed->copy_out).member("copy_on", row.speed->copy_on).end_object();
    }
    json.end_object();
  }
  json.end_array().key("absent").begin_object();
  for (const DeviceType type : kTypes)
    if (const std::string& why = devices.absence(type); !why.empty())
      json.member(Device{type, 0}.to_string().substr(0, Device{type, 0}.to_string().find(':')), std::string_view(why));
  json.end_object().end_object();
  out += '\n';
}

void print_text(std::string& out, const Style& style, const Devices& devices, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::string name;
    append_left(name, row.info.device.to_string(), 10);
    std::string line = style.bold(name) + "  " + escaped(row.info.name);
    if (!row.info.driver.empty()) line += style.dim(" (" + escaped(row.info.driver) + ")");
    line += ": " + human_bytes(row.memory.free) + " of " + human_bytes(row.memory.total) + " free";
    if (row.info.host_memory && row.info.device.type != DeviceType::cpu) line += ", shared with the CPU";
    if (row.speed)
      line += "; in " + per_second(row.speed->copy_in) + ", out " + per_second(row.speed->copy_out) + ", within " +
              per_second(row.speed->copy_on);
    out += line + "\n";
  }
  for (const DeviceType type : kTypes)
    if (const std::string& why = devices.absence(type); !why.empty()) {
      const std::string name = Device{type, 0}.to_string();
      out += style.dim("no " + name.substr(0, name.find(':')) + ": " + escaped(why)) + "\n";
    }
}

}  // namespace

int run_devices(const Arguments& arguments) {
  const Devices devices;
  const std::vector<Row> rows = rows_of(devices, arguments);
  Output output;
  if (arguments.json())
    print_json(output.text(), devices, rows);
  else
    print_text(output.text(), Style(arguments), devices, rows);
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
