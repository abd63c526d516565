// Modules of libtorch as Python knows them: their state_dict, and what they want to be loaded with.
//
// Thread rule: as libtorch's modules: reading one from many threads is safe, changing it is exclusive.
#pragma once

#include <torch/nn/module.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/error.h>
#include <sconce/libtorch/names.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/load_state_dict.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

/// A module, a holder of one (`torch::nn::Linear`, TORCH_MODULE), or a pointer to one.
template <typename Model>
concept ModuleLike = std::derived_from<Model, ::torch::nn::Module> || requires(const Model& model) {
  { *model } -> std::convertible_to<const ::torch::nn::Module&>;
};

template <ModuleLike Model>
[[nodiscard]] const ::torch::nn::Module& module_of(const Model& model) {
  if constexpr (std::derived_from<Model, ::torch::nn::Module>)
    return model;
  else
    return *model;
}

/// A parameter or buffer of a module, where Python's state_dict has it.
struct ModuleTensor {
  std::string name;     ///< as C++ spells it: "layer1.0.weight"
  ::at::Tensor tensor;  ///< the module's own
  bool buffer = false;
};

/// A module, or one inside it.
struct SubModule {
  std::string path;  ///< as C++ spells it; "" for the module itself
  std::string type;  ///< "Conv2d", as PyTorch names it; of other classes the C++ name without namespaces and Impl
  std::int64_t version = 1;  ///< `_version` of Python's class
};

namespace detail {

/// Nesting of modules is somebody's program, not a file; this only stops one that contains itself.
inline constexpr std::size_t kDeepest = 1000;

inline std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// "torch::nn::BatchNorm2dImpl" → "BatchNorm2d".
inline std::string python_type(std::string_view name) {
  if (const auto bracket = name.find('<'); bracket != std::string_view::npos) name = name.substr(0, bracket);
  if (const auto colon = name.rfind("::"); colon != std::string_view::npos) name.remove_prefix(colon + 2);
  if (name.size() > 4 && name.ends_with("Impl")) name.remove_suffix(4);
  return std::string(name);
}

/// `_version` of Python's classes, the same from PyTorch 1.0 to 2.14: 2 for those of torch/nn/modules/batchnorm.py's
/// _NormBase, whose second version brought num_batches_tracked; 1 for all others.
inline std::int64_t python_version(const ::torch::nn::Module& module, const std::string& type) {
  const bool norm = type.starts_with("BatchNorm") || type.starts_with("InstanceNorm") || type == "SyncBatchNorm" ||
                    module.named_buffers(/*recurse=*/false).contains("num_batches_tracked");
  return norm ? 2 : 1;
}

/// Visits a module and all inside it, parents before children, children in the order of their registration: the order
/// of Python's state_dict. One that is registered twice is visited twice, as there.
inline void walk(const ::torch::nn::Module& root,
                 const std::function<void(const std::string& path, const ::torch::nn::Module&)>& visit) {
  struct Step {
    std::string path;
    std::shared_ptr<::torch::nn::Module> module;
    std::size_t depth;
  };
  std::vector<Step> open;
  const auto push_children = [&open](const std::string& path, const ::torch::nn::Module& of, std::size_t depth) {
    const auto children = of.named_children();
    for (std::size_t at = children.size(); at-- > 0;)
      open.push_back({join(path, children[at].key()), children[at].value(), depth});
  };
  visit("", root);
  push_children("", root, 1);
  while (!open.empty()) {
    const Step step = std::move(open.back());
    open.pop_back();
    if (step.depth > kDeepest)
      throw Error(ErrorCode::invalid_argument, "modules are nested more than 1000 deep; does one contain itself?");
    visit(step.path, *step.module);
    push_children(step.path, *step.module, step.depth + 1);
  }
}

}  // namespace detail

/// A module's parameters and buffers in the order of Python's state_dict: of each module first the parameters, then the
/// buffers, then its children. Tensors that are not there (`bias=False`) are left out. One that has several names is
/// there several times.
[[nodiscard]] inline std::vector<ModuleTensor> tensors_of(const ::torch::nn::Module& module) {
  std::vector<ModuleTensor> tensors;
  detail::walk(module, [&](const std::string& path, const ::torch::nn::Module& one) {
    for (const auto& item : one.named_parameters(/*recurse=*/false))
      tensors.push_back({detail::join(path, item.key()), item.value(), false});
    for (const auto& item : one.named_buffers(/*recurse=*/false))
      tensors.push_back({detail::join(path, item.key()), item.value(), true});
  });
  return tensors;
}

