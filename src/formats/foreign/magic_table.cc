#include "formats/foreign/magic_table.h"

#include <array>

#include "archive/tar_reader.h"
#include "base/text.h"

namespace sconce::formats::foreign {

namespace {

struct Magic {
  std::size_t at;
  std::string_view bytes;
  std::string_view what;
  std::string_view advice;
  std::string_view format = {};  ///< Finding::format
};

/// A literal with its zero bytes.
template <std::size_t size>
constexpr std::string_view raw(const char (&text)[size]) {
  return {text, size - 1};
}

constexpr std::string_view kUnpack = "unpack it, and give Sconce the file that is inside";
constexpr std::string_view kNoModel = "give Sconce the model file itself";
constexpr std::string_view kSource = "convert the model that it was made from";
constexpr std::string_view kGgml =
    "convert it to GGUF with llama.cpp's scripts, or use the model that it was made from";
constexpr std::string_view kJoblib = "if you trust it, in Python: numpy.savez the arrays of joblib.load(path)";
constexpr std::string_view kHdf5 =
    "in Python: read it with h5py, and save its arrays with numpy.savez or safetensors.numpy.save_file";

// Longer marks before shorter ones that begin alike.
constexpr auto kMagics = std::to_array<Magic>({
    // Models of others.
    {0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, h5py)", kHdf5},
    {0, "lmgg", "a GGML file, the format before GGUF", kGgml},
    {0, "fmgg", "a GGML file (ggmf), the format before GGUF", kGgml},
    {0, "tjgg", "a GGML file (ggjt), the format before GGUF", kGgml},
    {0, "algg", "a GGML adapter (ggla), the format before GGUF", kGgml},
    {4, "PTMF", "a PyTorch mobile model (flatbuffer)",
     "in Python: torch.jit.jit_module_from_flatbuffer(path).state_dict(), or use the model that it was made from",
     "torchscript-flatbuffer"},
    {4, "TFL3", "a TensorFlow Lite model", kSource},
    {4, "ET1", "an ExecuTorch program", kSource},
    {0, "PYTORCH1", "a PyTorch file from before 1.0, which no PyTorch reads any more", kSource},
    {0, raw("\0asm"), "a WebAssembly module", kNoModel},
    {0, "PAR1", "a Parquet table", "in Python: read it with pyarrow, and save its columns as arrays"},
    {0, "ARROW1", "an Arrow table", "in Python: read it with pyarrow, and save its columns as arrays"},
    {0, "MATLAB 5.0 MAT-file", "a MATLAB file", "in Python: scipy.io.loadmat(path), and numpy.savez the arrays in it"},
    {0, raw("SQLite format 3\0"), "an SQLite database", kNoModel},
    // Compression and archives.
    {0, "\x1f\x8b", "a gzip file", "gunzip it (or tar -xzf, for a .tar.gz), and give Sconce what comes out"},
    {0, "BZh", "a bzip2 file", "bunzip2 it (or tar -xjf), and give Sconce what comes out"},
    {0,
     raw("\xFD"
         "7zXZ\0"),
     "an xz file", "unxz it (or tar -xJf), and give Sconce what comes out"},
    {0, raw("\x5D\0\0"), "an LZMA file", "unlzma it, and give Sconce what comes out"},
    {0, "\x28\xB5\x2F\xFD", "a Zstandard file", "unzstd it, and give Sconce what comes out"},
    {0, "\x04\x22\x4D\x18", "an LZ4 file", "unlz4 it, and give Sconce what comes out"},
    {0, "\x1f\x9d", "a compress file (.Z)", "uncompress it, and give Sconce what comes out"},
    {0, "ZF0x", "a compressed joblib file", kJoblib},
    {0, "\x78\x9C", "zlib data, such as a compressed joblib file", kJoblib},
    {0, "\x78\x5E", "zlib data, such as a compressed joblib file", kJoblib},
    {0, "\x78\x01", "zlib data", "decompress it, and give Sconce what comes out"},
    {0, "\x78\xDA", "zlib data", "decompress it, and give Sconce what comes out"},
    {0, raw("7z\xBC\xAF\x27\x1C"), "a 7z archive", kUnpack},
    {0, "Rar!\x1A\x07", "a RAR archive", kUnpack},
    {0, "MSCF", "a Windows cabinet", kUnpack},
    {0, "!<arch>\n", "an ar archive (a static library, a Debian package)", kNoModel},
    // What a download gives in place of a model.
    {0, "%PDF-", "a PDF document", kNoModel},
    {0, "\x89PNG\r\n\x1a\n", "a PNG picture", kNoModel},
    {0, "\xFF\xD8\xFF", "a JPEG picture", kNoModel},
    {0, "GIF87a", "a GIF picture", kNoModel},
    {0, "GIF89a", "a GIF picture", kNoModel},
    {8, "WEBP", "a WebP picture", kNoModel},
    {8, "WAVE", "a WAV recording", kNoModel},
    {0, "OggS", "an Ogg recording", kNoModel},
    {0, "ID3", "an MP3 recording", kNoModel},
    {4, "ftyp", "an MP4 film", kNoModel},
    // Programs.
    {0,
     "\x7F"
     "ELF",
     "a Linux program or library (ELF)", kNoModel},
    {0, "\xCF\xFA\xED\xFE", "a macOS program or library", kNoModel},
    {0, "\xCA\xFE\xBA\xBE", "a Java class or a macOS program", kNoModel},
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an Office document of before 2007", kNoModel},
});

/// A Windows program says at byte 60 where its own mark is.
bool is_windows_program(std::string_view head) {
  if (!head.starts_with("MZ") || head.size() < 64) return false;
  const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(head[at])}; };
  const std::size_t at = byte(60) | byte(61) << 8;
  return at + 4 > head.size() || head.substr(at, 4) == raw("PE\0\0");
}

Finding tar_finding(std::string_view head) {
  const std::string_view name = head.substr(0, head.substr(0, 100).find('\0'));
  return not_read("a tar archive that PyTorch did not write; its first member is " + escaped(name),
                  "unpack it (tar -xf), and give Sconce the model file that is inside");
}

}  // namespace

std::optional<Finding> magic_finding(std::string_view head) {
  for (const Magic& magic : kMagics)
    if (head.size() > magic.at && head.substr(magic.at).starts_with(magic.bytes))
      return not_read(magic.what, magic.advice, magic.format);
  if (is_windows_program(head)) return not_read("a Windows program or library", kNoModel);
  if (head.size() >= 512 && archive::is_tar_header(head.substr(0, 512))) return tar_finding(head);
  return std::nullopt;
}

}  // namespace sconce::formats::foreign
