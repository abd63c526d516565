// Loads as the library does, and says what it took.
#include <sconce/checkpoint.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interruption.h"
#include "cli/move_options.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace sconce::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

std::string duration(double seconds) {
  char text[32];
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.1f ms", seconds * 1e3);
  else
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

MoveOptions move_options(const Arguments& arguments) {
  MoveOptions options;
  options.map_location = MapLocation::parse(arguments.value("device").value_or("auto"));
  options.cast = cast_rules(arguments);
  options.memory_format = memory_format(arguments);
  if (arguments.has("skip-checksums")) options.checksums = Checksums::skip;
  if (const auto way = arguments.value("way")) options.way = way_from_string(*way).value_or(Way::automatic);
  options.threads = static_cast<unsigned>(std::min<std::uint64_t>(arguments.number("threads", 0), 1024));
  options.staging = size_option(arguments, "staging", options.staging);
  options.host_memory = size_option(arguments, "host-memory", 0);
  return options;
}

/// What is printed: of a load that was done, or of one that was only planned.
struct Loaded {
  std::string file;
  bool planned = false;
  double open_seconds = 0;
  MoveReport report;
};

void print_json(std::string& out, const Loaded& loaded) {
  const MoveReport& report = loaded.report;
  JsonWriter json(out);
  json.begin_object().member("file", std::string_view(loaded.file)).member("dry_run", loaded.planned);
  json.key("devices").begin_array();
  for (const DeviceShare& share : report.devices) {
    json.begin_object().member("device", std::string_view(share.device.to_string()));
    json.member("storages", share.storages).member("bytes", share.bytes).member("free", share.free);
    json.member("fits", share.fits);
    if (loaded.planned) json.member("seconds", share.seconds);
    json.end_object();
  }
  json.end_array().key("placed").begin_object();
  for (const auto& [location, device] : report.placed) json.member(location, std::string_view(device.to_string()));
  json.end_object().member("bytes_read", report.bytes_read).member("bytes_moved", report.bytes_moved);
  json.member("cached", report.cached).member("host_memory", report.host_memory);
  json.member("checksums", report.checksums).member("open_seconds", loaded.open_seconds);
  json.member("seconds", report.seconds).key("stages").begin_object();
  for (const auto& [stage, seconds] : report.stages) json.member(stage, seconds);
  json.end_object().key("ways").begin_object();
  for (const auto& [way, bytes] : report.ways) json.member(to_string(way), bytes);
  json.end_object().key("casts").begin_object().member("elements", report.casts.elements);
  json.member("to_infinity", report.casts.to_infinity).member("to_nan", report.casts.to_nan);
  json.member("to_largest", report.casts.to_largest)
      .member("to_zero", report.casts.to_zero)
      .member("out_of_range", report.casts.out_of_range)
      .end_object();
  json.key("notes").begin_array();
  for (const std::string& note : report.notes) json.value(std::string_view(note));
  json.end_array().end_object();
  out += '\n';
}

std::string speed(const MoveReport& report) {
  if (report.seconds <= 0) return {};
  const double rate = static_cast<double>(report.bytes_moved) / report.seconds;
  return ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
}

void print_shares(std::string& out, const Style& style, const Loaded& loaded) {
  for (const DeviceShare& share : loaded.report.devices) {
    out += "  " + style.bold(share.device.to_string()) + "  " + counted(share.storages, "storage") + ", " +
           human_bytes(share.bytes);
    if (loaded.planned || !share.fits) out += " of " + human_bytes(share.free) + " free";
    if (loaded.planned) out += ", about " + duration(share.seconds);
    if (!share.fits) out += style.red("  does not fit");
    out += '\n';
  }
}

void print_times(std::string& out, const Style& style, const Loaded& loaded) {
  const auto line = [&](std::string_view name, const std::string& text) {
    out += "  ";
    append_left(out, name, 16);
    out += text + "\n";
  };
  line("open", duration(loaded.open_seconds));
  for (const auto& [stage, seconds] : loaded.report.stages) line(stage, duration(seconds));
  for (const auto& [way, bytes] : loaded.report.ways)
    line("way", std::string(to_string(way)) + ", " + human_bytes(bytes));
  line("in page cache", human_bytes(loaded.report.cached) + style.dim(" before"));
  line("checksums", with_commas(loaded.report.checksums));
  line("host memory", human_bytes(loaded.report.host_memory));
}

void print_text(std::string& out, const Style& style, const Loaded& loaded, bool times) {
  const MoveReport& report = loaded.report;
  if (loaded.planned)
    out += "would load " + human_bytes(report.bytes_moved) + " from " + escaped(loaded.file) + ", in about " +
           duration(report.seconds) + ", with " + human_bytes(report.host_memory) + " of host memory\n";
  else
    out += style.green("loaded") + " " + escaped(loaded.file) + ": " + human_bytes(report.bytes_moved) + " in " +
           duration(loaded.open_seconds + report.seconds) + speed(report) + "\n";
  print_shares(out, style, loaded);
  if (times) print_times(out, style, loaded);
  for (const std::string& warning : cast_warnings(report.casts)) out += style.yellow("cast") + "  " + warning + "\n";
  for (const std::string& note : report.notes) out += style.dim("note") + "  " + escaped(note) + "\n";
}

int exit_code_of(const Loaded& loaded) {
  for (const DeviceShare& share : loaded.report.devices)
    if (!share.fits) return kNo;
  return kClean;
}

}  // namespace

int run_load(const Arguments& arguments) {
  Loaded loaded;
  loaded.file = arguments.operands()[0];
  loaded.planned = arguments.has("dry-run");
  MoveOptions options = move_options(arguments);
  const Interruption interruption;
  ProgressBar progress(arguments);
  options.progress = progress.function();
  options.cancel = interruption.token();
  const auto begun = Clock::now();
  Checkpoint checkpoint = load_input(loaded.file);
  loaded.open_seconds = seconds_since(begun);
  loaded.report = loaded.planned ? checkpoint.plan_move(options) : checkpoint.to(options);
  progress.clear();
  Output output;
  if (arguments.json())
    print_json(output.text(), loaded);
  else if (!arguments.quiet())
    print_text(output.text(), Style(arguments), loaded, arguments.has("time"));
  output.flush();
  return exit_code_of(loaded);
}

}  // namespace sconce::cli
