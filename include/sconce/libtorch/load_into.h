// Checkpoints into modules of libtorch, with the rules of PyTorch's load_state_dict (docs/load_state_dict.md).
//
//     Net net;
//     sconce::libtorch::load_into(net, "model.pt");
//
// Why weights are read into the memory that the module has, and not into new memory that it adopts: so there is one
// copy of them at every moment, and memory that is in use already costs no page faults. What can go wrong is found in a
// pass over the bytes before that (copy_into.h).
#pragma once

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/copy_into.h>
#include <sconce/error.h>
#include <sconce/libtorch/module.h>
#include <sconce/libtorch/names.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/load_state_dict.h>
#include <sconce/options.h>
#include <sconce/transfer.h>

namespace sconce::inline v0::libtorch {

struct LoadIntoOptions {
  /// Strictness, prefixes, renames, heads of another shape, casts, `assign`.
  MatchOptions match;
  /// Which state_dict, where the file has several: "model", "ema". Empty: the only one.
  std::string which;
  /// Where C++ names layers otherwise than the checkpoint.
  NameMap names;
  /// As CopyIntoOptions::checksums: `skip` saves the pass over all bytes before the first is written.
  Checksums checksums = Checksums::verify;
  unsigned threads = 0;       ///< that read; 0: as many as the process may use
  LoadOptions open;           ///< for a path
  ProgressFunction progress;  ///< stage "load", once for each pass
  std::stop_token cancel;     ///< looked at until the first byte is written
};

/// What load_into() did.
struct LoadIntoReport {
  MatchReport match;
  MoveReport copy;
};

/// Thrown where a checkpoint does not fit a module; nothing was changed. `to_text(error.report, error.target)` says all
/// of it in PyTorch's words.
class DoesNotFit : public Error {
 public:
  DoesNotFit(ErrorCode code, std::string message, ErrorPlace place, std::string advice, MatchReport match,
             Target wanted)
      : Error(code, std::move(message), std::move(place), std::move(advice)),
        report(std::move(match)),
        target(std::move(wanted)) {}
  MatchReport report;
  Target target;
};

namespace detail {

[[noreturn]] inline void does_not_fit(const Checkpoint& checkpoint, MatchReport report, Target target) {
  constexpr std::size_t kShown = 3;
  std::size_t count = 0;
  std::string list;
  ErrorCode code = ErrorCode::wrong_type;
  ErrorPlace place;
  place.file = checkpoint.file().name;
  for (const MatchFinding& finding : report.findings) {
    if (finding.skipped) continue;
    if (count == 0) {
      place.key = finding.name;
      const bool name = finding.kind == MatchFinding::Kind::missing || finding.kind == MatchFinding::Kind::unexpected;
      if (name) code = ErrorCode::not_found;
    }
    if (count++ < kShown) list += (list.empty() ? "" : "; ") + finding.message;
  }
  if (count > kShown) list += "; and " + std::to_string(count - kShown) + " more";
  std::string advice = "the report of the exception has all of it";
  if (!report.proposed.empty() && !report.proposed.front().strip.empty())
    advice =
        "match.strip \"" + report.proposed.front().strip.front() + "\" would make more names fit (match.auto_prefix)";
  throw DoesNotFit(code, "the checkpoint does not fit the module: " + list, std::move(place), std::move(advice),
                   std::move(report), std::move(target));
}

inline ErrorPlace place_of(const std::string& name) {
  ErrorPlace place;
  place.key = name;
  return place;
}

/// A module's tensors and what goes into them.
class ModuleLoad {
 public:
  ModuleLoad(const ::torch::nn::Module& module, const Checkpoint& checkpoint, const LoadIntoOptions& options)
      : checkpoint_(checkpoint),
        options_(options),
        tensors_(tensors_of(module)),
        target_(target_of(module, options.names)) {
    std::map<std::string, std::size_t> names;
    for (std::size_t at = 0; at < target_.entries.size(); ++at)
      if (const auto [other, fresh] = names.try_emplace(target_.entries[at].name, at); !fresh)
        throw Error(ErrorCode::invalid_argument, "the name map calls both " + tensors_[other->second].name + " and " +
                                                     tensors_[at].name + " " + target_.entries[at].name);
  }

  [[nodiscard]] MatchReport match() const {
    return match_state_dict(checkpoint_, target_, options_.match, options_.which);
  }

  LoadIntoReport run() {
    LoadIntoReport report{match(), {}};
    if (!report.match.fits) does_not_fit(checkpoint_, std::move(report.match), std::move(target_));
    for (const MatchedEntry& entry : report.match.matched)
      if (!entry.keeps && entry.tensor.defined()) take(entry);
    set_apart_overlaps();
    make_adopted();
    CopyIntoOptions copying{.checksums = options_.checksums,
                            .threads = options_.threads,
                            .progress = options_.progress,
                            .cancel = options_.cancel};
    std::vector<CopyTarget> targets;
    for (Copy& copy : copies_) targets.push_back(std::move(copy.target));
    report.copy = copy_into(targets, copying);
    apply();
    return report;
  }

 private:
  /// A copy into the module's own memory, or, where that cannot be written as a run of elements (another device, other
  /// strides, memory that is shared with another tensor), into a tensor that is copied there at the end.
  struct Copy {
    CopyTarget target;
    ::at::Tensor own;
    ::at::Tensor apart;
  };
  struct Adoption {
    ::at::Tensor own;
    Tensor from;
    ::at::Tensor made;
    std::string name;
  };

