#include "model/diff_aliases.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"

namespace sconce::model {

namespace {

constexpr std::size_t kNamed = 20;

/// A tensor that both sides have.
struct Common {
  const SideLeaf* a;
  const SideLeaf* b;
};

/// Names that share a storage, in the order in which the storages are met; groups of one are left out.
std::vector<std::vector<Common>> groups(const std::vector<Common>& tensors, const SideLeaf* Common::*side) {
  std::unordered_map<std::uint64_t, std::size_t> numbers;
  std::vector<std::vector<Common>> found;
  for (const Common& tensor : tensors) {
    const std::uint64_t storage = (tensor.*side)->storage;
    if (storage == UINT64_MAX) continue;
    const auto [place, added] = numbers.try_emplace(storage, found.size());
    if (added) found.emplace_back();
    found[place->second].push_back(tensor);
  }
  std::erase_if(found, [](const auto& group) { return group.size() < 2; });
  return found;
}

bool share(const std::vector<Common>& group, const SideLeaf* Common::*side) {
  const std::uint64_t first = (group.front().*side)->storage;
  return first != UINT64_MAX &&
         std::ranges::all_of(group, [&](const Common& tensor) { return (tensor.*side)->storage == first; });
}

std::string text_of(const std::vector<Common>& group, const std::string& which) {
  std::string text;
  for (std::size_t at = 0; at < std::min(group.size(), kNamed); ++at) text += (at == 0 ? "" : ", ") + group[at].a->name;
  if (group.size() > kNamed) text += " and " + with_commas(group.size() - kNamed) + " more";
  return text + " share a storage in " + which + " only";
}

void add(const std::vector<Common>& tensors, const SideLeaf* Common::*side, const SideLeaf* Common::*other,
         const std::string& which, const Side& other_side, DiffReport& report) {
  std::size_t left_out = 0;
  for (const std::vector<Common>& group : groups(tensors, side)) {
    if (share(group, other)) continue;
    if (other_side.state->facts.only_tensors)
      ++left_out;
    else
      report.aliases.push_back(text_of(group, which));
  }
  if (left_out != 0)
    report.notes.push_back(with_commas(left_out) + (left_out == 1 ? " group" : " groups") +
                           " of tensors share a storage in " + which + "; a " + other_side.format() +
                           " file cannot say so");
}

/// Storages without bytes are shared by chance.
bool has_bytes(const Side& side, const SideLeaf& leaf) {
  return leaf.storage != UINT64_MAX &&
         side.document().storage_at(static_cast<std::uint32_t>(leaf.storage)).nbytes() != 0;
}

}  // namespace

void diff_aliases(const Side& a, const Side& b, DiffReport& report) {
  std::vector<Common> tensors;
  for (const SideLeaf& leaf : a.tensors.all()) {
    const auto at = b.tensors.find(leaf.name);
    if (!at) continue;
    const SideLeaf& other = b.tensors.all()[*at];
    if (has_bytes(a, leaf) && has_bytes(b, other)) tensors.push_back({&leaf, &other});
  }
  add(tensors, &Common::a, &Common::b, "A", b, report);
  add(tensors, &Common::b, &Common::a, "B", a, report);
}

}  // namespace sconce::model
