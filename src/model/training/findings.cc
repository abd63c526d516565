#include "model/training/findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "base/text.h"
#include "tree/walk.h"

namespace sconce::model::training {

namespace {

constexpr std::size_t kMostGroups = 100;  // whose settings are looked at; no run has more that differ
constexpr std::size_t kMostNameBytes = std::size_t{64} << 20;

std::optional<double> number(const Value& value) {
  return is_number(*value.document(), value.node()) ? number_of(*value.document(), value.node()) : std::nullopt;
}

/// "is NaN", "is infinite", "is negative"; empty where it is none of these.
std::string_view fault(double value, bool may_be_negative) {
  if (std::isnan(value)) return "is NaN";
  if (std::isinf(value)) return "is infinite";
  return value < 0 && !may_be_negative ? "is negative" : std::string_view();
}

std::string_view finding_name(std::string_view setting) {
  return setting == "lr" || setting == "initial_lr" ? "bad-learning-rate" : "bad-setting";
}

std::string_view setting_text(std::string_view setting) {
  if (setting == "lr") return "the learning rate";
  if (setting == "initial_lr") return "the initial learning rate";
  return setting;
}

bool is_checked(std::string_view setting) {
  constexpr std::string_view kNames[] = {"lr", "initial_lr", "eps", "weight_decay", "momentum"};
  return std::ranges::find(kNames, setting) != std::end(kNames);
}

void check_betas(const Value& betas, const std::string& path, std::vector<TrainingFinding>& findings) {
  if (betas.kind() != Kind::tuple && betas.kind() != Kind::list) return;
  const Value::Elements elements = betas.elements();
  for (std::size_t at = 0; at < std::min<std::size_t>(elements.size(), 4); ++at)
    if (const auto beta = number(elements[at]); beta && !(*beta >= 0 && *beta < 1))
      findings.push_back({"bad-setting", path,
                          "betas[" + std::to_string(at) + "] is " + python_float(*beta) + ", and not in [0, 1)", true});
}

}  // namespace

void check_settings(const OptimizerState& optimizer, std::vector<TrainingFinding>& findings) {
  for (std::size_t at = 0; at < std::min(optimizer.groups.size(), kMostGroups); ++at) {
    const std::string path = joined(optimizer.path, "param_groups." + std::to_string(at));
    for (const auto& [name, value] : optimizer.groups[at].settings) {
      if (name == "betas") check_betas(value, path + ".betas", findings);
      if (!is_checked(name)) continue;
      const auto found = number(value);
      if (!found) continue;
      // Adagrad's and others' eps is never negative; a negative momentum is refused, too (torch/optim/sgd.py).
      if (const std::string_view wrong = fault(*found, false); !wrong.empty())
        findings.push_back({std::string(finding_name(name)), path + "." + name,
                            std::string(setting_text(name)) + " " + std::string(wrong), true});
    }
  }
}

void note_average(const Document& document, NodeId model, const std::string& path,
                  std::vector<TrainingFinding>& findings) {
  if (document.kind(model) != Kind::dict) return;
  const tree::DictRecord& dict = document.dict_record(model);
  // LitEma of latent-diffusion, ema-pytorch, and what people call it.
  constexpr std::array<std::string_view, 3> kPrefixes = {"model_ema.", "ema_model.", "ema."};
  std::array<std::size_t, kPrefixes.size()> counts{};
  for (std::size_t at = 0; at < dict.count; ++at) {
    const std::string_view name = text_of(document, dict.pairs[2 * at]);
    if (!name.starts_with('m') && !name.starts_with('e')) continue;
    for (std::size_t prefix = 0; prefix < kPrefixes.size(); ++prefix)
      if (name.starts_with(kPrefixes[prefix])) ++counts[prefix];
  }
  for (std::size_t at = 0; at < kPrefixes.size(); ++at) {
    if (counts[at] == 0 || counts[at] == dict.count) continue;
    const std::string_view prefix = kPrefixes[at];
    findings.push_back({"average-inside", joined(path, prefix.substr(0, prefix.size() - 1)),
                        std::to_string(counts[at]) + " of the state_dict's " + std::to_string(dict.count) +
                            " entries are a moving average of the others (inferred from their names)",
                        false});
  }
}

void check_names(const Checkpoint::State& state, NodeId model, const std::string& path,
                 std::vector<TrainingFinding>& findings) {
  constexpr std::size_t kMost = 20;
  const Document& document = *state.document;
  if (document.kind(model) != Kind::dict) return;
  // Keys of a flat dict of strings differ from each other; only others can read alike.
  const tree::DictRecord& dict = document.dict_record(model);
  bool plain = true;
  for (std::size_t at = 0; at < dict.count && plain; ++at)
    plain = document.kind(dict.pairs[2 * at]) == Kind::str && !is_container(document, dict.pairs[2 * at + 1]);
  if (plain) return;
  std::unordered_map<std::string, NodeId> names;
  tree::Walker walker(document, model, state.walk_limits());
  std::size_t found = 0;
  std::size_t bytes = 0;
  while (walker.next() && bytes < kMostNameBytes && found < kMost) {
    bytes += walker.name().size() + 64;
    if (walker.is_part() || document.kind(walker.node()) != Kind::tensor) continue;
    if (!names.emplace(walker.name(), walker.node()).second && ++found != 0)
      findings.push_back({"colliding-names", joined(path, walker.name()),
                          "two tensors have this name: a key with a dot in it reads like a key below another", true});
  }
}

}  // namespace sconce::model::training