  void take(const MatchedEntry& entry) {
    const ::at::Tensor& own = tensors_[entry.target].tensor;
    const std::string& name = target_.entries[entry.target].name;
    if (!met_.insert(own.unsafeGetTensorImpl()).second) return;  // tied: one tensor under several names
    if (own.layout() != ::at::kStrided || own.is_meta() || own.is_quantized())
      throw Error(ErrorCode::unsupported,
                  "the module's tensor has no elements that could be written (sparse, meta, quantised)",
                  place_of(name));
    if (options_.match.assign || entry.resizes) {
      adoptions_.push_back({own, entry.tensor, {}, name});
      return;
    }
    Copy copy{{entry.tensor, to_dtype(own.scalar_type()), {}, name}, own, {}};
    if (own.is_cpu() && own.is_contiguous() && !own.is_conj() && !own.is_neg())
      copy.target.into = bytes_of_tensor(own);
    else
      set_apart(copy);
    copies_.push_back(std::move(copy));
  }

  static std::span<std::byte> bytes_of_tensor(const ::at::Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.numel() == 0 ? nullptr : tensor.data_ptr()), tensor.nbytes()};
  }

  static void set_apart(Copy& copy) {
    copy.apart = ::at::empty(copy.own.sizes(), ::at::TensorOptions().dtype(copy.own.scalar_type()));
    copy.target.into = bytes_of_tensor(copy.apart);
  }

  /// Tensors of a module can be views of one another; each is then written by itself, in the module's order.
  void set_apart_overlaps() {
    std::vector<Copy*> by_address;
    for (Copy& copy : copies_)
      if (!copy.target.into.empty()) by_address.push_back(&copy);
    std::sort(by_address.begin(), by_address.end(),
              [](const Copy* a, const Copy* b) { return a->target.into.data() < b->target.into.data(); });
    const std::byte* end = nullptr;
    Copy* before = nullptr;
    for (Copy* const copy : by_address) {
      const std::span<std::byte> bytes = copy->target.into;
      const bool overlaps = before != nullptr && bytes.data() < end;
      end = std::max<const std::byte*>(end, bytes.data() + bytes.size());
      if (overlaps) set_apart(*copy);
      if (overlaps && !before->apart.defined()) set_apart(*before);
      before = copy;
    }
  }

  void make_adopted() {
    TensorMaker maker;
    for (Adoption& adoption : adoptions_) {
      adoption.made = maker(adoption.from).detach().to(adoption.own.device());
      if (adoption.own.requires_grad() && !adoption.made.is_floating_point() && !adoption.made.is_complex())
        throw Error(ErrorCode::wrong_type,
                    "only floating-point and complex tensors can require gradients, and the parameter does",
                    place_of(adoption.name), "load without assign, which casts");
    }
  }

  void apply() {
    const ::c10::NoGradGuard no_gradients;
    for (const Copy& copy : copies_) {
      if (copy.apart.defined())
        copy.own.copy_(copy.apart);
      else if (!copy.own.is_inference())
        copy.own.unsafeGetTensorImpl()->bump_version();  // so that autograd knows, as after copy_()
    }
    for (const Adoption& adoption : adoptions_) adoption.own.set_data(adoption.made);
  }

  const Checkpoint& checkpoint_;
  const LoadIntoOptions& options_;
  std::vector<ModuleTensor> tensors_;
  Target target_;
  std::set<const ::c10::TensorImpl*> met_;
  std::vector<Copy> copies_;
  std::vector<Adoption> adoptions_;
};

}  // namespace detail

/// What load_into() would do; nothing is read or changed. `module`: a torch::nn::Module or a holder of one. Errors:
/// those of match_state_dict(); `invalid_argument` where the name map gives two tensors one name.
template <ModuleLike Model>
[[nodiscard]] MatchReport match_into(const Model& module, const Checkpoint& checkpoint,
                                     const LoadIntoOptions& options = {}) {
  return detail::ModuleLoad(module_of(module), checkpoint, options).match();
}

/// Load a checkpoint's state_dict (or the whole module that it holds) into a module, as `module.load_state_dict(…)`
/// does in Python: elements are copied into the module's own tensors and cast to their dtype, so that optimizers and
/// whoever else holds those tensors see it; requires_grad stays; tied parameters stay tied. With `options.match.assign`
/// the module takes over the checkpoint's tensors with their dtype instead: without reading them, where the file can be
/// mapped.
///
/// All or nothing: names, shapes and dtypes are compared, and all bytes read and compared with their checksums, before
/// anything is changed (copy_into.h says what is left to chance). One copy of the weights is in memory, that of the
/// module; tensors on other devices or with other strides than row-major ones need one more of themselves meanwhile.
///
/// Errors: `DoesNotFit`; those of load(), match_into() and copy_into(). Exclusive use of the module.
template <ModuleLike Model>
LoadIntoReport load_into(const Model& module, const Checkpoint& checkpoint, const LoadIntoOptions& options = {}) {
  return detail::ModuleLoad(module_of(module), checkpoint, options).run();
}
template <ModuleLike Model>
LoadIntoReport load_into(const Model& module, const std::string& path, const LoadIntoOptions& options = {}) {
  return load_into(module, load(path, options.open), options);
}

}  // namespace sconce::inline v0::libtorch
