// A match report for programs; docs/json.md has the fields.
#include <sconce/load_state_dict.h>

#include <string>
#include <vector>

#include "base/json_writer.h"

namespace sconce {
inline namespace v0 {

namespace {

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(std::string_view(text));
  json.end_array();
}

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

void write_matched(JsonWriter& json, const MatchedEntry& entry, const Target& target) {
  const TargetEntry& wanted = target.entries[entry.target];
  json.begin_object().member("name", std::string_view(wanted.name));
  write_text_or_null(json, "source", entry.source);
  if (entry.tensor.defined()) {
    json.member("dtype", to_string(entry.tensor.dtype())).key("shape").begin_array();
    for (const std::int64_t size : entry.tensor.shape()) json.value(size);
    json.end_array();
  }
  write_texts(json, "steps", entry.steps);
  if (entry.keeps) json.member("keeps", true);
  json.end_object();
}

void write_finding(JsonWriter& json, const MatchFinding& finding) {
  json.begin_object().member("kind", to_string(finding.kind)).member("name", std::string_view(finding.name));
  write_text_or_null(json, "source", finding.source);
  json.member("message", std::string_view(finding.message));
  write_text_or_null(json, "expected", finding.expected);
  write_text_or_null(json, "found", finding.found);
  write_texts(json, "suggestions", finding.suggestions);
  json.member("skipped", finding.skipped).end_object();
}

void write_proposal(JsonWriter& json, const PrefixProposal& proposal) {
  json.begin_object();
  write_texts(json, "strip", proposal.strip);
  json.member("fits", std::uint64_t{proposal.fits}).member("fits_without", std::uint64_t{proposal.fits_without});
  json.member("certain", proposal.certain).end_object();
}

}  // namespace

std::string to_json(const MatchReport& report, const Target& target) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().member("fits", report.fits).member("state_dict", std::string_view(report.source_path));
  json.member("targets", std::uint64_t{report.targets}).member("sources", std::uint64_t{report.sources});
  json.key("matched").begin_array();
  for (const MatchedEntry& entry : report.matched) write_matched(json, entry, target);
  json.end_array().key("findings").begin_array();
  for (const MatchFinding& finding : report.findings) write_finding(json, finding);
  json.end_array().key("proposed").begin_array();
  for (const PrefixProposal& proposal : report.proposed) write_proposal(json, proposal);
  json.end_array();
  write_texts(json, "applied", report.applied);
  write_texts(json, "notes", report.notes);
  json.end_object();
  return text;
}

}  // namespace v0
}  // namespace sconce
