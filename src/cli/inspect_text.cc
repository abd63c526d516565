#include <algorithm>
#include <limits>
#include <string>

#include "base/text.h"
#include "cli/inspect.h"
#include "cli/listing.h"
#include "cli/structure.h"
#include "cli/tensor_table.h"
#include "cli/training_view.h"
#include "cli/value_text.h"

namespace sconce::cli {

namespace {

constexpr std::uint64_t kValuesShown = 30;
constexpr std::size_t kLongestValue = 200;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

void fact(Output& output, const Style& style, std::string_view name, std::string_view text) {
  std::string label;
  append_left(label, name, 10);
  output << "  " << style.dim(label) << " " << text << "\n";
}

/// "float32 × 290, int64 × 10".
template <typename Counts>
std::string counts_text(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + escaped(name) + " × " + with_commas(count);
  return text;
}

void print_head(Output& output, const Style& style, const Checkpoint& checkpoint, const TensorTotals& totals) {
  const FileFacts& facts = checkpoint.file();
  output << style.bold(escaped(facts.name)) << "\n";
  std::string format = facts.format;
  if (facts.byte_order) format += *facts.byte_order == std::endian::little ? ", little-endian" : ", big-endian";
  fact(output, style, "format", format);
  if (!facts.producer.empty()) fact(output, style, "written by", escaped(facts.producer));
  fact(output, style, "size", human_bytes(facts.bytes) + " (" + with_commas(facts.bytes) + " bytes)");
  fact(output, style, "tensors",
       with_commas(totals.tensors) + ", with " + with_commas(totals.parameters) + " elements in " +
           human_bytes(totals.bytes) +
           (totals.shared != 0 ? "; " + with_commas(totals.shared) + " share a storage with an earlier one" : ""));
  if (!totals.dtypes.empty()) fact(output, style, "dtypes", counts_text(totals.dtypes));
  if (!totals.devices.empty() && !(totals.devices.size() == 1 && totals.devices.contains("cpu")))
    fact(output, style, "devices", counts_text(totals.devices));
  const std::uint64_t unreferenced = checkpoint.unreferenced_bytes();
  if (unreferenced != 0)
    fact(output, style, "unused", human_bytes(unreferenced) + " of tensor data that no tensor shows");
}

/// Columns of the table of values.
struct ValueColumns {
  std::size_t name = 10;
  std::size_t kind = 3;
  std::size_t line = 0;  ///< of the terminal; 0: nothing is cut
};

std::string shown_name(const Leaf& leaf) { return leaf.name().empty() ? "(the root)" : escaped(leaf.name()); }

void print_value(std::string& out, const Leaf& leaf, const ValueColumns& width) {
  out += "  ";
  append_left(out, shortened(shown_name(leaf), width.name), width.name);
  out += "  ";
  append_left(out, to_string(leaf.kind()), width.kind);
  out += "  ";
  const std::size_t used = 2 + width.name + 2 + width.kind + 2;
  const std::size_t room = width.line > used + 20 ? width.line - used : kLongestValue;
  out += shortened(leaf_line(leaf.value()), std::min(room, kLongestValue));
  out += '\n';
}

/// The leaves that are no tensors: a first walk measures, a second one prints.
void print_values(Output& output, const Style& style, const Checkpoint& checkpoint, const NameFilter& filter,
                  std::uint64_t limit) {
  WalkOptions values;
  values.tensors = false;
  std::uint64_t count = 0;
  ValueColumns width;
  width.line = style.width();
  width.name = 0;
  checkpoint.walk(values, [&](const Leaf& leaf) {
    if (!filter(leaf.name()) || count++ >= limit) return true;
    width.name = std::max(width.name, columns(shown_name(leaf)));
    width.kind = std::max(width.kind, to_string(leaf.kind()).size());
    return true;
  });
  if (count == 0) return;
  output << "\n" << style.bold("Other values") << " (" << with_commas(count) << ")\n";
  if (width.line != 0) width.name = std::min(width.name, std::max<std::size_t>(24, width.line / 2));
  std::uint64_t printed = 0;
  checkpoint.walk(values, [&](const Leaf& leaf) {
    if (!filter(leaf.name())) return true;
    if (printed++ == limit) return false;
    print_value(output.text(), leaf, width);
    output.flush_if_large();
    return true;
  });
  if (limit < count) output << style.dim("  … and " + with_commas(count - limit) + " more; --limit shows more") << "\n";
}

std::string call_place(const CallFact& call) {
  std::string text = "at byte " + std::to_string(call.offset);
  if (!call.record.empty()) text += " of " + escaped(call.record);
  if (call.count > 1) text += ", " + with_commas(call.count) + " times";
  return text;
}

std::string_view verb(CallFact::What what) {
  switch (what) {
    case CallFact::What::import: return "import";
    case CallFact::What::call: return "call";
    case CallFact::What::state: return "give state to";
  }
  return "call";
}

/// What Python would do if it loaded the file. Builders that are known to make nothing but data are only counted.
void print_calls(Output& output, const Style& style, const FileFacts& facts) {
  using Effect = CallFact::Effect;
  const auto count = [&](Effect effect) {
    return static_cast<std::size_t>(std::count_if(facts.calls.begin(), facts.calls.end(),
                                                  [&](const CallFact& call) { return call.effect == effect; }));
  };
  const std::size_t unknown = count(Effect::unknown);
  const std::size_t effects = count(Effect::effect);
  if (unknown == 0 && effects == 0) return;
  output << "\n" << style.bold("If Python loaded this file, it would") << "\n";
  for (const CallFact& call : facts.calls)
    if (call.effect == Effect::effect)
      output << "  " << style.red(std::string(verb(call.what)) + " " + escaped(call.name)) << "  "
             << style.dim(call_place(call)) << "  " << style.red("executes, reads, writes or sends") << "\n";
  for (const CallFact& call : facts.calls)
    if (call.effect == Effect::unknown)
      output << "  " << verb(call.what) << " " << escaped(call.name) << "  " << style.dim(call_place(call)) << "\n";
  if (count(Effect::data) != 0)
    output << style.dim("  and use " + counted(count(Effect::data), "name") + " known to build data") << "\n";
}

void print_beside(Output& output, const Style& style, const FileFacts& facts) {
  if (!facts.extras.empty()) output << "\n" << style.bold("Beside the tree") << "\n";
  for (const ExtraPart& extra : facts.extras)
    output << "  " << escaped(extra.name) << "  " << human_bytes(extra.bytes->size()) << "\n";
  if (!facts.notes.empty()) output << "\n" << style.bold("Notes") << "\n";
  for (const std::string& note : facts.notes) output << "  " << escaped(note) << "\n";
}

/// Whether a tensor is a part of the one that was listed before.
class PartWatcher {
 public:
  bool operator()(const ListedTensor& listed) {
    if (!whole_.empty() && listed.name.size() > whole_.size() && listed.name.starts_with(whole_)) return true;
    whole_ = listed.tensor.parts().empty() ? std::string() : listed.name + ".";
    return false;
  }

