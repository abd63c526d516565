#include "model/compatibility/facts.h"

#include "pickle/opcodes.h"

namespace sconce::model::compatibility {

namespace {

constexpr TorchVersion v(int major, int minor) { return {major, minor}; }
constexpr Releases since(int major, int minor) { return {v(major, minor), {}}; }
constexpr Releases until(int major, int minor) { return {{}, v(major, minor)}; }
constexpr Releases between(TorchVersion from, TorchVersion last) { return {from, last}; }
constexpr Releases kAll = {};

constexpr bool kStops = true;
constexpr bool kCaveat = false;

constexpr std::string_view kRun = "run: 1.7, 1.13, 2.6, 2.13, 2.14";
constexpr std::string_view kLoad = "torch/serialization.py, load()";
constexpr std::string_view kLegacyLoad = "torch/serialization.py, _legacy_load()";
constexpr std::string_view kZipLoad = "torch/serialization.py, _load()";
constexpr std::string_view kContainer = "caffe2/serialize/inline_container.cc";
constexpr std::string_view kUnpickler = "torch/csrc/jit/serialization/unpickler.cpp";
constexpr std::string_view kNoModelOfTorch = "torch.load takes it for a pickle";
constexpr std::string_view kNoPickle = "UnpicklingError";

constexpr Fact kFacts[] = {
    // Modes that came later.
    {"weights-only-came", Trait::any, until(1, 12), kWeightsOnly, kStops,
     "TypeError: 'weights_only' is an invalid keyword argument for Unpickler()", "weights_only came with 1.13",
     "#86812"},
    {"mmap-came", Trait::any, until(2, 0), kMapped, kStops,
     "TypeError: 'mmap' is an invalid keyword argument for Unpickler()", "mmap=True came with 2.1", "#102549"},
    {"pickle-load-came", Trait::zip, until(1, 3), kCpp, kStops, "", "torch::pickle_load came with 1.4", "#30108"},

    // Containers.
    {"zip-came", Trait::zip, until(1, 3), kPlainly, kStops,
     "RuntimeError: … is a zip archive (did you mean to use torch.jit.load()?)",
     "zip archives of torch.save are read since 1.4", "#29232"},
    {"file-version-1", Trait::file_version_2, until(1, 3), kCpp, kStops,
     "Attempted to read a PyTorch file with version …, but the maximum supported version for reading is 1.",
     "{}; 1.0 to 1.3 read version 1", kContainer},
    {"file-version-2", Trait::file_version_3, between(v(1, 4), v(1, 4)), kPython | kCpp, kStops,
     "RuntimeError: version_ <= kMaxSupportedFileFormatVersion INTERNAL ASSERT FAILED. Attempted to read a PyTorch "
     "file "
     "with version 3, but the maximum supported version for reading is 2.",
     "{}; 1.4 reads up to version 2", kContainer},
    {"file-version-3", Trait::file_version_4, between(v(1, 5), v(1, 5)), kPython | kCpp, kStops,
     "Attempted to read a PyTorch file with version …, but the maximum supported version for reading is 3.",
     "{}; 1.5 reads up to version 3", kContainer},
    {"file-version-5", Trait::file_version_6, between(v(1, 6), v(1, 7)), kPython | kCpp, kStops,
     "Attempted to read a PyTorch file with version …, but the maximum supported version for reading is 5.",
     "{}; 1.6 and 1.7 read up to version 5", kContainer},
    {"file-version-6", Trait::file_version_7, between(v(1, 8), v(1, 11)), kPython | kCpp, kStops,
     "Attempted to read a PyTorch file with version …, but the maximum supported version for reading is 6.",
     "{}; 1.8 to 1.11 read up to version 6", kContainer},
    {"data-version", Trait::data_version, until(1, 7), kPython | kCpp, kStops,
     "PytorchStreamReader failed locating file version: file not found",
     "the version stands in .data/version, which is looked for since 1.8", "#51826"},
    {"big-endian-old", Trait::big_endian, between(v(1, 4), v(2, 0)), kPython | kCpp, kCaveat, "",
     "its numbers are big-endian; before 2.1 they are taken as they are, and are wrong on other machines", "#94503"},
    {"big-endian-cpp", Trait::big_endian, since(2, 1), kCpp, kCaveat, "",
     "its numbers are big-endian; C++ takes them as they are", kUnpickler},
    {"big-endian-untyped", Trait::big_endian_untyped, since(2, 1), kPython, kCaveat, "",
     "big-endian numbers of dtypes that travel as untyped storages are not swapped", kRun},
    {"deflated-mapped", Trait::deflated_storage, since(2, 1), kMapped, kCaveat, "",
     "record {} is compressed; mapped, its compressed bytes are taken for the numbers, without an error", kRun},

    {"deflated-past-end", Trait::deflated_past_end, since(2, 1), kMapped, kStops,
     "RuntimeError: Trying to resize storage that is not resizable",
     "record {} is compressed, which mmap=True does not notice; it would reach behind the end of the file", kRun},
    {"legacy-mapped", Trait::not_zip, since(2, 1), kMapped, kStops,
     "RuntimeError: mmap can only be used with files saved with `torch.save(…, _use_new_zipfile_serialization=True)",
     "only zip archives can be mapped", kLoad},
    {"legacy-cpp", Trait::legacy, kAll, kCpp, kStops,
     "PytorchStreamReader failed reading zip archive: failed finding central directory",
     "C++ reads zip archives only, not the stream that torch.save wrote before 1.6", kRun},
    {"several-objects", Trait::several_objects, kAll, kPython, kCaveat, "",
     "the file holds several objects; torch.load of a path returns the first", kLegacyLoad},
    {"legacy-untyped", Trait::legacy_untyped, kAll, kPython, kStops,
     "AttributeError: type object 'torch.storage.UntypedStorage' has no attribute 'dtype'",
     "an untyped storage in the stream of before 1.6, which no PyTorch reads again", kRun},
    {"class-source", Trait::class_source, since(1, 13), kWeightsOnly, kStops,
     "Only persistent_load of storage is allowed, but got module",
     "class {} stands there with its source text, which weights_only refuses", kRun},

    {"tar-weights-only", Trait::tar, since(2, 6), kWeightsOnly, kStops,
     "RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format.",
     "weights_only refuses the tar archives of PyTorch 0.1", "#145020"},
    {"tar-unsafe", Trait::tar, between(v(1, 13), v(2, 5)), kWeightsOnly, kCaveat, "",
     "before 2.6, weights_only does not make tar archives safe (CVE-2025-32434)", "CVE-2025-32434"},
    {"tar-cpp", Trait::tar, kAll, kCpp, kStops,
     "PytorchStreamReader failed reading zip archive: failed finding central directory", "C++ reads zip archives only",
     kContainer},

    {"bare-pickle", Trait::bare_pickle, kAll, kPlainly, kStops, "RuntimeError: Invalid magic number; corrupt file?",
     "a bare pickle, which pickle.load reads, not torch.load", kRun},
    {"bare-pickle-weights-only", Trait::bare_pickle, since(1, 13), kWeightsOnly, kStops,
     "RuntimeError: Invalid magic number; corrupt file?", "a bare pickle, which torch.load does not read", kRun},
    {"bare-pickle-cpp", Trait::bare_pickle, kAll, kCpp, kStops,
     "PytorchStreamReader failed reading zip archive: failed finding central directory", "C++ reads zip archives only",
     kContainer},

    {"safetensors-old", Trait::safetensors, until(2, 12), only(TorchMode::plain), kStops,
     "UnpicklingError: invalid load key",
     "safetensors; torch.load takes it for a pickle. safetensors.torch.load_file reads it", kRun},
    {"safetensors-old-weights-only", Trait::safetensors, between(v(1, 13), v(2, 12)), kWeightsOnly, kStops,
     "UnpicklingError: Weights only load failed. Unsupported operand",
     "safetensors; torch.load takes it for a pickle. safetensors.torch.load_file reads it", kRun},
    {"safetensors-old-mapped", Trait::safetensors, between(v(2, 1), v(2, 12)), kMapped, kStops,
     "RuntimeError: mmap can only be used with files saved with `torch.save(…, _use_new_zipfile_serialization=True)",
     "safetensors; torch.load maps zip archives only. safetensors.torch.load_file maps it", kRun},
    {"safetensors-renamed", Trait::safetensors_renamed, since(2, 13), kPython, kStops,
     "UnpicklingError: invalid load key", "safetensors is only recognised by a name that ends in .safetensors", kLoad},
    {"safetensors-package", Trait::safetensors, since(2, 13), kPython, kCaveat, "",
     "by the safetensors package, which must be installed", "#170592"},
    {"safetensors-cpp", Trait::safetensors, kAll, kCpp, kStops,
     "PytorchStreamReader failed reading zip archive: failed finding central directory",
     "C++ has no reader for safetensors", kContainer},

    {"npy", Trait::npy, kAll, kPython, kStops, kNoPickle,
     "a NumPy array, which numpy.load reads; torch.load takes it for a pickle", kRun},
    {"npy-cpp", Trait::npy, kAll, kCpp, kStops,
     "PytorchStreamReader failed reading zip archive: failed finding central directory", "C++ reads zip archives only",
     kContainer},
    {"npz", Trait::npz, kAll, kPython | kCpp, kStops,
     "RuntimeError: [enforce fail at inline_container.cc] . file in archive is not in a subdirectory",
     "NumPy arrays in a zip archive, which numpy.load reads", kRun},

    // Formats that are programs, or other people's.
    {"torchscript-old-load", Trait::torchscript, until(1, 4), kPlainly, kStops,
     "RuntimeError: … is a zip archive (did you mean to use torch.jit.load()?)",
     "torch.load hands TorchScript on to torch.jit.load since 1.5; torch.jit.load itself reads it", kLoad},
    {"torchscript-jit", Trait::torchscript, since(1, 5), kPlainly, kCaveat, "",
     "TorchScript: torch.load warns, and hands it on to torch.jit.load, which gives a program, not a dict", kRun},
    {"torchscript-unsafe", Trait::torchscript, between(v(1, 13), v(2, 5)), kWeightsOnly, kCaveat, "",
     "TorchScript: before 2.6, weights_only is ignored for it", "#143326"},
    {"torchscript-weights-only", Trait::torchscript, since(2, 6), kWeightsOnly, kStops,
     "RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``.",
     "weights_only refuses TorchScript", kRun},
    {"torchscript-cpp", Trait::torchscript, kAll, kCpp, kCaveat, "",
     "by torch::jit::load; torch::pickle_load is for files of torch.save", kRun},
    {"torchscript-mobile", Trait::torchscript_mobile, since(1, 5), kPlainly, kCaveat, "",
     "TorchScript for mobile devices: torch.load hands it on to torch.jit.load, if its code is there", kLoad},
    {"torchscript-mobile-old", Trait::torchscript_mobile, until(1, 4), kPlainly, kStops, "",
     "torch.load hands TorchScript on to torch.jit.load since 1.5", kLoad},
    {"torchscript-mobile-weights-only", Trait::torchscript_mobile, since(2, 6), kWeightsOnly, kStops,
     "RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``.",
     "weights_only refuses TorchScript", kRun},
    {"torchscript-mobile-unsafe", Trait::torchscript_mobile, between(v(1, 13), v(2, 5)), kWeightsOnly, kCaveat, "",
     "TorchScript: before 2.6, weights_only is ignored for it", "#143326"},
    {"torchscript-mobile-cpp", Trait::torchscript_mobile, kAll, kCpp, kCaveat, "",
     "by torch::jit::_load_for_mobile, or torch::jit::load", kUnpickler},
    {"torchscript-json", Trait::torchscript_json, kAll, kPython, kStops,
     "RuntimeError: PytorchStreamReader failed locating file data.pkl: file not found",
     "TorchScript of 1.0 to 1.2: only torch.jit.load reads it, up to 2.0", kRun},
    {"torchscript-json-cpp", Trait::torchscript_json, since(2, 1), kCpp, kStops, "Legacy model format is not supported",
     "TorchScript of 1.0 to 1.2, which torch::jit::load reads up to 2.0", kUnpickler},
    {"torchscript-json-cpp-old", Trait::torchscript_json, until(2, 0), kCpp, kCaveat, "", "by torch::jit::load",
     kUnpickler},
    {"flatbuffer", Trait::mobile_flatbuffer, kAll, kPython, kStops, kNoPickle,
     "a flatbuffer for mobile devices; torch.jit.load reads it from 1.13 on", kNoModelOfTorch},
    {"flatbuffer-cpp-old", Trait::mobile_flatbuffer, until(1, 11), kCpp, kStops, "",
     "flatbuffers for mobile devices came with 1.12", kUnpickler},
    {"flatbuffer-cpp", Trait::mobile_flatbuffer, since(1, 12), kCpp, kCaveat, "",
     "by torch::jit::load, where it was built with flatbuffers", kUnpickler},
    {"torch-package", Trait::torch_package, kAll, kPython | kCpp, kStops,
     "RuntimeError: PytorchStreamReader failed locating file data.pkl: file not found",
     "torch.package: torch.package.PackageImporter reads it (1.8 and later)", kZipLoad},
    {"exported-program", Trait::exported_program, kAll, kPython | kCpp, kStops,
     "RuntimeError: PytorchStreamReader failed locating file data.pkl: file not found",
     "an exported program: torch.export.load reads it (2.1 and later)", kZipLoad},
    {"distributed", Trait::distributed, kAll, kPython | kCpp, kStops, "IsADirectoryError",
     "a distributed checkpoint: torch.distributed.checkpoint reads the folder (1.12 and later)", kLoad},
    {"onnx", Trait::onnx, kAll, kPython | kCpp, kStops, kNoPickle, "ONNX, which PyTorch writes and does not read",
     kNoModelOfTorch},
    {"gguf", Trait::gguf, kAll, kPython | kCpp, kStops, kNoPickle, "GGUF, which llama.cpp reads", kNoModelOfTorch},

    // Pickles.
    {"protocol-5-python", Trait::protocol_5, until(1, 3), kPlainly, kStops,
     "ValueError: unsupported pickle protocol: 5", "{} needs Python 3.8, which this PyTorch does not support",
     "PEP 574"},
    {"protocol-5-caveat", Trait::protocol_5, between(v(1, 4), v(1, 13)), kPlainly, kCaveat, "",
     "{} needs Python 3.8 or newer", "PEP 574"},
    {"protocol-3-weights-only", Trait::protocol_3, since(2, 6), kWeightsOnly, kCaveat, "",
     "{}: weights_only warns that it is made for protocol 2", kRun},
    {"protocol-cpp", Trait::protocol_not_2, since(1, 4), kCpp, kStops,
     "Only Pickle protocol 2 is supported, found protocol = …", "{}; C++ reads protocol 2 only", kRun},
    {"tensor-metadata", Trait::tensor_metadata, until(1, 13), kPython, kStops,
     "TypeError: _rebuild_tensor_v2() takes 6 positional arguments but 7 were given", "{}, which is read since 2.0",
     "#88182"},
    {"coalesced-flag", Trait::coalesced_flag, between(v(1, 4), v(2, 0)), kPython, kStops,
     "ValueError: too many values to unpack (expected 3)",
     "a sparse tensor with its is_coalesced, which is read since 2.1", "#102647"},
    {"layout-jagged", Trait::layout_jagged, until(2, 0), kPython, kStops, "KeyError: '{}'", "layout {} came with 2.1",
     kRun},
    {"layout-csr", Trait::layout_csr, until(1, 7), kPython, kStops, "KeyError: '{}'", "layout {} came with 1.8", kRun},
    {"layout-blocks", Trait::layout_blocks, until(1, 11), kPython, kStops, "KeyError: '{}'", "layout {} came with 1.12",
     kRun},
    {"sparse-compressed", Trait::sparse_compressed, between(v(1, 4), v(1, 13)), kPython, kStops,
     "NotImplementedError: rebuilding sparse tensor for layout {}", "layout {} is read in this form since 2.0",
     "#89553"},
    {"subclass-no-state", Trait::subclass_no_state, between(v(1, 10), v(1, 13)), kPlainly, kStops,
     "AttributeError: 'NoneType' object has no attribute 'items'",
     "tensor subclass {} was saved by Python 3.11 or newer without attributes, which is read since 2.0", kRun},
    {"slots-state", Trait::slots_state, until(2, 6), kPlainly, kStops, "UnpicklingError: state is not a dictionary",
     "{} was saved as a class with slots, which it became after 2.6", kRun},
    {"new-allowed-object", Trait::new_allowed_object, between(v(1, 13), v(2, 4)), kWeightsOnly, kStops,
     "Trying to instantiate unsupported class {}", "{} is made by NEWOBJ, which weights_only allows for Parameter only",
     "#129251"},
    {"build-other", Trait::build_other, since(1, 13), kWeightsOnly, kStops,
     "Can only build Tensor, Parameter, OrderedDict", "{} gets a state, which it has none in Python", kRun},
    {"build-allowed", Trait::build_allowed, between(v(1, 13), v(2, 4)), kWeightsOnly, kStops,
     "Can only build Tensor, Parameter, OrderedDict",
     "{} gets a state, which weights_only gave to tensors, parameters and OrderedDict only", "#129251"},
    {"generator-in-stream", Trait::legacy_generator, since(2, 6), kPlainly, kStops,
     "SystemError: <built-in method __setstate__ of torch._C.Generator object> returned a result with an exception set",
     "a torch.Generator in the stream of before 1.6, whose state is not read yet when it is needed", kRun},
    {"set-item-other", Trait::set_item_other, since(2, 10), kWeightsOnly, kStops, "Can only SETITEMS for dict",
     "{} gets items, which weights_only gives to dict, OrderedDict and Counter only", kRun},
    {"append-other", Trait::append_other, since(1, 13), kWeightsOnly, kStops, "Can only append to lists",
     "{} is appended to, which weights_only does for lists only", kRun},
    {"text-not-ascii", Trait::text_not_ascii, until(1, 3), kPlainly, kStops,
     "UnicodeDecodeError: 'ascii' codec can't decode byte", "{} that is not ASCII: give torch.load encoding='latin1'",
     "#26421"},
    {"text-not-utf8", Trait::text_not_utf8, since(1, 4), kPython, kStops,
     "UnicodeDecodeError: 'utf-8' codec can't decode byte", "{} that is not UTF-8: give torch.load encoding='latin1'",
     "#26421"},
    {"location", Trait::gpu_location, kAll, kPython, kCaveat, "",
     "on a machine without {}, torch.load needs map_location", kLoad},
    {"foreign-location", Trait::foreign_location, kAll, kPython, kCaveat, "",
     "it was saved on {}, which a PyTorch without that extension only loads with map_location", kLoad},
    {"location-cpp", Trait::gpu_location, since(1, 4), kCpp, kStops,
     "Could not run 'aten::empty_strided' with arguments from the 'CUDA' backend.",
     "it was saved on {}, and torch::pickle_load has no map_location: only a machine with that device opens it", kRun},
    {"foreign-location-cpp", Trait::foreign_location, since(1, 4), kCpp, kStops,
     "supported devices include CPU, CUDA and HPU, however got …",
     "it was saved on {}, and torch::pickle_load has no map_location", kUnpickler},
    {"meta-location", Trait::meta_location, kAll, kPython, kCaveat, "",
     "its storages are on the device meta, where they have no bytes", kRun},
    {"cuda-storage-class", Trait::cuda_storage_class, until(1, 10), kPlainly, kStops,
     "AssertionError: Torch not compiled with CUDA enabled",
     "{} is only there where PyTorch was built with CUDA and has a GPU; from 1.11 on it does not matter", kRun},
    {"cuda-tensor-class", Trait::cuda_tensor_class, kAll, kPython, kStops,
     "TypeError: type {} not available. Torch not compiled with CUDA enabled.",
     "{} is only there where PyTorch was built with CUDA and has a GPU", kRun},
    {"numpy-2", Trait::numpy_2_names, kAll, kPlainly, kCaveat, "",
     "{} needs NumPy 1.26 or newer: the file was written with NumPy 2", kRun},
    {"numpy-random", Trait::numpy_random, kAll, kPlainly, kCaveat, "",
     "{} needs a NumPy that is not older than the one that saved it", kRun},
    {"python-3-13", Trait::python_3_13_names, kAll, kPlainly, kCaveat, "", "{} exists in Python 3.13 only", kRun},

    // What C++ makes of pickles.
    {"long-integer", Trait::long_integer, since(1, 4), kCpp, kStops, "Expected length to be 8, got …",
     "{}; C++ reads integers beyond 32 bits only where they take eight", kRun},
    {"ordered-dict", Trait::ordered_dict_items, since(1, 4), kCpp, kStops,
     "isGenericDict() INTERNAL ASSERT FAILED … Expected GenericDict but got None",
     "an OrderedDict with entries (every state_dict() is one), which C++ reads as None", kRun},
    {"odd-dict-key", Trait::odd_dict_key, since(1, 4), kCpp, kStops, "Can't hash IValues with tag",
     "{}, which no dict of C++ can have", kRun},
    {"packed-cpp", Trait::packed_storage, since(2, 13), kCpp, kStops,
     "Tensor: sizes …, strides … require a storage of at least … bytes, but storage only has …",
     "{} packs several numbers into a byte, which the checks of C++ take for a storage that is too small", kRun},
    {"shared-storage", Trait::shared_storage, since(1, 4), kCpp, kCaveat, "",
     "tensors that share memory ({}) get memory of their own", kRun},
};

using pickle::Op;
constexpr TorchVersion kNever = v(99, 0);
constexpr TorchVersion kFirst = v(1, 13);
constexpr TorchVersion kPickleLoad = v(1, 4);

constexpr OpcodeFact row(Op op, std::string_view name, TorchVersion weights_only, TorchVersion libtorch) {
  return {static_cast<std::uint8_t>(op), name, weights_only, libtorch};
}

// Sources: the dispatch of torch/_weights_only_unpickler.py, and Unpickler::readInstruction() of C++. PROTO with
// another number than 2 has a fact of its own.
constexpr OpcodeFact kOpcodes[] = {
    row(Op::pop, "POP", kNever, kNever),
    row(Op::pop_mark, "POP_MARK", kNever, kNever),
    row(Op::dup, "DUP", kNever, kNever),
    row(Op::float_text, "FLOAT", kNever, kNever),
    row(Op::int_text, "INT", kNever, kNever),
    row(Op::long_text, "LONG", kNever, kNever),
    row(Op::persid, "PERSID", kNever, kNever),
    row(Op::string_text, "STRING", kNever, kNever),
    row(Op::binstring, "BINSTRING", kNever, kNever),
    row(Op::short_binstring, "SHORT_BINSTRING", kFirst, kNever),
    row(Op::unicode_text, "UNICODE", kNever, kNever),
    row(Op::append, "APPEND", kFirst, v(2, 1)),
    row(Op::dict, "DICT", kNever, kPickleLoad),
    row(Op::get, "GET", kNever, kNever),
    row(Op::inst, "INST", kNever, kNever),
    row(Op::list, "LIST", kNever, kPickleLoad),
    row(Op::obj, "OBJ", kNever, kNever),
    row(Op::put, "PUT", kNever, kNever),
    row(Op::setitem, "SETITEM", kFirst, v(2, 1)),
    row(Op::binfloat, "BINFLOAT", v(2, 1), kPickleLoad),
    row(Op::ext1, "EXT1", kNever, kNever),
    row(Op::ext2, "EXT2", kNever, kNever),
    row(Op::ext4, "EXT4", kNever, kNever),
    row(Op::long4, "LONG4", kNever, kNever),
    row(Op::binbytes, "BINBYTES", kNever, kNever),
    row(Op::short_binbytes, "SHORT_BINBYTES", kNever, kNever),
    row(Op::short_binunicode, "SHORT_BINUNICODE", kNever, kNever),
    row(Op::binunicode8, "BINUNICODE8", kNever, kPickleLoad),
    row(Op::binbytes8, "BINBYTES8", kNever, kNever),
    row(Op::empty_set, "EMPTY_SET", kFirst, kNever),
    row(Op::additems, "ADDITEMS", kNever, kNever),
    row(Op::frozenset, "FROZENSET", kNever, kNever),
    row(Op::newobj_ex, "NEWOBJ_EX", kNever, kNever),
    row(Op::stack_global, "STACK_GLOBAL", kNever, kNever),
    row(Op::memoize, "MEMOIZE", kNever, kNever),
    row(Op::frame, "FRAME", kNever, kNever),
    row(Op::bytearray8, "BYTEARRAY8", kNever, kNever),
    row(Op::next_buffer, "NEXT_BUFFER", kNever, kNever),
    row(Op::readonly_buffer, "READONLY_BUFFER", kNever, kNever),
};

}  // namespace

std::span<const Fact> facts() noexcept { return kFacts; }

const OpcodeFact* opcode_fact(std::uint8_t code) noexcept {
  for (const OpcodeFact& fact : kOpcodes)
    if (fact.code == code) return &fact;
  return nullptr;
}

}  // namespace sconce::model::compatibility
