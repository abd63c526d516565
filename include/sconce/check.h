// What will open a file: which PyTorch, in which mode, on which machine, and with which code.
//
// Verdicts come from a table of facts (src/model/compatibility), each with its source, and agree with the real versions
// 1.7, 1.13, 2.6, 2.13 and 2.14; those of other versions are by PyTorch's source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/checkpoint.h>
#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// A release of PyTorch: "1.13" is {1, 13}.
struct TorchVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const TorchVersion&) const = default;
};
/// From "2.6", "torch==1.13", "1.13.1". Errors: `invalid_argument`.
[[nodiscard]] TorchVersion torch_version_from_text(std::string_view text);
[[nodiscard]] std::string to_string(TorchVersion version);

/// How PyTorch is asked to load.
enum class TorchMode : std::uint8_t {
  plain,         ///< torch.load(weights_only=False), with every module importable
  weights_only,  ///< torch.load(weights_only=True), the default from 2.6 on
  mmap,          ///< torch.load(mmap=True, weights_only=False)
  libtorch,      ///< C++: torch::pickle_load, or torch::jit::load for TorchScript
};
[[nodiscard]] std::string_view to_string(TorchMode mode) noexcept;
/// All of them, in the order of the table.
inline constexpr TorchMode kTorchModes[] = {TorchMode::plain, TorchMode::weights_only, TorchMode::mmap,
                                            TorchMode::libtorch};

struct TorchVerdict {
  TorchVersion version;
  TorchMode mode = TorchMode::plain;
  bool opens = false;
  std::string why;  ///< the caveat where it opens, the reason where it does not; empty where there is nothing to say
  std::string message;     ///< the beginning of what PyTorch would say; empty where it opens
  bool by_source = false;  ///< this version was never run against this verdict
};

/// Memory that a machine needs.
struct DeviceNeeds {
  std::vector<std::string> saved_on;   ///< device tags, in the order of the tree: "cuda:0"
  bool map_location_needed = false;    ///< by PyTorch on a machine without those devices; Sconce never needs it
  std::uint64_t weights = 0;           ///< bytes of the model
  std::uint64_t optimizer = 0;         ///< bytes of optimizer state
  std::uint64_t everything = 0;        ///< bytes of all storages
  std::uint64_t torch_load_peak = 0;   ///< host memory at the peak of torch.load(map_location="cpu")
  std::uint64_t sconce_load_peak = 0;  ///< and of Sconce's load to the CPU
  std::uint64_t one_gpu = 0;           ///< memory of one GPU for the model alone
  std::uint64_t two_gpus = 0;          ///< of the fuller of two, whole modules kept together
};

/// A class or module that must be importable for a plain load.
struct CodeNeed {
  std::string name;            ///< "models.resnet.ResNet"
  std::string package;         ///< "models", "omegaconf"
  bool part_of_torch = false;  ///< PyTorch itself has it
  std::string history;  ///< where it moved or was renamed: "torch.nn.modules.activation._LinearWithBias until 1.7 …"
  std::vector<std::string> versions_without;  ///< PyTorch versions of the table that lack it
};

struct CheckReport {
  std::vector<TorchVerdict> verdicts;  ///< by version, then mode
  DeviceNeeds devices;
  std::vector<CodeNeed> code;
  std::string format;
  std::vector<std::string> advice;  ///< commands that would make more versions open it

  /// The verdict for a version and a mode; null for a version that known_torch_versions() does not have.
  [[nodiscard]] const TorchVerdict* find(TorchVersion version, TorchMode mode) const noexcept;
};

/// The versions that a report has when none are named: 0.4, 1.0 … 2.14.
[[nodiscard]] std::vector<TorchVersion> known_torch_versions();

/// Judge a file. Reads metadata only. Errors: those of reading; files of formats that Sconce only recognises
/// (TorchScript, torch.package …) are judged, too. Thread rule: const use.
[[nodiscard]] CheckReport check(const std::string& path, const LoadOptions& options = {});
/// The same from any source. A name in a source decides nothing but whether it ends in ".safetensors".
[[nodiscard]] CheckReport check(SourcePtr source, const LoadOptions& options = {});
/// Of the file that the checkpoint was loaded from, as it was then; of one made in memory, of what save() would write.
[[nodiscard]] CheckReport check(const Checkpoint& checkpoint);

}  // namespace SCONCE_API
}  // namespace sconce
