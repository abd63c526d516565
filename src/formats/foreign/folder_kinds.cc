#include "formats/foreign/folder_kinds.h"

#include <array>

#include "io/descriptor.h"
#include "io/file_system.h"

namespace sconce::formats::foreign {

namespace {

struct Kind {
  std::string_view file;
  std::string_view what;
  std::string_view advice;
  std::string_view format = {};  ///< Finding::format
};

constexpr auto kKinds = std::to_array<Kind>({
    {".metadata", "the folder of a distributed checkpoint (DCP)",
     "in Python: torch.distributed.checkpoint.format_utils.dcp_to_torch_save(folder, 'model.pt') makes one file of it",
     "dcp"},
    {"saved_model.pb", "the folder of a TensorFlow SavedModel", "convert the model that it was exported from"},
    {"data.pkl", "the folder of a PyTorch checkpoint that was unpacked", "pack it again: zip -0 -r model.pt FOLDER"},
});

bool has_file(const std::string& path) {
  io::FileSystem& files = io::real_file_system();
  const int descriptor = files.open_read(path);
  if (descriptor < 0) return false;
  const io::Descriptor closes(files, descriptor);
  return true;
}

}  // namespace

std::optional<Finding> folder_finding(const std::string& path) {
  for (const Kind& kind : kKinds)
    if (has_file(path + "/" + std::string(kind.file))) return not_read(kind.what, kind.advice, kind.format);
  return std::nullopt;
}

}  // namespace sconce::formats::foreign
