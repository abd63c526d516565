#include "model/rewrite/class_names.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/torch_common/known_names.h"
#include "tree/references.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::NodeId;

namespace {

struct Move {
  std::string_view old_module;  ///< both modules stand for all that is inside of them, too
  std::string_view old_name;    ///< empty: every name of the module
  std::string_view new_module;
  std::string_view new_name;
  TorchVersion new_since;  ///< first release that knows the new name
  TorchVersion old_until;  ///< first release that does not know the old one; {99, 0}: all do
};

constexpr TorchVersion kAlways{99, 0};

// Sources: torch/nn/modules/linear.py of 1.8 and 1.9 (pytorch/pytorch#53618), torch/ao of 1.10 and 1.13,
// torch/distributed of 2.4 and 2.5, torch/optim/lr_scheduler.py of 1.13 and 2.0.
constexpr Move kMoves[] = {
    {"torch.nn.modules.linear",
     "_LinearWithBias",
     "torch.nn.modules.linear",
     "NonDynamicallyQuantizableLinear",
     {1, 9},
     {1, 9}},
    {"torch.quantization", "", "torch.ao.quantization", "", {1, 10}, kAlways},
    {"torch.nn.quantized", "", "torch.ao.nn.quantized", "", {1, 13}, kAlways},
    {"torch.nn.quantizable", "", "torch.ao.nn.quantizable", "", {1, 13}, kAlways},
    {"torch.nn.qat", "", "torch.ao.nn.qat", "", {1, 13}, kAlways},
    {"torch.nn.intrinsic", "", "torch.ao.nn.intrinsic", "", {1, 13}, kAlways},
    {"torch.distributed._tensor", "", "torch.distributed.tensor", "", {2, 5}, kAlways},
    {"torch.optim.lr_scheduler", "_LRScheduler", "torch.optim.lr_scheduler", "LRScheduler", {2, 0}, kAlways},
};

bool is_inside(std::string_view module, std::string_view package) {
  return module.starts_with(package) && (module.size() == package.size() || module[package.size()] == '.');
}

struct Name {
  std::string module;
  std::string name;
};

std::optional<Name> moved(const Name& from, std::string_view module, std::string_view name, std::string_view to_module,
                          std::string_view to_name) {
  if (!name.empty()) {
    if (from.module != module || from.name != name) return std::nullopt;
    return Name{std::string(to_module), std::string(to_name)};
  }
  if (!is_inside(from.module, module)) return std::nullopt;
  return Name{std::string(to_module) + from.module.substr(module.size()), from.name};
}

/// The name that the target knows; nothing where it knows this one.
std::optional<Name> name_for(const Name& name, const Target& target) {
  // The name in NumPy 2; NumPy 2 keeps the one of NumPy 1 for pickles. Python 3.13's home of the paths is in no other.
  if (auto found = moved(name, "numpy._core", "", "numpy.core", "")) return found;
  if (auto found = moved(name, "pathlib._local", "", "pathlib", "")) return found;
  for (const Move& move : kMoves) {
    if (target.version < move.new_since) {
      if (auto found = moved(name, move.new_module, move.new_name, move.old_module, move.old_name)) return found;
    } else if (target.version >= move.old_until) {
      if (auto found = moved(name, move.old_module, move.old_name, move.new_module, move.new_name)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace

void rewrite_class_names(Checkpoint::State& state, const Target& target, Changes& changes) {
  Document& document = *state.document;
  for (const NodeId node : tree::reachable(document, state.roots)) {
    if (document.kind(node) != Kind::global) continue;
    const tree::GlobalRecord& record = document.global_record(node);
    const auto name = name_for({std::string(record.python3_module), std::string(record.python3_name)}, target);
    if (!name) continue;
    const std::string to = name->module + "." + name->name;
    changes.add(Changes::Fate::changed, std::string(record.canonical) + " is called " + to + " there", node);
    const NodeId other = document.global(name->module, name->name, name->module, name->name);
    document.set_global_tag(other,
                            static_cast<std::uint32_t>(formats::torch_common::known_name(name->module, name->name)));
    document.become(node, other);
  }
}

}  // namespace sconce::model::rewrite
