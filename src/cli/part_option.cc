#include "cli/part_option.h"

#include <sconce/error.h>
#include <sconce/training.h>

#include <string_view>

#include "base/text.h"

namespace sconce::cli {

namespace {

/// "optimizer=optimizer_states.0" names one of several; a path may have any character in it, a kind has no "=".
struct WantedPart {
  std::string kind;
  std::string path;
};

WantedPart wanted_part(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace

void check_part(const Arguments& arguments) {
  const auto text = arguments.value("part");
  if (!text) return;
  try {
    (void)part_kind_from_text(wanted_part(*text).kind);
  } catch (const Error& error) {
    usage_error("--part: " + error.message(), error.advice());
  }
}

TakenPart take_part_of(Checkpoint& checkpoint, const Arguments& arguments) {
  const auto text = arguments.value("part");
  if (!text) return {};
  const WantedPart wanted = wanted_part(*text);
  TakenPart taken{wanted.kind, checkpoint.file().bytes};
  checkpoint = take_part(checkpoint, part_kind_from_text(wanted.kind), wanted.path);
  return taken;
}

void part_text(std::string& out, const Style& style, const TakenPart& taken, const SaveReport& report) {
  if (taken.kind.empty()) return;
  out += style.dim("part") + "  " + escaped(taken.kind) + ": " + human_bytes(taken.before) + " before, " +
         human_bytes(report.bytes) + " after\n";
}

void part_json(JsonWriter& json, const TakenPart& taken) {
  if (taken.kind.empty()) return;
  json.member("part", std::string_view(taken.kind)).member("bytes_before", taken.before);
}

}  // namespace sconce::cli
