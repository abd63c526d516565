// Targets and checkpoints for tests of matching, in one line each.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sconce/load_state_dict.h>

#include "model/model_builder.h"

namespace sconce::test {

using Shape = std::vector<std::int64_t>;
using Shapes = std::vector<std::pair<std::string, Shape>>;

inline Tensor filled(const Shape& shape, float value = 0) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  const std::vector<float> values(count, value);
  return Tensor::from(std::span<const float>(values), shape);
}

inline Checkpoint state_dict(const Shapes& entries) {
  Checkpoint made;
  for (const auto& [name, shape] : entries) made[name] = filled(shape);
  return made;
}

/// The same with a `_metadata` that gives every module this version.
inline Checkpoint with_versions(const Shapes& entries, const std::vector<std::pair<std::string, int>>& versions) {
  std::vector<Literal::Entry> tensors;
  for (const auto& [name, shape] : entries) tensors.emplace_back(name, filled(shape));
  std::vector<Literal::Entry> metadata;
  for (const auto& [path, version] : versions)
    metadata.emplace_back(path, Literal::ordered_dict({{"version", version}}));
  Checkpoint made;
  made.set_root(Literal::ordered_dict(std::move(tensors)));
  made.root().set_attribute("_metadata", Literal::ordered_dict(std::move(metadata)));
  return made;
}

inline Target target(const Shapes& entries) {
  Target made;
  for (const auto& [name, shape] : entries) {
    TargetEntry& entry = made.entries.emplace_back();
    entry.name = name;
    entry.shape = shape;
    if (name.ends_with("num_batches_tracked")) entry.dtype = DType::int64;
  }
  return made;
}

/// "kind name", one a line.
inline std::string findings_of(const MatchReport& report) {
  std::string text;
  for (const MatchFinding& finding : report.findings)
    text += std::string(to_string(finding.kind)) + " " + finding.name + (finding.skipped ? " skipped\n" : "\n");
  return text;
}

/// "target <- source", one a line.
inline std::string pairs_of(const MatchReport& report, const Target& target) {
  std::string text;
  for (const MatchedEntry& entry : report.matched)
    text += target.entries[entry.target].name + " <- " + (entry.source.empty() ? "(filled)" : entry.source) + "\n";
  return text;
}

}  // namespace sconce::test
