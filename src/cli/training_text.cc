// The training state in a screen.
#include <sconce/training.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/training_view.h"
#include "cli/value_text.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kLabel = 10;
constexpr std::size_t kMostNumbers = 12;
constexpr std::size_t kMostSettings = 24;
constexpr std::size_t kMostOptimizers = 4;
constexpr std::size_t kMostGroups = 6;
constexpr std::size_t kMostParts = 16;
constexpr std::size_t kMostFindings = 12;
constexpr std::size_t kLongestValue = 60;
constexpr std::size_t kLongestName = 60;
constexpr std::size_t kLine = 116;

class Printer {
 public:
  Printer(Output& output, const Style& style, const TrainingState& state)
      : output_(output), style_(style), state_(state) {}

  void run() {
    find_settings_prefix();
    output_ << "\n" << style_.bold("Training") << "\n";
    const std::string layout = state_.layout.empty() ? "not known: found by structure" : escaped(state_.layout);
    fact("layout", layout + style_.dim(state_.layout.empty() ? "" : "  " + escaped(state_.layout_evidence)));
    progress();
    for (std::size_t at = 0; at < std::min(state_.optimizers.size(), kMostOptimizers); ++at)
      print(state_.optimizers[at]);
    if (state_.optimizers.size() > kMostOptimizers)
      fact("", style_.dim("… and " + counted(state_.optimizers.size() - kMostOptimizers, "optimizer") +
                          " more; --json has all"));
    for (const PartKind kind :
         {PartKind::scheduler, PartKind::scaler, PartKind::ema, PartKind::adapter, PartKind::rng, PartKind::data})
      kind_of_parts(kind);
    settings();
    parts();
    findings();
  }

 private:
  void fact(std::string_view name, std::string_view text) {
    std::string label;
    append_left(label, name, kLabel);
    output_ << "  " << style_.dim(label) << " " << text << "\n";
  }

