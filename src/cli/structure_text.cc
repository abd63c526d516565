// The module tree for people.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/structure.h"

namespace sconce::cli {
namespace {

/// One line of the tree.
struct Row {
  std::string left;
  std::string count;
  std::string bytes;
  std::string remark;
  bool tensor = false;
};

std::string joined(std::string_view path, std::string_view name) {
  std::string text(path);
  if (!text.empty() && !name.empty()) text += '.';
  return text += name;
}

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.shape()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

void remark(std::string& text, std::string_view what) { text += (text.empty() ? "" : ", ") + std::string(what); }

class TreeRows {
 public:
  TreeRows(const ModuleTree& tree, const NameFilter& filter, std::uint64_t depth)
      : tree_(tree), filter_(filter), depth_(depth), shown_(tree.nodes.size(), filter.all()) {
    if (!filter.all()) choose();
  }

  /// All rows in order, made one at a time; `give` returns whether to go on.
  void each(const std::function<bool(const Row&)>& give) const {
    for (std::size_t at = 0; at < tree_.nodes.size(); ++at) {
      const ModuleNode& node = tree_.nodes[at];
      if (!shown_[at] || (depth_ != 0 && node.depth > depth_)) continue;
      if (!give(module_row(node))) return;
      if (depth_ != 0 && node.depth >= depth_) continue;
      for (const ModuleTensor& tensor : node.tensors)
        if ((filter_.all() || matches(node, tensor.name)) && !give(tensor_row(node, tensor))) return;
    }
  }

 private:
  /// Names as the listing of tensors has them, and as the model itself has them.
  [[nodiscard]] bool matches(const ModuleNode& node, std::string_view name) const {
    const std::string inside = joined(node.path, name);
    return filter_(inside) || (!tree_.source_path.empty() && filter_(joined(tree_.source_path, inside)));
  }

  /// With --match: what matches, and the modules around it.
  void choose() {
    for (std::size_t at = tree_.nodes.size(); at-- > 0;) {
      const ModuleNode& node = tree_.nodes[at];
      if (!shown_[at])
        shown_[at] = (at != 0 && matches(node, "")) ||
                     std::ranges::any_of(node.tensors, [&](const ModuleTensor& t) { return matches(node, t.name); });
      if (shown_[at]) shown_[node.parent] = true;
    }
  }

  [[nodiscard]] Row module_row(const ModuleNode& node) const {
    Row row;
    row.left.assign(2 * node.depth, ' ');
    if (node.depth != 0) row.left += "(" + escaped(node.name) + ")";
    if (node.depth != 0 && !node.type.empty()) row.left += ": ";
    if (node.depth == 0 && node.type.empty()) row.left += "the model";
    row.left += escaped(node.type);
    if (!node.extra_repr.empty() && node.extra_repr.find('\n') == std::string::npos &&
        !node.extra_repr.starts_with("  "))
      row.left += "(" + escaped(node.extra_repr) + ")";
    row.count = with_commas(node.parameters + node.buffers);
    row.bytes = human_bytes(node.bytes);
    if (node.inferred) remark(row.remark, "inferred");
    if (node.same_as < tree_.nodes.size()) {
      const std::string& same = tree_.nodes[node.same_as].path;
      remark(row.remark, "same as " + (same.empty() ? "the model" : escaped(same)));
    }
    return row;
  }

  [[nodiscard]] Row tensor_row(const ModuleNode& node, const ModuleTensor& tensor) const {
    Row row;
    row.tensor = true;
    row.left.assign(2 * node.depth + 2, ' ');
    row.left +=
        escaped(tensor.name) + "  " + std::string(to_string(tensor.tensor.dtype())) + " " + shape_text(tensor.tensor);
    row.count = with_commas(tensor.tensor.numel());
    row.bytes = human_bytes(tensor.tensor.nbytes());
    if (tensor.buffer) remark(row.remark, tensor.persistent ? "buffer" : "buffer, not in the state_dict");
    if (!tensor.same_as.empty()) remark(row.remark, "same as " + escaped(tensor.same_as));
    return row;
  }

  const ModuleTree& tree_;
  const NameFilter& filter_;
  std::uint64_t depth_;
  std::vector<bool> shown_;
};

struct Widths {
  std::size_t left = 6;
  std::size_t count = 8;
  std::size_t bytes = 5;
};

void print_row(std::string& out, const Style& style, const Row& row, const Widths& width) {
  std::string left;
  append_left(left, shortened(row.left, width.left), width.left);
  out += "  " + (row.tensor ? style.dim(left) : left) + "  ";
  append_right(out, row.count, width.count);
  out += "  ";
  append_right(out, row.bytes, width.bytes);
  if (!row.remark.empty()) out += "  " + style.dim(row.remark);
  out += '\n';
}

std::string title(const ModuleTree& tree) {
  std::string text = "Modules";
  if (!tree.source_path.empty()) text += " of " + escaped(tree.source_path);
  if (tree.described) return text + ", as the file describes them";
  return tree.inferred ? text + ", by the names of tensors; kinds are inferred from names and shapes" : text;
}

void print_tree(Output& output, const Style& style, const ModuleTree& tree, const NameFilter& filter,
                const StructureRows& options) {
  const TreeRows rows(tree, filter, options.depth);
  Widths width;
  std::uint64_t count = 0;
  rows.each([&](const Row& row) {
    if (count++ >= options.limit) return true;
    width.left = std::max(width.left, columns(row.left));
    width.count = std::max(width.count, row.count.size());
    width.bytes = std::max(width.bytes, row.bytes.size());
    return true;
  });
  if (count == 0) return;
  if (style.width() != 0)
    width.left =
        std::min(width.left, std::max<std::size_t>(40, style.width() - std::min<std::size_t>(style.width(), 40)));
  output << "\n" << style.bold(title(tree)) << "\n";
  print_row(output.text(), style, {"", "elements", "bytes", "", true}, width);
  std::uint64_t printed = 0;
  rows.each([&](const Row& row) {
    if (printed++ == options.limit) return false;
    print_row(output.text(), style, row, width);
    output.flush_if_large();
    return !output.closed();
  });
  if (options.limit < count)
    output << style.dim("  … and " + with_commas(count - options.limit) + " more; --limit shows more") << "\n";
  for (const std::string& note : tree.notes) output << style.dim("  note") << "  " << escaped(note) << "\n";
}

}  // namespace

void print_structures(Output& output, const Style& style, const Structures& structures, const NameFilter& filter,
                      const StructureRows& rows) {
  for (const ModuleTree& tree : structures.trees) print_tree(output, style, tree, filter, rows);
  for (const std::string& note : structures.notes) output << style.dim("  note") << "  " << escaped(note) << "\n";
}

}  // namespace sconce::cli
