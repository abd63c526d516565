#include "cli/tensor_table.h"

#include <algorithm>

#include "base/text.h"
#include "cli/value_text.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kLongestRemark = 60'000;

/// The first `depth` components of a name; all of it where it has no more.
std::string_view first_components(std::string_view name, std::uint64_t depth) {
  std::size_t at = 0;
  for (; depth > 0; --depth) {
    const std::size_t dot = name.find('.', at);
    if (dot == std::string_view::npos) return name;
    at = dot + 1;
  }
  return name.substr(0, at == 0 ? 0 : at - 1);
}

std::size_t components(std::string_view name) {
  return static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
}

std::string_view last_component(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string_view parent(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
}

std::uint64_t bytes_shown(const Tensor& tensor) { return bytes_of(tensor.dtype(), tensor.numel()).value_or(0); }

}  // namespace

namespace {

/// A name outside of a tree: what stands for many says so.
std::string shown_name(std::string_view name, const TensorRow& row) {
  if (row.cut) return std::string(name) + ".*";
  return name.empty() ? "(the root)" : std::string(name);
}

}  // namespace

struct TensorTable::Columns {
  std::size_t name = 0;
  std::size_t dtype = 0;
  std::size_t shape = 0;
  std::size_t size = 0;
};

std::uint64_t TextPool::begin(std::size_t size) {
  if (blocks_.empty() || blocks_.back().size() + size >= kBlock) {
    blocks_.emplace_back();
    blocks_.back().reserve(std::max(size, kBlock));
  }
  return (blocks_.size() - 1) * kBlock + blocks_.back().size();
}

std::string TensorTable::remark_of(const ListedTensor& listed) const {
  const Tensor& tensor = listed.tensor;
  std::string text;
  const auto add = [&](std::string_view part) { (text += text.empty() ? "" : ", ") += part; };
  if (tensor.device() != "cpu") add(escaped(tensor.device()));
  if (tensor.layout() != Layout::strided) add(to_string(tensor.layout()));
  if (tensor.is_numpy()) add("numpy");
  if (tensor.qscheme() == QScheme::per_tensor_affine)
    add("scale " + python_float(tensor.q_scale()) + ", zero point " + std::to_string(tensor.q_zero_point()));
  if (tensor.is_conj()) add("conj");
  if (tensor.is_neg()) add("neg");
  if (tensor.layout() == Layout::strided && !tensor.is_contiguous()) add("stride " + shape_text(tensor.strides()));
  if (tensor.layout() == Layout::strided && tensor.storage_offset() != 0)
    add("offset " + std::to_string(tensor.storage_offset()));
  if (listed.storage && !listed.storage->first && depth_ == 0) {
    const TensorRow& first = rows_[first_of_storage_[static_cast<std::size_t>(listed.storage->number)]];
    add("shares storage with " + std::string(name(first)));
  }
  if (text.size() > kLongestRemark) text.resize(kLongestRemark);
  return text;
}

void TensorTable::count(const ListedTensor& listed, bool is_part) {
  const Tensor& tensor = listed.tensor;
  if (!is_part) ++totals_.tensors;
  const bool repeated = listed.storage && !listed.storage->first;
  if (repeated) ++totals_.shared;
  if (!is_part && !repeated) totals_.parameters += tensor.numel();
  if (tensor.has_storage() && !repeated) totals_.bytes += tensor.storage().nbytes();
  if (is_part) return;
  ++totals_.dtypes[to_string(tensor.dtype())];
  const auto device = totals_.devices.find(tensor.device());
  if (device != totals_.devices.end())
    ++device->second;
  else
    totals_.devices.emplace(tensor.device(), 1);
}

/// Adds to the row of that name, where --depth folds both into one.
bool TensorTable::fold(std::string_view shown, const ListedTensor& listed) {
  const auto found = row_of_.find(shown);
  if (found == row_of_.end()) return false;
  TensorRow& row = rows_[found->second];
  ++row.tensors;
  row.numel += listed.tensor.numel();
  row.nbytes += bytes_shown(listed.tensor);
  return true;
}

void TensorTable::add(const ListedTensor& listed, bool is_part) {
  count(listed, is_part);
  const std::string whole = escaped(listed.name);
  const std::string_view shown = depth_ == 0 ? std::string_view(whole) : first_components(whole, depth_);
  if (depth_ != 0 && (is_part || fold(shown, listed))) return;
  TensorRow row;
  row.cut = shown.size() < whole.size();
  std::string shape = shape_text(listed.tensor.shape());
  if (shape.size() > kLongestRemark) shape.resize(kLongestRemark);
  const std::string remark = remark_of(listed);
  row.text = pool_.begin(shown.size() + shape.size() + remark.size() + listed.sha256.size());
  row.name_size = static_cast<std::uint32_t>(shown.size());
  row.shape_size = static_cast<std::uint16_t>(shape.size());
  row.remark_size = static_cast<std::uint16_t>(remark.size());
  row.numel = listed.tensor.numel();
  row.nbytes = bytes_shown(listed.tensor);
  row.dims = static_cast<std::uint16_t>(std::min<std::int64_t>(listed.tensor.dim(), 0xFFFF));
  row.dtype = listed.tensor.dtype();
  row.hashed = listed.sha256.size() == 64;
  for (const std::string_view piece : {shown, std::string_view(shape), std::string_view(remark)}) pool_.append(piece);
  if (row.hashed) pool_.append(listed.sha256);
  if (listed.storage && listed.storage->first) first_of_storage_.push_back(static_cast<std::uint32_t>(rows_.size()));
  rows_.push_back(row);
  if (depth_ != 0) row_of_.emplace(name(rows_.back()), static_cast<std::uint32_t>(rows_.size() - 1));
}