  static std::string short_value(const Value& value) {
    const SingleNumber number = single_number(value);
    if (const auto* integer = std::get_if<std::int64_t>(&number)) return std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&number)) return python_float(*real);
    return shortened(list_text(value), kLongestValue);
  }

  /// Lists of plain values in brackets, as Python writes them.
  static std::string list_text(const Value& value) {
    constexpr std::size_t kMost = 12;
    if (value.kind() != Kind::list && value.kind() != Kind::tuple) return leaf_line(value);
    const Value::Elements elements = value.elements();
    std::string text = value.kind() == Kind::list ? "[" : "(";
    for (std::size_t at = 0; at < std::min(elements.size(), kMost); ++at)
      text += (at == 0 ? "" : ", ") + leaf_line(elements[at]);
    if (elements.size() > kMost) text += ", …";
    return text + (value.kind() == Kind::list ? "]" : ")");
  }

  /// "a 1, b 2 …" over as many lines as it takes, the first behind the label.
  void wrapped(std::string_view name, const std::vector<std::string>& items, std::string_view more) {
    std::string line;
    bool first = true;
    const auto flush = [&] {
      fact(first ? name : "", line);
      first = false;
      line.clear();
    };
    for (const std::string& item : items) {
      if (!line.empty() && columns(line) + 2 + columns(item) > kLine - kLabel) flush();
      if (!line.empty()) line += "  ";
      line += item;
    }
    if (!more.empty()) {
      if (!line.empty()) line += "  ";
      line += style_.dim(more);
    }
    if (!line.empty()) flush();
  }

  void named_values(std::string_view name, const std::vector<std::pair<std::string, Value>>& values, std::size_t most) {
    std::vector<std::string> items;
    for (std::size_t at = 0; at < std::min(values.size(), most); ++at)
      items.push_back(shortened(escaped(without_prefix(values[at].first)), kLongestName) + "=" +
                      short_value(values[at].second));
    wrapped(name, items, values.size() > most ? "… and " + with_commas(values.size() - most) + " more" : "");
  }

  /// Settings that all lie in one place need not say where.
  std::string_view without_prefix(std::string_view name) const {
    return settings_prefix_.empty() || !name.starts_with(settings_prefix_) ? name
                                                                           : name.substr(settings_prefix_.size());
  }

  void find_settings_prefix() {
    for (const TrainingPart& part : state_.parts) {
      if (part.kind != PartKind::hyper_parameters || part.what == "text") continue;
      if (!settings_prefix_.empty()) {
        settings_prefix_.clear();
        return;
      }
      settings_prefix_ = part.path.empty() ? "" : part.path + ".";
    }
  }

  void progress() { named_values("at", state_.progress, kMostNumbers); }
  void settings() { named_values("settings", state_.hyper_parameters, kMostSettings); }

  [[nodiscard]] const TrainingPart* part_at(const std::string& path) const {
    for (const TrainingPart& part : state_.parts)
      if (part.kind == PartKind::optimizer && part.path == path) return &part;
    return nullptr;
  }

  void print(const OptimizerState& optimizer) {
    std::string text = optimizer.algorithm.empty() ? "algorithm not known" : escaped(optimizer.algorithm);
    if (!optimizer.algorithm.empty() && optimizer.algorithm_inferred) text += style_.dim(" (inferred)");
    if (!optimizer.form.empty()) text += ", " + escaped(optimizer.form);
    std::size_t count = 0;
    for (const ParameterGroup& group : optimizer.groups) count += group.ids.size();
    text += ": " + counted(count, "parameter") + " in " + counted(optimizer.groups.size(), "group");
    text += steps_text(optimizer);
    if (const TrainingPart* part = part_at(optimizer.path)) text += ", " + human_bytes(part->bytes);
    fact("optimizer", text);
    for (std::size_t at = 0; at < std::min(optimizer.groups.size(), kMostGroups); ++at) group(optimizer.groups[at]);
    if (optimizer.groups.size() > kMostGroups)
      fact("", style_.dim("… and " + counted(optimizer.groups.size() - kMostGroups, "group") + " more"));
    if (count != 0) fact("", names_text(optimizer, count));
  }

  static std::string steps_text(const OptimizerState& optimizer) {
    double least = 0;
    double most = 0;
    bool any = false;
    for (const ParameterState& parameter : optimizer.parameters) {
      if (!parameter.step) continue;
      least = any ? std::min(least, *parameter.step) : *parameter.step;
      most = any ? std::max(most, *parameter.step) : *parameter.step;
      any = true;
    }
    if (!any) return {};
    const auto text = [](double step) {
      std::string number = python_float(step);
      if (number.ends_with(".0")) number.resize(number.size() - 2);
      return number;
    };
    return least == most ? ", at step " + text(least) : ", at steps " + text(least) + " to " + text(most);
  }

  void group(const ParameterGroup& group) {
    std::vector<std::string> items{counted(group.ids.size(), "parameter") + ":"};
    for (const auto& [name, value] : group.settings) {
      // What is off says nothing: maximize=False, foreach=None.
      if (value.is_none() || (value.kind() == Kind::boolean && !value.as_bool())) continue;
      items.push_back(escaped(name) + "=" + short_value(value));
    }
    wrapped("", items, "");
  }

  static std::string names_text(const OptimizerState& optimizer, std::size_t count) {
    std::map<std::string, std::size_t> reasons;
    std::size_t named = 0;
    for (const ParameterState& parameter : optimizer.parameters) {
      if (!parameter.index) continue;
      if (!parameter.name.empty())
        ++named;
      else
        ++reasons[parameter.why_unnamed];
    }
    std::string text = "names: ";
    text += named == count ? "all" : with_commas(named) + " of " + with_commas(count);
    if (named != 0) text += ", by " + optimizer.named_by;
    if (reasons.empty()) return text;
    const auto most = std::max_element(reasons.begin(), reasons.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return text + "; " + escaped(most->first);
  }

  [[nodiscard]] bool is_shown_above(const TrainingPart& part) const {
    return part.kind == PartKind::optimizer &&
           std::ranges::find(state_.optimizers, part.path, &OptimizerState::path) != state_.optimizers.end();
  }

  void kind_of_parts(PartKind kind) {
    std::vector<std::string> items;
    for (const TrainingPart& part : state_.parts) {
      if (part.kind != kind || is_shown_above(part)) continue;
      if (items.size() == kMostParts) break;
      std::string text = escaped(part.what);
      if (part.bytes != 0) text += ", " + human_bytes(part.bytes);
      items.push_back(text + style_.dim(part.path.empty() ? "" : "  " + escaped(part.path)));
    }
    bool first = true;
    for (const std::string& item : items) {
      fact(first ? (kind == PartKind::rng ? "random" : to_string(kind)) : "", item);
      first = false;
    }
  }

  /// How large each part is; those without tensors were shown above.
  void parts() {
    std::vector<const TrainingPart*> shown;
    std::size_t width = 0;
    for (const TrainingPart& part : state_.parts) {
      if ((part.bytes == 0 && part.tensors == 0) || part.kind == PartKind::progress) continue;
      shown.push_back(&part);
      width = std::max(width, to_string(part.kind).size());
    }
    if (shown.size() < 2) return;
    bool first = true;
    for (std::size_t at = 0; at < std::min(shown.size(), kMostParts); ++at) {
      const TrainingPart& part = *shown[at];
      std::string line;
      append_right(line, human_bytes(part.bytes), 10);
      line += "  ";
      append_left(line, to_string(part.kind), width);
      line += "  ";
      line += part.path.empty() ? "(the root)" : escaped(part.path);
      line += "  " + style_.dim(escaped(part.what));
      fact(first ? "parts" : "", line);
      first = false;
    }
    if (shown.size() > kMostParts)
      fact("", style_.dim("… and " + counted(shown.size() - kMostParts, "part") + " more"));
  }

  void findings() {
    for (std::size_t at = 0; at < std::min(state_.findings.size(), kMostFindings); ++at) {
      const TrainingFinding& finding = state_.findings[at];
      const std::string text = escaped(finding.path) + (finding.path.empty() ? "" : ": ") + escaped(finding.message);
      fact(finding.wrong ? "wrong" : "note", finding.wrong ? style_.red(text) : text);
    }
    if (state_.findings.size() > kMostFindings)
      fact("",
           style_.dim("… and " + counted(state_.findings.size() - kMostFindings, "finding") + " more; --json has all"));
  }

  Output& output_;
  const Style& style_;
  const TrainingState& state_;
  std::string settings_prefix_;
};

}  // namespace

void print_training(Output& output, const Style& style, const Checkpoint& checkpoint) {
  const TrainingState state = training_state(checkpoint);
  if (state.has_training() || !state.findings.empty()) Printer(output, style, state).run();
}

}  // namespace sconce::cli
