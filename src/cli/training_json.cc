// The training state as JSON (docs/json.md).
#include <sconce/training.h>

#include <string>

#include "cli/training_view.h"
#include "cli/value_json.h"

namespace sconce::cli {

namespace {

/// Numbers, text and lists of them as they are; what holds more, by its kind.
void write_value(JsonWriter& json, const Value& value) {
  constexpr std::size_t kMostElements = 1000;
  const SingleNumber number = single_number(value);
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    json.value(*integer);
    return;
  }
  if (const auto* real = std::get_if<double>(&number)) {
    json.value(*real);
    return;
  }
  const bool list = value.kind() == Kind::list || value.kind() == Kind::tuple;
  if (!list || value.size() > kMostElements) return write_leaf(json, value);
  json.begin_array();
  for (const Value& element : value.elements()) write_leaf(json, element);
  json.end_array();
}

void write_values(JsonWriter& json, std::string_view name, const std::vector<std::pair<std::string, Value>>& values) {
  json.key(name).begin_array();
  for (const auto& [path, value] : values) {
    json.begin_object().member("name", std::string_view(path)).key("value");
    write_value(json, value);
    json.end_object();
  }
  json.end_array();
}

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

void write_part(JsonWriter& json, const TrainingPart& part) {
  json.begin_object().member("kind", to_string(part.kind)).member("path", std::string_view(part.path));
  json.member("what", std::string_view(part.what)).member("known_by", to_string(part.by));
  json.member("tensors", part.tensors).member("bytes", part.bytes).end_object();
}

void write_group(JsonWriter& json, const ParameterGroup& group) {
  json.begin_object().key("settings").begin_object();
  for (const auto& [name, value] : group.settings) {
    json.key(name);
    write_value(json, value);
  }
  json.end_object().key("params").begin_array();
  for (const std::string& id : group.ids) json.value(std::string_view(id));
  json.end_array().end_object();
}

void write_entry(JsonWriter& json, const std::string& name, const Value& value) {
  json.key(name);
  if (!value.is_tensor()) return write_value(json, value);
  const Tensor tensor = value.as_tensor();
  json.begin_object().member("dtype", to_string(tensor.dtype())).key("shape").begin_array();
  for (const std::int64_t size : tensor.shape()) json.value(size);
  json.end_array().end_object();
}

void write_parameter(JsonWriter& json, const ParameterState& parameter) {
  json.begin_object().member("id", std::string_view(parameter.id)).key("index");
  parameter.index ? json.value(std::uint64_t{*parameter.index}) : json.null();
  write_text_or_null(json, "name", parameter.name);
  if (!parameter.why_unnamed.empty()) json.member("why_unnamed", std::string_view(parameter.why_unnamed));
  json.key("step");
  parameter.step ? json.value(*parameter.step) : json.null();
  json.key("shape");
  if (parameter.shape) {
    json.begin_array();
    for (const std::int64_t size : *parameter.shape) json.value(size);
    json.end_array();
  } else {
    json.null();
  }
  write_text_or_null(json, "device", parameter.device);
  json.key("state").begin_object();
  for (const auto& [name, value] : parameter.entries) write_entry(json, name, value);
  json.end_object().end_object();
}

void write_optimizer(JsonWriter& json, const OptimizerState& optimizer, Output& output) {
  json.begin_object().member("path", std::string_view(optimizer.path));
  write_text_or_null(json, "algorithm", optimizer.algorithm);
  json.member("inferred", optimizer.algorithm_inferred);
  write_text_or_null(json, "evidence", optimizer.algorithm_evidence);
  write_text_or_null(json, "form", optimizer.form);
  write_text_or_null(json, "named_by", optimizer.named_by);
  json.key("groups").begin_array();
  for (const ParameterGroup& group : optimizer.groups) write_group(json, group);
  json.end_array().key("parameters").begin_array();
  for (const ParameterState& parameter : optimizer.parameters) {
    write_parameter(json, parameter);
    output.flush_if_large();
  }
  json.end_array().end_object();
}

void write_finding(JsonWriter& json, const TrainingFinding& finding) {
  json.begin_object().member("kind", std::string_view(finding.kind)).member("path", std::string_view(finding.path));
  json.member("message", std::string_view(finding.message)).member("wrong", finding.wrong).end_object();
}

}  // namespace

void write_training(JsonWriter& json, const Checkpoint& checkpoint, Output& output) {
  const TrainingState state = training_state(checkpoint);
  json.key("training");
  if (!state.has_training() && state.findings.empty()) {
    json.null();
    return;
  }
  json.begin_object();
  write_text_or_null(json, "layout", state.layout);
  write_text_or_null(json, "layout_evidence", state.layout_evidence);
  json.key("parts").begin_array();
  for (const TrainingPart& part : state.parts) write_part(json, part);
  json.end_array().key("optimizers").begin_array();
  for (const OptimizerState& optimizer : state.optimizers) write_optimizer(json, optimizer, output);
  json.end_array();
  write_values(json, "progress", state.progress);
  write_values(json, "hyper_parameters", state.hyper_parameters);
  json.key("findings").begin_array();
  for (const TrainingFinding& finding : state.findings) write_finding(json, finding);
  json.end_array().end_object();
}

}  // namespace sconce::cli
