#include "formats/torch_common/effects.h"

#include <algorithm>
#include <array>
#include <string>

#include "formats/torch_common/known_names.h"
#include "pickle/python_names.h"

namespace sconce::formats::torch_common {

namespace {

// Modules of which every name counts, with all that is inside them. Processes, interpreters, files, sockets, importers,
// loaders of further code.
constexpr std::string_view kModules[] = {
    "_aix_support",
    "_io",
    "_osx_support",
    "_operator",
    "_pickle",
    "_posixsubprocess",
    "_pyrepl",
    "_socket",
    "_winapi",
    "_xxsubinterpreters",
    "_interpreters",
    "aiohttp",
    "asyncio",
    "bdb",
    "cloudpickle",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "compileall",
    "ctypes",
    "dill",
    "distutils",
    "doctest",
    "ensurepip",
    "fcntl",
    "fileinput",
    "ftplib",
    "gc",
    "glob",
    "http",
    "httplib",
    "idlelib",
    "imaplib",
    "imp",
    "importlib",
    "io",
    "joblib",
    "lib2to3",
    "linecache",
    "logging.config",
    "marshal",
    "mlflow",
    "mmap",
    "modulefinder",
    "multiprocessing",
    "nntplib",
    "nt",
    "ntpath",
    "operator",
    "os",
    "pandas.io",
    "pdb",
    "pickle",
    "pip",
    "pkg_resources",
    "pkgutil",
    "platform",
    "popen2",
    "poplib",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "py_compile",
    "pydoc",
    "requests",
    "rlcompleter",
    "runpy",
    "setuptools",
    "shelve",
    "shutil",
    "signal",
    "site",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "symtable",
    "sys",
    "telnetlib",
    "tempfile",
    "test",
    "thread",
    "timeit",
    "tkinter",
    "trace",
    "urllib",
    "urllib2",
    "uuid",
    "venv",
    "webbrowser",
    "wsgiref",
    "xmlrpc",
    "zipfile",
    "zipimport",
    "numpy.f2py",
    "numpy.testing",
    "numpy.distutils",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed.rpc",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.multiprocessing",
    "torch.package",
    "torch.utils._config_module",
    "torch.utils.bottleneck",
    "torch.utils.collect_env",
    "torch.utils.cpp_extension",
    "torch.utils.data.datapipes",
};

struct Name {
  std::string_view module;
  std::string_view name;
};

// Single names of modules that are otherwise harmless.
constexpr Name kNames[] = {
    {"builtins", "__import__"},
    {"builtins", "apply"},
    {"builtins", "breakpoint"},
    {"builtins", "compile"},
    {"builtins", "delattr"},
    {"builtins", "eval"},
    {"builtins", "exec"},
    {"builtins", "execfile"},
    {"builtins", "file"},
    {"builtins", "filter"},
    {"builtins", "globals"},
    {"builtins", "input"},
    {"builtins", "locals"},
    {"builtins", "map"},
    {"builtins", "open"},
    {"builtins", "raw_input"},
    {"builtins", "reload"},
    {"builtins", "setattr"},
    {"builtins", "vars"},
    {"copyreg", "add_extension"},
    {"functools", "reduce"},
    {"numpy", "fromfile"},
    {"numpy", "load"},
    {"numpy", "loadtxt"},
    {"numpy", "memmap"},
    {"numpy", "save"},
    {"torch", "load"},
    {"torch", "save"},
    {"torch.serialization", "load"},
    {"torch.serialization", "save"},
    {"types", "CodeType"},
    {"types", "FunctionType"},
    {"types", "LambdaType"},
};

// What real checkpoints hold of the modules above. An empty name: all of the module.
constexpr Name kHarmless[] = {
    {"_io", "BytesIO"},
    {"_io", "StringIO"},
    {"io", "BytesIO"},
    {"io", "StringIO"},
    {"operator", "itemgetter"},
    {"signal", "Signals"},
    {"torch._dynamo.decorators", "_DimRange"},
    {"torch.jit._pickle", ""},
    {"uuid", "SafeUUID"},
    {"uuid", "UUID"},
};

bool is_inside(std::string_view dotted, std::string_view package) noexcept {
  return dotted.starts_with(package) && (dotted.size() == package.size() || dotted[package.size()] == '.');
}

/// A dotted name reaches through attributes. A class inside a class, or a method of a class, is no more than that;
/// whatever begins in lower case or with an underscore on the way is a module that is an attribute of another.
bool reaches_through_modules(std::string_view name) noexcept {
  const std::size_t last = name.rfind('.');
  if (last == std::string_view::npos) return false;
  for (std::size_t begin = 0; begin < last; begin = name.find('.', begin) + 1)
    if (name[begin] < 'A' || name[begin] > 'Z') return true;
  return false;
}

bool has_effect_as_named(std::string_view module, std::string_view name) noexcept {
  if (std::ranges::any_of(
          kHarmless, [&](const Name& row) { return row.module == module && (row.name.empty() || row.name == name); }))
    return false;
  if (std::ranges::any_of(kModules, [&](std::string_view package) { return is_inside(module, package); })) return true;
  if (reaches_through_modules(name)) return true;
  return std::ranges::any_of(kNames, [&](const Name& row) { return row.module == module && row.name == name; });
}

bool is_getattr(const tree::Document& document, tree::NodeId node) {
  if (node == tree::kNoNode || document.kind(node) != Kind::global) return false;
  const tree::GlobalRecord& record = document.global_record(node);
  return known_name(record.python3_module, record.python3_name) == Known::py_getattr;
}

/// The class or module that getattr is asked for; kNoNode where it is an object of the file, whose class is told
/// anyway.
tree::NodeId asked_global(const tree::Document& document, tree::NodeId args) {
  const auto elements = document.elements(args);
  if (elements.empty() || document.kind(elements[0]) != Kind::global) return tree::kNoNode;
  const tree::GlobalRecord& record = document.global_record(elements[0]);
  const bool torch = known_name(record.python3_module, record.python3_name) == Known::torch_module;
  return torch ? tree::kNoNode : elements[0];
}

}  // namespace

bool reaches_effect(const tree::Document& document, tree::NodeId callable, tree::NodeId args) {
  if (callable == tree::kNoNode) return false;
  if (document.kind(callable) == Kind::object) {
    const tree::ObjectRecord& record = document.object_record(callable);
    return is_getattr(document, record.callable) && record.args != tree::kNoNode &&
           asked_global(document, record.args) != tree::kNoNode;
  }
  if (!is_getattr(document, callable)) return false;
  if (args == tree::kNoNode || document.elements(args).empty()) return true;
  const tree::NodeId asked = asked_global(document, args);
  if (asked == tree::kNoNode) return false;
  const auto elements = document.elements(args);
  if (elements.size() < 2 || document.kind(elements[1]) != Kind::str) return true;
  constexpr std::size_t kLongestName = 4096;  // no attribute, and looked at as often as the file likes
  if (document.text(elements[1]).size() > kLongestName) return true;
  const tree::GlobalRecord& record = document.global_record(asked);
  std::string dotted(record.python3_name);
  (dotted += '.') += document.text(elements[1]);
  return document.text(elements[1]).starts_with("__") || has_effect(record.python3_module, dotted);
}

bool has_effect(std::string_view module, std::string_view name) noexcept {
  // Whatever the stream says of its protocol, some Python 2 may read it.
  const pickle::PythonName translated = pickle::python3_name(module, name, 2);
  return has_effect_as_named(module, name) || has_effect_as_named(translated.module, translated.name);
}

}  // namespace sconce::formats::torch_common
