#include "formats/foreign/zip_kinds.h"

#include <array>
#include <string>

#include "base/text.h"

namespace sconce::formats::foreign {

namespace {

using archive::ZipArchive;
using archive::ZipEntry;

/// Where a record shows what an archive is.
enum class Where : std::uint8_t {
  root,      ///< in the folder of the first entry, as PyTorch's reader looks records up
  top,       ///< outside of every folder
  anywhere,  ///< at the end of some name
};

struct Kind {
  Where where;
  std::string_view record;
  std::string_view what;
  std::string_view advice;
  std::string_view format = {};  ///< Finding::format
};

constexpr std::string_view kTorchScriptAdvice =
    "in Python: torch.save(torch.jit.load(path).state_dict(), 'weights.pt') gives a file that Sconce reads";
constexpr std::string_view kMobileAdvice = "convert the model that it was exported from";
constexpr std::string_view kExportedAdvice =
    "in Python: torch.save(torch.export.load(path).state_dict, 'weights.pt') gives a file that Sconce reads";
constexpr std::string_view kUnpack = "unpack it, and give Sconce the model file that is inside";
constexpr std::string_view kNoModel = "give Sconce the model file itself";

// The first that fits. What mobile and TorchScript archives have in common comes after what only one of them has.
constexpr auto kKinds = std::to_array<Kind>({
    {Where::root, "bytecode.pkl", "a TorchScript archive for mobile devices (lite interpreter)", kTorchScriptAdvice,
     "torchscript-mobile"},
    {Where::root, "constants.pkl", "a TorchScript archive (torch.jit.save)", kTorchScriptAdvice, "torchscript"},
    {Where::root, "model.json", "a TorchScript archive of PyTorch 1.0 to 1.2",
     "in Python, with PyTorch up to 2.0: torch.save(torch.jit.load(path).state_dict(), 'weights.pt')",
     "torchscript-1.0"},
    {Where::root, ".data/extern_modules", "a torch.package archive",
     "in Python: load its pickle with torch.package.PackageImporter, and torch.save the state_dict", "torch-package"},
    {Where::root, "archive_format", "an exported program (torch.export, .pt2)", kExportedAdvice, "exported-program"},
    {Where::top, "serialized_exported_program.json", "an exported program (torch.export of PyTorch 2.1 to 2.7)",
     kExportedAdvice, "exported-program"},
    {Where::top, "model.weights.h5", "a Keras model (.keras)",
     "in Python: keras.models.load_model(path); its weights are in HDF5"},
    {Where::top, "policy.pth", "a Stable-Baselines3 archive", "unpack it, and give Sconce policy.pth"},
    {Where::top, "MAR-INF/MANIFEST.json", "a TorchServe archive (.mar)", kUnpack},
    {Where::anywhere, ".dist-info/WHEEL", "a Python wheel", kNoModel},
    {Where::top, "META-INF/MANIFEST.MF", "a Java archive (.jar)", kNoModel},
    {Where::top, "AndroidManifest.xml", "an Android package (.apk)", kUnpack},
    {Where::top, "[Content_Types].xml", "an Office document", kNoModel},
    {Where::top, "META-INF/container.xml", "an e-book", kNoModel},
    {Where::anywhere, "saved_model.pb", "an archive with a TensorFlow SavedModel", kMobileAdvice},
    {Where::anywhere, ".mlmodel", "an archive with a Core ML model", kMobileAdvice},
});

// Names of files that Sconce reads, for archives that hold them.
constexpr std::array<std::string_view, 7> kModelSuffixes = {".pt",  ".pth", ".safetensors", ".ckpt",
                                                            ".bin", ".npy", ".pkl"};

std::string_view root_of(const ZipArchive& zip) {
  const std::string_view first = zip.name(zip.entries().front());
  const std::size_t slash = first.find('/');
  return slash == std::string_view::npos ? std::string_view() : first.substr(0, slash);
}

bool has_record(const ZipArchive& zip, std::string_view record) {
  std::string name(root_of(zip));
  name.append(1, '/').append(record);
  return zip.find_any_case(name) != nullptr;
}

bool ends_some_name(const ZipArchive& zip, std::string_view end) {
  for (const ZipEntry& entry : zip.entries())
    if (zip.name(entry).ends_with(end)) return true;
  return false;
}

bool fits(const ZipArchive& zip, const Kind& kind) {
  switch (kind.where) {
    case Where::root: return has_record(zip, kind.record);
    case Where::top: return zip.find(kind.record) != nullptr;
    case Where::anywhere: return ends_some_name(zip, kind.record);
  }
  return false;
}

/// torch.save's own records without the pickle that says what they are.
bool lost_its_pickle(const ZipArchive& zip) {
  // A save that died early left these, which it writes before the pickle.
  if (has_record(zip, ".format_version") || has_record(zip, ".storage_alignment")) return true;
  if (!has_record(zip, "version") && !has_record(zip, ".data/version")) return false;
  const std::string storages = std::string(root_of(zip)) + "/data/";
  for (const ZipEntry& entry : zip.entries())
    if (zip.name(entry).starts_with(storages)) return true;
  return false;
}

/// A zip archive of whatever it may be: what is inside tells what to do.
Finding plain_zip(const ZipArchive& zip) {
  std::string_view inside;
  for (const ZipEntry& entry : zip.entries()) {
    const std::string_view name = zip.name(entry);
    if (name.ends_with("/data.pkl"))
      return not_read("a zip archive that holds a PyTorch checkpoint one folder too deep (" + escaped(name) + ")",
                      "pack it again so that data.pkl is in the one folder at the top, without compression");
    if (name == "data.pkl")
      return not_read("a PyTorch checkpoint that was packed again without its folder",
                      "put its files into a folder, and pack that folder: zip -0 -r model.pt archive");
    for (const std::string_view suffix : kModelSuffixes)
      if (inside.empty() && name.ends_with(suffix)) inside = name;
  }
  const std::string count = std::to_string(zip.entries().size());
  const std::string held = count + (zip.entries().size() == 1 ? " file" : " files");
  if (inside.empty()) return not_read("a zip archive of " + held + ", none of them a checkpoint", kUnpack);
  return not_read("a zip archive of " + held, "unpack it, and give Sconce " + escaped(inside));
}

}  // namespace

std::optional<Finding> zip_finding(const ZipArchive& zip) {
  for (const Kind& kind : kKinds)
    if (fits(zip, kind)) return not_read(kind.what, kind.advice, kind.format);
  if (has_record(zip, "data.pkl")) return std::nullopt;
  if (lost_its_pickle(zip))
    return Finding{"the archive has records as torch.save writes them, but no record data.pkl that says what they are",
                   "the save or the download stopped early; save or fetch it again", ErrorCode::damaged, std::nullopt};
  return plain_zip(zip);
}

}  // namespace sconce::formats::foreign
