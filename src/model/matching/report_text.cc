// A match report for people, in PyTorch's words.
#include <sconce/load_state_dict.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sconce {
inline namespace v0 {

namespace {

using Sort = MatchFinding::Kind;

constexpr std::size_t kMostListed = 40;  // names of a list, and findings of a kind

std::string model_name(const Target& target) {
  for (const TargetModule& module : target.modules)
    if (module.path.empty() && !module.type.empty()) return module.type;
  return "the model";
}

/// `Missing key(s) in state_dict: "a", "b". `, as PyTorch writes it, or nothing.
std::string name_list(const MatchReport& report, Sort kind, std::size_t most) {
  std::string names;
  std::size_t count = 0;
  for (const MatchFinding& finding : report.findings) {
    if (finding.kind != kind || ++count > most) continue;
    names += (names.empty() ? "\"" : ", \"") + finding.name + "\"";
  }
  if (count == 0) return {};
  if (count > most) names += " and " + with_commas(count - most) + " more";
  return (kind == Sort::missing ? "Missing" : "Unexpected") + (" key(s) in state_dict: " + names + ". ");
}

bool is_pytorchs(const MatchFinding& finding) {
  return finding.kind == Sort::shape || finding.kind == Sort::unreadable || finding.kind == Sort::obsolete ||
         (finding.kind == Sort::dtype && finding.message.starts_with("While copying"));
}

class Lines {
 public:
  void add(const std::string& line) { text_ += escaped(line) + "\n"; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Whether a prefix alone is between the names; proposals say that once for all.
bool differ_by_prefix(std::string_view a, std::string_view b) {
  return a.size() < b.size() ? b.ends_with("." + std::string(a)) : a.ends_with("." + std::string(b));
}

/// Near names of what is missing, and of what is unexpected where that was not said from the other side.
class Suggestions {
 public:
  explicit Suggestions(const MatchReport& report) : report_(report) {}

  void add(Sort kind, Lines& lines) {
    std::size_t count = 0;
    for (const MatchFinding& finding : report_.findings) {
      if (finding.kind != kind) continue;
      std::string near;
      for (const std::string& name : finding.suggestions) {
        if (!report_.proposed.empty() && differ_by_prefix(name, finding.name)) continue;
        if (said_.contains({name, finding.name})) continue;
        said_.insert({finding.name, name});
        near += (near.empty() ? "\"" : " or \"") + name + "\"";
      }
      if (!near.empty() && ++count <= kMostListed) lines.add("  \"" + finding.name + "\": did you mean " + near + "?");
    }
    if (count > kMostListed) lines.add("  … and near names for " + with_commas(count - kMostListed) + " more");
  }

 private:
  const MatchReport& report_;
  std::set<std::pair<std::string_view, std::string_view>> said_;
};

void add_findings(const MatchReport& report, Sort kind, Lines& lines) {
  std::size_t count = 0;
  for (const MatchFinding& finding : report.findings)
    if (finding.kind == kind && ++count <= kMostListed)
      lines.add(finding.message + (finding.skipped ? " (skipped)" : ""));
  if (count > kMostListed) lines.add("… and " + with_commas(count - kMostListed) + " more of this kind");
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& one : texts) text += (text.empty() ? "\"" : " and \"") + one + "\"";
  return text;
}

}  // namespace

std::string torch_message(const MatchReport& report, const Target& target, bool strict) {
  std::vector<std::string> messages;
  if (strict)
    for (const Sort kind : {Sort::missing, Sort::unexpected})
      if (std::string names = name_list(report, kind, SIZE_MAX); !names.empty()) messages.push_back(std::move(names));
  for (const MatchFinding& finding : report.findings)
    if (is_pytorchs(finding)) messages.push_back(finding.message);
  if (messages.empty()) return {};
  std::string text = "Error(s) in loading state_dict for " + model_name(target) + ":";
  for (const std::string& message : messages) text += "\n\t" + message;
  return text;
}

std::string to_text(const MatchReport& report, const Target& target) {
  Lines lines;
  Suggestions suggestions(report);
  const std::string filled = with_commas(report.matched.size()) + " of " + with_commas(report.targets) +
                             " entries of " + model_name(target) + " are filled, from " + with_commas(report.sources) +
                             " in the state_dict" +
                             (report.source_path.empty() ? "" : " at \"" + report.source_path + "\"");
  lines.add((report.fits ? "fits: " : "does not fit: ") + filled);
  for (const Sort kind : {Sort::missing, Sort::unexpected}) {
    if (const std::string names = name_list(report, kind, kMostListed); !names.empty())
      lines.add(names.substr(0, names.size() - 1));
    suggestions.add(kind, lines);
  }
  for (const Sort kind :
       {Sort::shape, Sort::dtype, Sort::unreadable, Sort::obsolete, Sort::collision, Sort::contradiction})
    add_findings(report, kind, lines);
  for (const PrefixProposal& proposal : report.proposed)
    lines.add("with strip " + quoted_list(proposal.strip) + ": " + with_commas(proposal.fits) + " of " +
              with_commas(report.targets) + " fit by name and shape, " + with_commas(proposal.fits_without) +
              " without");
  for (const std::string& line : report.applied) lines.add("applied: " + line);
  for (const std::string& line : report.notes) lines.add("note: " + line);
  return lines.take();
}

}  // namespace v0
}  // namespace sconce