/// A module and all modules inside it, in the same order.
[[nodiscard]] inline std::vector<SubModule> modules_of(const ::torch::nn::Module& module) {
  std::vector<SubModule> modules;
  detail::walk(module, [&](const std::string& path, const ::torch::nn::Module& one) {
    std::string type = detail::python_type(one.name());
    const std::int64_t version = detail::python_version(one, type);
    modules.push_back({path, std::move(type), version});
  });
  return modules;
}

/// The module's state_dict as Python's `module.state_dict()` is: an OrderedDict in Python's order with `_metadata`, so
/// that `load_state_dict(torch.load(path))` of the same model in Python takes it, strict. Shares the module's memory: a
/// step of an optimizer shows in it. Parameters that are one tensor under several names share a storage.
///
/// Errors: `invalid_argument` where `names` gives two tensors one name; those of TensorReader.
[[nodiscard]] inline Value state_dict(const ::torch::nn::Module& module, const NameMap& names = {}) {
  std::vector<Literal::Entry> entries, metadata;
  std::map<std::string, std::string> taken;
  TensorReader reader;
  for (const ModuleTensor& item : tensors_of(module)) {
    const std::string name = names.to_python(item.name);
    if (const auto [at, fresh] = taken.try_emplace(name, item.name); !fresh)
      throw Error(ErrorCode::invalid_argument,
                  "the name map calls both " + at->second + " and " + item.name + " " + name);
    entries.emplace_back(name, reader(item.tensor.detach()));
  }
  for (const SubModule& item : modules_of(module))
    metadata.emplace_back(names.to_python(item.path), Literal::dict({{"version", item.version}}));
  Checkpoint made;
  made.set_root(Literal::ordered_dict(std::move(entries)));
  Value root = made.root();
  root.set_attribute("_metadata", Literal::ordered_dict(std::move(metadata)));
  return root;
}

/// What the module wants to be loaded with, under the names that a checkpoint has for it.
[[nodiscard]] inline Target target_of(const ::torch::nn::Module& module, const NameMap& names = {}) {
  Target target;
  // One tensor under two names, or two tensors that are the same elements of one storage, get one value.
  using Elements =
      std::tuple<const ::c10::StorageImpl*, std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>>;
  std::map<Elements, std::uint64_t> numbers;
  std::vector<Elements> elements;
  for (const ModuleTensor& item : tensors_of(module)) {
    const ::at::Tensor& tensor = item.tensor;
    TargetEntry entry{.name = names.to_python(item.name),
                      .dtype = to_dtype(tensor.scalar_type()),
                      .shape = tensor.sizes().vec(),
                      .buffer = item.buffer};
    target.entries.push_back(std::move(entry));
    elements.emplace_back(tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr,
                          tensor.has_storage() ? tensor.storage_offset() : 0, tensor.sizes().vec(),
                          tensor.has_storage() ? tensor.strides().vec() : std::vector<std::int64_t>());
    if (tensor.has_storage() && tensor.numel() != 0) ++numbers[elements.back()];
  }
  std::uint64_t next = 0;
  for (auto& [key, count] : numbers) count = count > 1 ? ++next : 0;
  for (std::size_t at = 0; at < elements.size(); ++at)
    if (const auto found = numbers.find(elements[at]); found != numbers.end())
      target.entries[at].shared = found->second;
  for (const SubModule& item : modules_of(module))
    target.modules.push_back({names.to_python(item.path), item.type, item.version});
  return target;
}

/// Of a holder or a pointer: of what it holds.
template <ModuleLike Model>
requires(!std::derived_from<Model, ::torch::nn::Module>) [[nodiscard]] Value
    state_dict(const Model& module, const NameMap& names = {}) {
  return state_dict(module_of(module), names);
}
template <ModuleLike Model>
requires(!std::derived_from<Model, ::torch::nn::Module>) [[nodiscard]] Target
    target_of(const Model& module, const NameMap& names = {}) {
  return target_of(module_of(module), names);
}

}  // namespace sconce::inline v0::libtorch