void TensorTable::sort(std::string_view key) {
  const auto by = [&](const auto& less) { std::stable_sort(rows_.begin(), rows_.end(), less); };
  using Row = TensorRow;
  if (key == "name") by([&](const Row& a, const Row& b) { return name(a) < name(b); });
  if (key == "size") by([](const Row& a, const Row& b) { return a.nbytes > b.nbytes; });
  if (key == "dtype") by([](const Row& a, const Row& b) { return to_string(a.dtype) < to_string(b.dtype); });
  if (key == "shape")
    by([](const Row& a, const Row& b) { return a.dims != b.dims ? a.dims > b.dims : a.numel > b.numel; });
}

TensorTable::Columns TensorTable::measure(std::uint64_t limit, bool tree, std::size_t width) const {
  Columns widths;
  for (std::size_t at = 0; at < std::min<std::uint64_t>(limit, rows_.size()); ++at) {
    const TensorRow& row = rows_[at];
    const std::size_t used =
        tree ? 2 * components(name(row)) + columns(last_component(name(row))) : columns(shown_name(name(row), row));
    widths.name = std::max(widths.name, used);
    widths.dtype =
        std::max(widths.dtype, row.tensors > 1 ? counted(row.tensors, "tensor").size() : to_string(row.dtype).size());
    widths.shape =
        std::max(widths.shape, row.tensors > 1 ? with_commas(row.numel).size() : std::size_t{row.shape_size});
    widths.size = std::max(widths.size, human_bytes(row.nbytes).size());
  }
  // On a terminal the name gives way, but not for what is absurdly wide itself.
  const std::size_t rest = 2 + widths.dtype + 2 + widths.shape + 2 + widths.size + 2;
  if (width != 0 && widths.name + rest > width) widths.name = std::max<std::size_t>(24, width - std::min(width, rest));
  return widths;
}

void TensorTable::print_row(std::string& out, const Style& style, const TensorRow& row, std::string_view shown,
                            const Columns& columns) const {
  out += "  ";
  append_left(out, shortened(shown, columns.name), columns.name);
  out += "  ";
  append_left(out, row.tensors > 1 ? counted(row.tensors, "tensor") : std::string(to_string(row.dtype)), columns.dtype);
  out += "  ";
  append_left(out, row.tensors > 1 ? with_commas(row.numel) : std::string(shape(row)), columns.shape);
  out += "  ";
  append_right(out, human_bytes(row.nbytes), columns.size);
  if (row.tensors == 1 && row.remark_size != 0) out += "  " + style.dim(remark(row));
  if (row.hashed && row.tensors == 1) ((out += "\n      ") += "sha256 ") += hash(row);
  out += '\n';
}

/// The lines of the tree above a tensor that the row before did not have already.
void TensorTable::print_branches(std::string& out, const Style& style, std::string_view name,
                                 std::string_view before) const {
  const std::string_view branch = parent(name);
  const std::string_view old = parent(before);
  for (std::size_t begin = 0, depth = 0; begin < branch.size(); ++depth) {
    const std::size_t end = std::min(branch.find('.', begin), branch.size());
    const bool known = old.starts_with(branch.substr(0, end)) && (old.size() == end || old[end] == '.');
    if (!known) {
      out.append(2 + 2 * depth, ' ');
      out += style.bold(branch.substr(begin, end - begin)) + "\n";
    }
    begin = end + 1;
  }
}

void TensorTable::print(Output& output, const Style& style, std::uint64_t limit, bool tree) const {
  const Columns columns = measure(limit, tree, style.width());
  std::string_view before;
  std::uint64_t printed = 0;
  for (const TensorRow& row : rows_) {
    if (printed++ == limit) break;
    std::string shown;
    if (tree) {
      print_branches(output.text(), style, name(row), before);
      shown = std::string(2 * components(name(row)), ' ') + std::string(last_component(name(row)));
      before = name(row);
    } else {
      shown = shown_name(name(row), row);
    }
    print_row(output.text(), style, row, shown, columns);
    output.flush_if_large();
  }
  if (limit < rows_.size())
    output << style.dim("  … and " + with_commas(rows_.size() - limit) + " more; --limit shows more") << "\n";
}

}  // namespace sconce::cli
