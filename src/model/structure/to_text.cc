// A module tree as print(model) shows it: Module.__repr__ and ModuleList.__repr__ of torch/nn/modules.
#include <sconce/structure.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "model/structure/known_classes.h"
#include "model/structure/limits.h"
#include "model/structure/order.h"

namespace sconce {
namespace model::structure {
namespace {

constexpr std::string_view kInferredMark = "  # inferred";

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos; }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  if (text.empty()) return lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

class Printer {
 public:
  explicit Printer(const ModuleTree& tree) : tree_(tree), looks_(tree.nodes.size()), on_path_(tree.nodes.size()) {
    number_looks();
  }

  std::string print() {
    if (tree_.nodes.empty()) return {};
    open(0);
    while (!open_.empty()) {
      Open& top = open_.back();
      if (top.at == top.groups.size()) {
        out_ += '\n';
        out_.append(2 * (open_.size() - 1), ' ');
        out_ += ')';
        on_path_[top.node] = false;
        open_.pop_back();
        continue;
      }
      const Group& group = top.groups[top.at++];
      out_ += '\n';
      out_.append(2 * open_.size(), ' ');
      out_ += group.lead;
      open(group.node);
      if (out_.size() > kMostPrinted + 1024 * tree_.nodes.size())
        fail(ErrorCode::limit, "the modules, shown wherever they are used, take absurdly much text", {},
             "ModuleTree has every module once");
    }
    return std::move(out_);
  }

 private:
  struct Group {
    std::string lead;  ///< "(conv1): ", "(0-2): 3 x "
    std::size_t node;
  };
  struct Open {
    std::size_t node;
    std::vector<Group> groups;
    std::size_t at = 0;
  };

  /// The node that has the children: itself, or the one that it is.
  [[nodiscard]] std::size_t first_place(std::size_t node) const {
    return is_met_again(tree_, node) ? tree_.nodes[node].same_as : node;
  }

  [[nodiscard]] bool folds(const ModuleNode& node) const { return class_key(node.class_name) == "ModuleList"; }

  /// Equal numbers for modules that print alike: what __repr__ compares as text.
  void number_looks() {
    std::unordered_map<std::string, std::size_t> known;
    for (const std::size_t index : children_first(tree_)) {
      const ModuleNode& node = tree_.nodes[index];
      if (is_met_again(tree_, index)) {
        // Zero: the one around it, which has no number yet.
        looks_[index] = looks_[node.same_as];
        continue;
      }
      std::string look = node.type + '\n' + node.extra_repr + '\n' + (node.inferred ? '~' : ' ');
      for (const std::size_t child : shown_children(node))
        look += tree_.nodes[child].name + '\n' + std::to_string(looks_[child]) + '\n';
      looks_[index] = known.try_emplace(std::move(look), known.size() + 1).first->second;
    }
  }

  [[nodiscard]] std::vector<std::size_t> shown_children(const ModuleNode& node) const {
    const KnownClass* known = find_known(class_key(node.class_name));
    if (known == nullptr || !known->hides_packed) return node.children;
    std::vector<std::size_t> shown;
    for (const std::size_t child : node.children) {
      const std::string key = class_key(tree_.nodes[child].class_name);
      const bool list = known->name.starts_with("DynamicQuantized") && key == "ModuleList";
      if (!is_packed_parameters(key) && !list) shown.push_back(child);
    }
    return shown;
  }

  [[nodiscard]] std::vector<Group> groups_of(const ModuleNode& node) const {
    std::vector<Group> groups;
    const std::vector<std::size_t> children = shown_children(node);
    if (!folds(node)) {
      for (const std::size_t child : children) groups.push_back({"(" + tree_.nodes[child].name + "): ", child});
      return groups;
    }
    for (std::size_t first = 0; first < children.size();) {
      std::size_t last = first;
      while (last + 1 < children.size() && looks_[children[last + 1]] == looks_[children[first]]) ++last;
      std::string lead = "(" + std::to_string(first);
      if (last != first) lead += "-" + std::to_string(last);
      lead += "): ";
      if (last != first) lead += std::to_string(last - first + 1) + " x ";
      groups.push_back({std::move(lead), children[first]});
      first = last + 1;
    }
    return groups;
  }

  void open(std::size_t index) {
    const ModuleNode& node = tree_.nodes[index];
    if (node.type == "None" && node.class_name.empty() && !node.inferred) {
      out_ += "None";
      return;
    }
    out_ += node.type.empty() ? "Module" : node.type;
    const std::size_t place = first_place(index);
    if (on_path_[place]) {  // inside of itself
      out_ += "(...)";
      return;
    }
    out_ += '(';
    const ModuleNode& first = tree_.nodes[place];
    const std::vector<std::string_view> extra =
        folds(first) ? std::vector<std::string_view>() : lines_of(first.extra_repr);
    std::vector<Group> groups = groups_of(first);
    const std::string_view mark = first.inferred ? kInferredMark : std::string_view();
    if (groups.empty() && extra.size() <= 1) {
      if (!extra.empty()) out_ += extra.front();
      (out_ += ')') += mark;
      return;
    }
    out_ += mark;
    for (const std::string_view line : extra) {
      out_ += '\n';
      // Modules inside of others have their lines indented once more, and blank ones are not.
      if (open_.empty() || !is_blank(line)) out_.append(2 * (open_.size() + 1), ' ') += line;
    }
    open_.push_back({place, std::move(groups)});
    on_path_[place] = true;
  }

  const ModuleTree& tree_;
  std::vector<std::size_t> looks_;
  std::vector<bool> on_path_;
  std::vector<Open> open_;
  std::string out_;
};

}  // namespace
}  // namespace model::structure

inline namespace v0 {

std::string to_text(const ModuleTree& tree) { return model::structure::Printer(tree).print(); }

}  // namespace v0
}  // namespace sconce
