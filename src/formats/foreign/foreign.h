// Files that people mistake for checkpoints, and formats whose readers are not built yet: recognised and named.
#pragma once

#include <string>

#include "formats/format.h"

namespace sconce::formats::foreign {

/// A zip archive of another kind than torch.save's: TorchScript, torch.package, an exported program, or no model at
/// all.
[[nodiscard]] bool is_foreign_zip(const Sniff& sniff);
[[noreturn]] Opened refuse_zip(const OpenContext& context);

/// Anything else that can be named: ONNX, GGUF, gzip, a web page, a git-lfs pointer …
[[nodiscard]] bool is_foreign(const Sniff& sniff);
/// Errors: `unsupported` with the name and what to do; `damaged` where a file is plainly of a format but broken.
[[noreturn]] Opened refuse(const OpenContext& context);

/// The format of a model file that one of these would refuse: "torchscript", "torch-package", "onnx" …; empty for what
/// is no model, and for models of other programs than PyTorch.
[[nodiscard]] std::string_view model_format(const Sniff& sniff);
/// The same for a folder: "dcp".
[[nodiscard]] std::string_view folder_format(const std::string& path);

/// For a path that could not be opened as a file. Errors: `unsupported` where it is a folder that is a model of its own
/// (a distributed checkpoint); nothing is thrown otherwise.
void refuse_folder(const std::string& path);

}  // namespace sconce::formats::foreign