 private:
  std::string whole_;
};

}  // namespace

void inspect_text(const Checkpoint& checkpoint, const Arguments& arguments, ProgressBar& progress, Output& output) {
  const Style style(arguments);
  const NameFilter filter(arguments);
  const std::uint64_t depth = arguments.number("depth", 0);
  const std::uint64_t limit = arguments.number("limit", kNoLimit);
  const Structures structures = arguments.has("tree") ? structures_of(checkpoint) : Structures();
  TensorTable table(depth);
  TensorTable others(depth);  // with --tree: what is in no model
  StorageNumbers other_storages;
  PartWatcher is_part;
  const ListingOptions options{.hash = arguments.has("hash")};
  const WalkResult walked = list_tensors(checkpoint, filter, options, progress.function(),
                                         [&](const ListedTensor& listed) {
                                           const bool part = is_part(listed);
                                           table.add(listed, part);
                                           if (structures.trees.empty() || structures.hold(listed.name)) return;
                                           ListedTensor other = listed;
                                           if (other.storage) other.storage = other_storages(other.storage->number);
                                           others.add(other, part);
                                         });
  progress.clear();
  for (TensorTable* sorted : {&table, &others}) sorted->sort(arguments.value("sort").value_or("tree"));
  print_head(output, style, checkpoint, table.totals());
  if (filter.all()) print_training(output, style, checkpoint);
  print_structures(output, style, structures, filter, {depth, limit});
  const TensorTable& shown = structures.trees.empty() ? table : others;
  if (shown.totals().tensors != 0) {
    output << "\n" << style.bold(structures.trees.empty() ? "Tensors" : "Other tensors") << "\n";
    shown.print(output, style, limit, arguments.has("tree"));
  }
  if (walked.values != 0)
    print_values(output, style, checkpoint, filter, arguments.has("limit") || !filter.all() ? limit : kValuesShown);
  print_calls(output, style, checkpoint.file());
  print_beside(output, style, checkpoint.file());
  if (!walked.complete) output << "\nThe tree has more paths than this listing follows.\n";
}

}  // namespace sconce::cli
