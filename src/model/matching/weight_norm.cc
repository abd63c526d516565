// torch.nn.utils.weight_norm keeps NAME_g and NAME_v; torch.nn.utils.parametrizations.weight_norm keeps
// parametrizations.NAME.original0 and .original1, and its pre-hook (_weight_norm_compat_hook in
// torch/nn/utils/parametrizations.py, from 2.0 on) takes the old names. The way back is ours.
#include <string>
#include <string_view>

#include "model/matching/matching.h"

namespace sconce::model::matching {

namespace {

constexpr std::string_view kParametrizations = "parametrizations";

/// The pair of names of one parameter under weight norm, in both forms.
struct Names {
  std::string g, v, original0, original1;

  Names(std::string_view module, std::string_view parameter) {
    const std::string plain = joined(module, parameter);
    const std::string list = joined(joined(module, kParametrizations), parameter);
    g = plain + "_g";
    v = plain + "_v";
    original0 = list + ".original0";
    original1 = list + ".original1";
  }
};

void convert(Matching& matching, const std::string& to0, const std::string& to1, const std::string& from0,
             const std::string& from1, const char* what) {
  const std::size_t target0 = matching.find_target(to0);
  const std::size_t target1 = matching.find_target(to1);
  const std::size_t source0 = matching.find_unused(from0);
  const std::size_t source1 = matching.find_unused(from1);
  if (target0 == kNone || target1 == kNone || source0 == kNone || source1 == kNone) return;
  if (matching.places[target0].taken() || matching.places[target1].taken()) return;
  matching.link(target0, source0, what);
  matching.link(target1, source1, what);
}

}  // namespace

void convert_weight_norm(Matching& matching) {
  for (std::size_t at = 0; at < matching.places.size(); ++at) {
    if (matching.places[at].taken()) continue;
    const std::string_view name = matching.target.entries[at].name;
    const std::string_view leaf = leaf_of(name);
    const std::string_view list = module_of(name);  // "layer.parametrizations.weight"
    if (leaf == "original0" && leaf_of(module_of(list)) == kParametrizations) {
      const Names names(module_of(module_of(list)), leaf_of(list));
      convert(matching, names.original0, names.original1, names.g, names.v, "weight_norm to parametrizations");
    } else if (leaf.ends_with("_g") && leaf.size() > 2) {
      const Names names(list, leaf.substr(0, leaf.size() - 2));
      convert(matching, names.g, names.v, names.original0, names.original1, "parametrizations to weight_norm");
    }
  }
}

}  // namespace sconce::model::matching
