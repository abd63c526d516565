#include <sconce/check.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "model/compatibility/facts.h"
#include "model/compatibility/features.h"
#include "model/compatibility/needs.h"
#include "model/compatibility/obstacles.h"
#include "model/open_model.h"
#include "model/state.h"

namespace sconce {

namespace model::compatibility {

namespace {

/// Whether an obstacle is about the mode or the container: what is inside does not matter then.
bool is_shut(const Obstacle& obstacle) {
  const auto is_same = [&](const Fact& fact) { return fact.id == obstacle.fact; };
  const auto fact = std::ranges::find_if(facts(), is_same);
  return fact != facts().end() && fact->when <= Trait::data_version;
}

/// What stands in the way, or what is to be known, as one sentence: names of one kind in one list.
std::string sentence(const std::vector<Obstacle>& found, bool stops) {
  if (stops && is_shut(found.front())) return found.front().why;
  constexpr std::size_t kMostReasons = 3;
  constexpr std::size_t kMostNames = 6;
  std::vector<std::string_view> told;
  std::string text;
  std::size_t reasons = 0;
  std::size_t more = 0;
  for (const Obstacle& one : found) {
    if (one.stops != stops || std::ranges::find(told, one.fact) != told.end()) continue;
    told.push_back(one.fact);
    if (++reasons > kMostReasons) {
      ++more;
      continue;
    }
    text += (text.empty() ? "" : "; ") + one.why;
    std::vector<std::string> others;
    for (const Obstacle& other : found)
      if (other.fact == one.fact && other.why != one.why && !other.concerns.empty()) others.push_back(other.concerns);
    if (others.empty()) continue;
    text += "; likewise ";
    for (std::size_t at = 0; at < std::min(others.size(), kMostNames); ++at)
      text += (at == 0 ? "" : ", ") + escaped(others[at]);
    if (others.size() > kMostNames) text += " and " + std::to_string(others.size() - kMostNames) + " more";
  }
  if (more != 0) text += "; and " + std::to_string(more) + " more such things";
  return text;
}

TorchVerdict verdict(const Features& features, TorchVersion version, TorchMode mode) {
  const std::vector<Obstacle> found = obstacles(features, version, mode);
  TorchVerdict result;
  result.version = version;
  result.mode = mode;
  result.opens = found.empty() || !found.front().stops;
  result.by_source = is_by_source(version, mode);
  if (found.empty()) return result;
  result.why = sentence(found, !result.opens);
  if (!result.opens) result.message = found.front().message;
  return result;
}

bool opens(const CheckReport& report, TorchVersion version, TorchMode mode) {
  const TorchVerdict* found = report.find(version, mode);
  return found != nullptr && found->opens;
}

/// A name as a shell takes it for one word.
std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_./-+=:@,%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// Whether weights_only is kept from the file by more than NumPy's values.
bool needs_plain(const CheckReport& report) {
  const auto is_class = [](const CodeNeed& need) { return need.package != "numpy"; };
  return std::ranges::any_of(report.code, is_class);
}

/// What would make more readers open the file: commands for people.
std::vector<std::string> advice(const CheckReport& report, const Features& features, const std::string& name) {
  std::vector<std::string> lines;
  const auto command = [&](std::string_view options, std::string_view out) {
    return "sconce convert " + std::string(options) + shell_word(name) + " " + std::string(out);
  };
  const TorchVersion newest = known_torch_versions().back();
  const bool sconce_reads =
      features.has_pickle || features.has(Trait::safetensors) || features.has(Trait::npz) || features.has(Trait::npy);
  if (!sconce_reads) return lines;
  if (opens(report, newest, TorchMode::plain) && !opens(report, newest, TorchMode::weights_only))
    lines.push_back(command(needs_plain(report) ? "--weights-only --plain " : "--weights-only ", "out.pt") +
                    "    # for weights_only=True, the default since 2.6");
  if (!opens(report, newest, TorchMode::plain) || !opens(report, newest, TorchMode::mmap))
    lines.push_back(command("", "out.pt") + "    # for PyTorch 1.6 to today's, with mmap=True, too");
  const bool old = opens(report, {1, 7}, TorchMode::plain);
  if (!old) lines.push_back(command("--for torch==1.7 ", "out.pt") + "    # for PyTorch 1.7 and later");
  if (!opens(report, {1, 1}, TorchMode::plain) && old)
    lines.push_back(command("--to pytorch-legacy ", "out.pt") + "    # for PyTorch before 1.6");
  return lines;
}

CheckReport report_of(const Features& features) {
  CheckReport report;
  report.format = features.format;
  for (const TorchVersion version : known_torch_versions())
    for (const TorchMode mode : kTorchModes) report.verdicts.push_back(verdict(features, version, mode));
  report.code = code_needs(features);
  return report;
}

}  // namespace

}  // namespace model::compatibility

inline namespace v0 {

const TorchVerdict* CheckReport::find(TorchVersion version, TorchMode mode) const noexcept {
  for (const TorchVerdict& verdict : verdicts)
    if (verdict.version == version && verdict.mode == mode) return &verdict;
  return nullptr;
}

CheckReport check(const Checkpoint& checkpoint) {
  using namespace model::compatibility;
  const std::shared_ptr<const Features> features = features_of(checkpoint);
  CheckReport report = report_of(*features);
  report.devices = device_needs(checkpoint);
  const std::string& name = checkpoint.file().name;
  report.advice = advice(report, *features, name.empty() ? "model.pt" : name);
  return report;
}

CheckReport check(SourcePtr source, const LoadOptions& options) {
  using namespace model::compatibility;
  try {
    return check(load(source, options));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    const std::shared_ptr<const Features> features = collect_foreign(source, options);
    if (!features) throw;
    CheckReport report = report_of(*features);
    if (!error.advice().empty()) report.advice.push_back(error.advice());
    return report;
  }
}

CheckReport check(const std::string& path, const LoadOptions& options) {
  if (const auto folder = model::compatibility::collect_folder(path)) return model::compatibility::report_of(*folder);
  return check(model::open_model(path, options.access), options);
}

}  // namespace v0
}  // namespace sconce
