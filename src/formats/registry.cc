// Every format that Sconce reads or writes: one line each.
#include <algorithm>
#include <array>
#include <string>

#include "base/fail.h"
#include "formats/foreign/foreign.h"
#include "formats/format.h"
#include "formats/numpy/reader.h"
#include "formats/pytorch/bare_pickle.h"
#include "formats/pytorch/legacy_reader.h"
#include "formats/pytorch/legacy_writer.h"
#include "formats/pytorch/tar_reader.h"
#include "formats/pytorch/zip_reader.h"
#include "formats/pytorch/zip_writer.h"
#include "formats/safetensors/reader.h"
#include "formats/safetensors/writer.h"

namespace sconce::formats {

namespace {

// In the order in which they are tried. Zip archives come first, as torch.load decides; a zip archive that is somebody
// else's (TorchScript …) may have torch.save's records, too, and is recognised before. Last is what nobody reads.
constexpr ReadableFormat kReadable[] = {
    {"npz", numpy::is_npz, numpy::open_npz},
    {"foreign", foreign::is_foreign_zip, foreign::refuse_zip},
    {"pytorch-zip", pytorch::is_torch_zip, pytorch::open_torch_zip},
    {"pytorch-tar", pytorch::is_torch_tar, pytorch::open_torch_tar},
    {"pytorch-legacy", pytorch::is_legacy_stream, pytorch::open_legacy_stream},
    {"npy", numpy::is_npy, numpy::open_npy},
    {"safetensors", safetensors::is_safetensors, safetensors::open_safetensors},
    {"pickle", pytorch::is_bare_pickle, pytorch::open_bare_pickle},
    {"foreign", foreign::is_foreign, foreign::refuse},
};

constexpr std::string_view kTorchSuffixes[] = {".pt", ".pth", ".bin", ".ckpt", ".th", ".pkl", ".tar"};
constexpr std::string_view kSafetensorsSuffixes[] = {".safetensors"};

constexpr WritableFormat kWritable[] = {
    {"pytorch-zip", kTorchSuffixes, pytorch::plan_torch_zip},
    {"pytorch-legacy", {}, pytorch::plan_legacy_stream},
    {"safetensors", kSafetensorsSuffixes, safetensors::plan_safetensors},
};

Sniff sniff(const OpenContext& context) {
  Sniff result;
  result.source = context.source;
  std::size_t size = Sniff::kHead;
  if (!context.source->reaches(size)) size = static_cast<std::size_t>(context.source->size());
  result.head.resize(size);
  context.source->read_at(0, std::as_writable_bytes(std::span(result.head)));
  return result;
}

}  // namespace

std::span<const ReadableFormat> readable_formats() noexcept { return kReadable; }
std::span<const WritableFormat> writable_formats() noexcept { return kWritable; }

Opened open(const OpenContext& given) {
  OpenContext context = given;
  context.open_nested = &open;
  ErrorPlace place;
  place.file = context.source->name();
  return with_place(place, [&] {
    Sniff head = sniff(context);
    if (head.head.empty()) fail(ErrorCode::truncated, "the file is empty", at_offset(0), "fetch it again");
    if (head.head.starts_with("PK\3\4") || head.head.starts_with("PK\5\6"))
      context.zip = head.zip = archive::ZipArchive::open(context.source, context.limits, *context.budget);
    for (const ReadableFormat& format : kReadable) {
      if (!format.recognise(head)) continue;
      Opened opened = format.open(context);
      opened.facts.name = context.source->name();
      opened.facts.format = std::string(format.name);
      opened.facts.bytes = context.source->size();
      return opened;
    }
    fail(ErrorCode::unsupported, "this is no file format that Sconce knows", at_offset(0),
         "PyTorch, safetensors and NumPy files are read, whatever their names");
  });
}

}  // namespace sconce::formats
