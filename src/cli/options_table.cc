#include "cli/options_table.h"

#include "cli/command.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kMany = 1'000'000;

constexpr std::string_view kOutput = "Output";
constexpr std::string_view kWhich = "What to show";
constexpr std::string_view kWriting = "Writing";
constexpr std::string_view kComparing = "Comparing";
constexpr std::string_view kTensors = "Tensors";
constexpr std::string_view kMoving = "Moving";
constexpr std::string_view kJudging = "Judging";
constexpr std::string_view kInto = "Loading into a model";
constexpr std::string_view kFor = "For another PyTorch";

constexpr Option kDtype = {
    .name = "dtype",
    .argument = "DTYPE",
    .category = kTensors,
    .brief = "floating-point tensors become this dtype",
    .detail =
        "float32, float16, bfloat16, float8_e4m3fn … Rounded as PyTorch rounds. Tensors without dimensions "
        "(an optimizer's step) are numbers and stay. Numbers that do not fit are counted and reported.",
};
constexpr Option kCast = {
    .name = "cast",
    .argument = "PATTERN=DTYPE",
    .category = kTensors,
    .brief = "tensors whose name matches become this dtype",
    .detail =
        "A shell pattern; 'PATTERN:FROM=DTYPE' is for tensors of dtype FROM only. May be given several times; the "
        "first that matches counts, and all come before --dtype. Without a value, together with --for: dtypes that this "
        "PyTorch lacks become the nearest that holds their numbers.",
    .repeats = true,
    .only_with = '=',
};
constexpr Option kMemoryFormat = {
    .name = "memory-format",
    .argument = "FORMAT",
    .category = kTensors,
    .brief = "contiguous or channels_last",
    .detail = "channels_last is for tensors of four dimensions. Tensors that share memory stay as they are.",
    .choices = "contiguous channels_last",
    .completes = Completes::choice,
};

constexpr Option kCommon[] = {
    {.name = "json",
     .category = kOutput,
     .brief = "print JSON, for programs",
     .detail = "An error is one object then, {\"error\": {\"code\", \"message\", \"file\", \"offset\", \"record\", "
               "\"key\", \"advice\"}}, on standard output; the exit code stays."},
    {.name = "color",
     .argument = "WHEN",
     .category = kOutput,
     .brief = "colours: auto, always or never",
     .detail = "auto, the default: on a terminal, unless the environment has NO_COLOR.",
     .choices = "auto always never",
     .completes = Completes::choice},
    {.name = "quiet", .letter = 'q', .category = kOutput, .brief = "no progress, no report of success"},
    {.name = "help", .letter = 'h', .category = kOutput, .brief = "explain this command"},
};

constexpr std::string_view kFileCodes =
    "0: done. 3: the file is damaged. 4: it cannot be read. 5: it is something that is not supported. 2: the command "
    "line is wrong.";

constexpr Option kInspectOptions[] = {
    {.name = "match",
     .letter = 'm',
     .argument = "PATTERN",
     .category = kWhich,
     .brief = "only names that match a shell pattern",
     .detail = "* stands for any text, dots included, ? for one character, [abc] for one of several. May be given "
               "several times: names that match one of them are shown.",
     .repeats = true},
    {.name = "sort",
     .letter = 's',
     .argument = "KEY",
     .category = kWhich,
     .brief = "order of the tensors",
     .detail = "tree, the default: as the file has them. size: the largest first. name; dtype; shape: the most "
               "dimensions first. Only the table for people is sorted.",
     .choices = "tree name size dtype shape",
     .completes = Completes::choice},
    {.name = "depth",
     .letter = 'd',
     .argument = "N",
     .category = kWhich,
     .brief = "fold what lies deeper than N names into one line",
     .detail = "Names are cut at their dots: --depth 1 gives one line for each top-level module, with its totals."},
    {.name = "tree",
     .letter = 't',
     .category = kWhich,
     .brief = "the modules of the model, as print(model) shows them, with sizes",
     .detail = "Each module with its class, settings, and the elements and bytes of all that is inside of it; shared "
               "tensors count once. Of a state_dict, whose file knows no classes, by names, with kinds that names and "
               "shapes suggest, marked \"inferred\". Names of a file without a model are indented. With --json: the "
               "field \"structure\"."},
    {.name = "limit",
     .letter = 'n',
     .argument = "N",
     .category = kWhich,
     .brief = "at most N rows of each table",
     .detail = "Without it all tensors are shown, and the first 30 of the other values."},
    {.name = "hash",
     .category = kWhich,
     .brief = "SHA-256 of every tensor's elements",
     .detail = "Row-major, little-endian, conjugate and negative bits resolved: the same tensor has the same hash in "
               "every format. Reads all tensor data."},
};

constexpr Example kInspectExamples[] = {
    {"sconce inspect model.pt", "what is in it, for people"},
    {"sconce inspect model.pt --match 'layer*.weight' --sort size", "the largest weights of some layers"},
    {"sconce inspect model.pt --depth 1", "one line for each top-level module"},
    {"sconce inspect model.pt --json | jq '.tensors[].name'", "the names, for a program"},
    {"curl -s https://example.com/model.pt | sconce inspect -", "from standard input"},
};

constexpr Example kVerifyExamples[] = {
    {"sconce verify model.pt", "is it whole?"},
    {"sconce verify --quiet checkpoints/*.pt && echo good", "in a script: silent where all is well"},
    {"sconce verify --json *.safetensors", "one object a line for each file"},
};

constexpr Option kConvertOptions[] = {
    {.name = "to",
     .argument = "FORMAT",
     .category = kWriting,
     .brief = "format of OUT",
     .detail = "Where it is not given, the name of OUT says it: .safetensors is safetensors, any other name is "
               "pytorch-zip. Needed where OUT is -.",
     .choices = "pytorch-zip pytorch-legacy safetensors",
     .completes = Completes::choice},
    {.name = "force",
     .letter = 'f',
     .category = kWriting,
     .brief = "replace OUT where it exists",
     .detail = "The old file stays as it is until the new one is whole and on the disk."},
    {.name = "drop",
     .category = kWriting,
     .brief = "leave out what the format cannot hold, and list it",
     .detail = "Without it, such a thing stops the conversion with a list, and nothing is written."},
    {.name = "keep-device",
     .category = kWriting,
     .brief = "write device tags such as cuda:0 as they were",
     .detail = "Without it the file says cpu, so that every PyTorch opens it on every machine."},
    {.name = "align",
     .argument = "BYTES",
     .category = kWriting,
     .brief = "position of each tensor in a pytorch-zip",
     .detail = "A power of two from 64, the default, to 32768. 4096 serves direct I/O."},
    {.name = "structure",
     .category = kWriting,
     .brief = "write a description of the model's modules beside the weights",
     .detail = "JSON (docs/structure.md): a record of a .pt that PyTorch passes over, an entry of safetensors' metadata. "
               "One that IN carries is kept without this option, and checked."},
    {.name = "ignore-checksums", .category = kWriting, .brief = "go on where a checksum of IN is wrong"},
    kDtype,
    kCast,
    kMemoryFormat,
    {.name = "part",
     .argument = "KIND",
     .category = kTensors,
     .brief = "write one part only: model, optimizer, ema …",
     .detail = "model, ema, adapter, optimizer, scheduler, scaler, rng, data, progress, hyper_parameters or other, as "
               "inspect shows them. KIND=PATH names one of several by its path, such as "
               "optimizer=optimizer_states.0; without it, several become a dict by their paths."},
    {.name = "for-device",
     .argument = "DEVICE",
     .category = kTensors,
     .brief = "what runs well there: cpu",
     .detail = "cpu: float16, bfloat16 and float8 become float32, and the report says how many.",
     .choices = "cpu",
     .completes = Completes::choice},
    {.name = "for",
     .argument = "VERSION",
     .category = kFor,
     .brief = "rewrite what this PyTorch cannot open: torch==1.7",
     .detail = "The container, the forms in which tensors are rebuilt, names that moved. Values stay; what would change "
               "them needs --cast or --plain, and without it stops the conversion with a list. `sconce check` says "
               "what opens a file as it is."},
    {.name = "weights-only",
     .category = kFor,
     .brief = "so that weights_only=True opens it",
     .detail = "NumPy's arrays and scalars become tensors and numbers, defaultdict a dict, frozenset a set. Without "
               "--for: for PyTorch 2.6 and later."},
    {.name = "plain",
     .category = kFor,
     .brief = "objects of classes become dicts of their fields",
     .detail = "argparse.Namespace, dataclasses, OmegaConf, AttributeDict and their like; members of an enum and paths "
               "become their values, a whole torch.nn.Module its state_dict. What has to stay is listed. "
               "weights_only=True of PyTorch 2.6 and later then opens the file."},
    {.name = "no-sync",
     .category = kWriting,
     .brief = "do not wait until OUT is on the disk",
     .detail = "Faster. A crash of the system soon after may lose the new file; never the old one, too."},
};

constexpr Option kDevicesOptions[] = {
    {.name = "measure", .category = kMoving, .brief = "time large copies to, from and within each device"},
    {.name = "bytes", .argument = "SIZE", .category = kMoving, .brief = "of such a copy; 256MiB where not given"},
};

constexpr Example kDevicesExamples[] = {
    {"sconce devices", "what is there, and how much of it is free"},
    {"sconce devices --measure", "and how fast copies are"},
};

constexpr Option kLoadOptions[] = {
    {.name = "device",
     .letter = 'd',
     .argument = "WHERE",
     .category = kMoving,
     .brief = "where tensors go: auto, a device, a map, a budget",
     .detail =
         "auto, the default: the device that was saved, where it is here, else the CPU. cpu, cuda:0, opencl:0, meta: "
         "all there. cuda:0=cpu,cuda:1=cuda:0: by saved location. fill:cuda:0=10GiB,cuda:1,cpu: one after another, "
         "modules kept together."},
    {.name = "dry-run",
     .letter = 'n',
     .category = kMoving,
     .brief = "read no tensor: bytes, memory and expected time for each device",
     .detail = "The exit code is 1 where something would not fit."},
    {.name = "time", .letter = 't', .category = kMoving, .brief = "how long each stage took, and by which way"},
    kDtype,
    kCast,
    kMemoryFormat,
    {.name = "way",
     .argument = "WAY",
     .category = kMoving,
     .brief = "how bytes come from the file; chosen by evidence where not given",
     .detail =
         "read: by all threads, for what is in the page cache. sequential: front to back, through the page cache. "
         "direct, ring: past the page cache, with several reads under way. copy: mapped and copied.",
     .choices = "automatic view read sequential direct ring copy",
     .completes = Completes::choice},
    {.name = "threads", .argument = "N", .category = kMoving, .brief = "that read; as many as the process may use"},
    {.name = "staging",
     .argument = "SIZE",
     .category = kMoving,
     .brief = "buffers between file and device; 256MiB where not given"},
    {.name = "host-memory",
     .argument = "SIZE",
     .category = kMoving,
     .brief = "the most that may be taken of the host's"},
    {.name = "skip-checksums", .category = kMoving, .brief = "do not compare the checksums that the file records"},
};

constexpr Example kLoadExamples[] = {
    {"sconce load model.pt --device cuda:0 --time", "onto a GPU, and where the time went"},
    {"sconce load model.pt --device fill:cuda:0=20GiB,cpu --dry-run", "what would go where, and what would not fit"},
    {"sconce load model.pt --device cpu --dtype float32", "a half-precision model for the CPU"},
};

constexpr Example kConvertExamples[] = {
    {"sconce convert model.pt model.safetensors", "to safetensors"},
    {"sconce convert model.safetensors model.pt", "and back: opens in PyTorch 1.6 to today's"},
    {"sconce convert ancient.pth model.pt", "a file of 2016 or 2018 becomes one of today"},
    {"sconce convert gpu.pt cpu.pt --for-device cpu", "a half-precision GPU model for a CPU"},
    {"sconce convert m.pt s.pt --dtype bfloat16 --cast '*norm*=float32'", "smaller, norms kept"},
    {"sconce convert model.pt old.pt --for torch==1.7", "so that PyTorch 1.7 opens it"},
    {"sconce convert run.ckpt safe.pt --weights-only --plain", "so that weights_only=True opens it"},
    {"sconce convert run.ckpt - --to safetensors --drop | ssh host 'cat > m.safetensors'", "through a pipe"},
};

constexpr Option kDiffOptions[] = {
    {.name = "rtol",
     .argument = "X",
     .category = kComparing,
     .brief = "relative tolerance: |a - b| <= atol + rtol * |b|"},
    {.name = "atol",
     .argument = "X",
     .category = kComparing,
     .brief = "absolute tolerance",
     .detail = "Where neither is given, elements must be equal; NaN is equal to NaN."},
    {.name = "ignore",
     .letter = 'i',
     .argument = "PATTERN",
     .category = kComparing,
     .brief = "leave out paths that match a shell pattern",
     .detail = "May be given several times.",
     .repeats = true},
    {.name = "strict",
     .category = kComparing,
     .brief = "also compare what does not change the model",
     .detail = "Saved device, strides, storage offset, requires_grad, kinds of dicts, NaN payloads, signs of zero."},
};

constexpr Example kDiffExamples[] = {
    {"sconce diff a.pt b.safetensors", "the same model?"},
    {"sconce diff a.pt b.pt --rtol 1e-5 --atol 1e-8", "but for rounding"},
    {"sconce diff a.ckpt b.ckpt --ignore 'optimizer*' --ignore epoch", "only the rest"},
};

constexpr Option kGetOptions[] = {
    {.name = "out",
     .letter = 'o',
     .argument = "OUT",
     .category = kWriting,
     .brief = "write a tensor to a file",
     .detail = "OUT.npy is a NumPy file; any other name gets the elements alone, row-major and little-endian.",
     .completes = Completes::file},
    {.name = "format",
     .argument = "FORMAT",
     .category = kWriting,
     .brief = "npy or raw, whatever OUT is called",
     .choices = "npy raw",
     .completes = Completes::choice},
    {.name = "force", .letter = 'f', .category = kWriting, .brief = "replace OUT where it exists"},
    {.name = "step",
     .argument = "NAME",
     .category = kWhich,
     .brief = "one step of the path; give it once for each step, in place of PATH",
     .detail = "For keys with dots in them, where the joined path could mean two things.",
     .repeats = true},
    {.name = "full", .category = kWhich, .brief = "all elements of a tensor, however many"},
};

constexpr Example kGetExamples[] = {
    {"sconce get run.ckpt optimizer.param_groups.0.lr", "one number"},
    {"sconce get model.pt conv1.weight", "a tensor, as NumPy would print it"},
    {"sconce get model.pt conv1.weight --out conv1.npy", "into a file for numpy.load"},
    {"sconce get model.pt --step a.b --step weight", "where a key has a dot in it"},
};

constexpr Option kCheckOptions[] = {
    {.name = "for",
     .argument = "VERSION",
     .category = kJudging,
     .brief = "does this PyTorch open it: exit code 0 or 1",
     .detail = "As 2.6, or torch==1.13.1. Without one of the three below, torch.load(weights_only=False)."},
    {.name = "weights-only",
     .category = kJudging,
     .brief = "with weights_only=True, the default from 2.6 on",
     .detail = "With --mmap, too: both together."},
    {.name = "mmap", .category = kJudging, .brief = "with mmap=True"},
    {.name = "libtorch", .category = kJudging, .brief = "in C++: torch::pickle_load, or torch::jit::load"},
    {.name = "gpu-memory",
     .argument = "SIZE",
     .category = kJudging,
     .brief = "of one GPU, for example 24GiB: does the model fit"},
    {.name = "into",
     .argument = "LIKE",
     .category = kInto,
     .brief = "would load_state_dict load FILE into this model: exit code 0 or 1",
     .detail = "LIKE is another checkpoint; the names, shapes and dtypes of its state_dict, or of the whole module that "
               "it is, are those of the model. A dry run, without the table of versions: what is missing, unexpected or "
               "of another shape, in PyTorch's words, with the nearest names and the prefixes that stand between.",
     .completes = Completes::file},
    {.name = "non-strict",
     .category = kInto,
     .brief = "strict=False: missing and unexpected names are said, but not held against it"},
    {.name = "auto-prefix",
     .category = kInto,
     .brief = "take off or put on the prefixes that are in the way",
     .detail = "Only where nothing else would do as well; without it they are proposed."},
    {.name = "strip",
     .argument = "PREFIX",
     .category = kInto,
     .brief = "take a prefix off the names of FILE: module.",
     .detail = "May be given several times, for any order of nesting. '*.module.': this component wherever it stands. "
               "'old.=new.': one in place of another. '=model.': put before every name.",
     .repeats = true},
    {.name = "rename",
     .argument = "RULES",
     .category = kInto,
     .brief = "a file of rules for the names of FILE, a line each: FROM -> TO",
     .detail = "^ and $ are the ends of a name, * stands for one or more characters, and \\1 … \\9 for what the stars "
               "took. Applied in their order, after --strip.",
     .repeats = true,
     .completes = Completes::file},
    {.name = "skip-mismatched",
     .category = kInto,
     .brief = "leave out entries of another shape: a head for other classes"},
    {.name = "assign", .category = kInto, .brief = "assign=True: the dtypes of FILE stay"},
    {.name = "no-cast", .category = kInto, .brief = "another dtype does not fit"},
    {.name = "which",
     .argument = "PATH",
     .category = kInto,
     .brief = "the state_dict of FILE, where it has several: ema"},
    {.name = "into-which", .argument = "PATH", .category = kInto, .brief = "and that of LIKE"},
};

constexpr Example kCheckExamples[] = {
    {"sconce check model.pt", "the table of versions and modes, memory, code"},
    {"sconce check model.pt --for torch==1.13 --weights-only && echo good", "in a script"},
    {"sconce check model.pt --gpu-memory 24GiB", "and whether it fits onto that GPU"},
    {"sconce check new.ckpt --into model.pt --auto-prefix", "do the names and shapes fit this model"},
};

constexpr Example kCompletionExamples[] = {
    {"sconce completion bash > ~/.local/share/bash-completion/completions/sconce", "for bash"},
    {"sconce completion zsh > ~/.zfunc/_sconce", "for zsh, with ~/.zfunc in fpath"},
    {"sconce completion fish > ~/.config/fish/completions/sconce.fish", "for fish"},
};

constexpr Example kManExamples[] = {
    {"sconce man convert | man -l -", "read the page of one command"},
};

constexpr Command kCommands[] = {
    {.name = "inspect",
     .operands = "FILE",
     .least = 1,
     .most = 1,
     .brief = "what is in a file: tensors, other values, who wrote it",
     .detail =
         "Shows format, producer, tensors with dtype, shape and size, which of them share memory, the values that are "
         "no tensors, and what Python would call if it loaded the file. Nothing of the file is executed, and without "
         "--hash no tensor data is read.\n\n"
         "With --json it prints one object. \"tensors\" has one entry for each path that leads to a tensor: shape, "
         "stride and storage_offset count elements, tensors of one \"storage\" number share memory, and file_offset is "
         "where the first byte of that storage lies. \"values\" are the leaves that are no tensors, \"calls\" what the "
         "stream would import and call.",
     .exit_codes = kFileCodes,
     .options = kInspectOptions,
     .examples = kInspectExamples,
     .run = run_inspect},
    {.name = "verify",
     .operands = "FILE...",
     .least = 1,
     .most = kMany,
     .brief = "is a file whole: structure, every checksum, every view inside its storage",
     .detail = "Reads the whole file. One line for each file, with what is wrong below it. With --json, one object a "
               "line for each file, in the order of the command line.",
     .exit_codes = "0: whole. 1: something is wrong, a checksum for example. 3: too damaged to be walked. 4: cannot be "
                   "read. 5: not supported. Of several files the worst, in the order 4, 3, 5, 1.",
     .options = {},
     .examples = kVerifyExamples,
     .run = run_verify},
    {.name = "convert",
     .operands = "IN OUT",
     .least = 2,
     .most = 2,
     .brief = "write the same model in another format",
     .detail =
         "OUT appears under its name only when it is whole and on the disk. Checksums of IN are checked on the "
         "way. Aliases, strides, the order of dicts and plain values survive a round trip through every format. - "
         "stands for standard input and standard output.",
     .exit_codes = "0: written. 3: IN is damaged, or would execute something when it is loaded. 4: OUT exists, or the "
                   "system failed. 5: the format cannot hold what is in IN (see --drop).",
     .options = kConvertOptions,
     .examples = kConvertExamples,
     .run = run_convert},
    {.name = "devices",
     .operands = "",
     .brief = "what memory there is: CPU, GPUs, and how fast copies are",
     .detail =
         "Drivers are looked for when the command runs; none is needed to build or to start it. What is missing is "
         "said at the end.",
     .exit_codes = "0: done. 4: a driver failed.",
     .options = kDevicesOptions,
     .examples = kDevicesExamples,
     .run = run_devices},
    {.name = "load",
     .operands = "FILE",
     .least = 1,
     .most = 1,
     .brief = "load a file onto a device as the library does, and say what it took",
     .detail = "Every tensor goes to where --device says, whatever device the file was saved on. Nothing is kept: this "
               "command is for trying, timing and planning. Checksums are compared on the way.",
     .exit_codes = "0: loaded; with --dry-run: it would fit. 1: it would not. 3: the file is damaged. 4: too little "
                   "memory, or the system or a driver failed. 5: there is no such device.",
     .options = kLoadOptions,
     .examples = kLoadExamples,
     .run = run_load},
    {.name = "diff",
     .operands = "A B",
     .least = 2,
     .most = 2,
     .brief = "is it the same model: names, shapes, dtypes, values, aliases, the rest",
     .detail = "The formats may differ. Where the model is saved is not compared, unless with --strict.",
     .exit_codes = "0: the same. 1: they differ. 3: one is damaged. 4: one cannot be read. 5: not supported.",
     .options = kDiffOptions,
     .examples = kDiffExamples,
     .run = run_diff},
    {.name = "get",
     .operands = "FILE [PATH]",
     .least = 1,
     .most = 2,
     .brief = "one value or tensor out of a file",
     .detail = "PATH is a name as inspect shows it; the longest key is tried first. Without PATH the root is printed. "
               "Only the pages of that tensor are read.",
     .exit_codes = "0: done. 1: there is nothing of that name. 3: the file is damaged. 4: it cannot be read, or OUT "
                   "exists. 5: not supported.",
     .options = kGetOptions,
     .examples = kGetExamples,
     .run = run_get},
    {.name = "check",
     .operands = "FILE",
     .least = 1,
     .most = 1,
     .brief = "what opens a file: which PyTorch, how, on which machine, with which code",
     .detail =
         "A verdict for each PyTorch from 0.4 on, loading plainly (weights_only=False, as if every module could be "
         "imported: those that are needed are listed), with weights_only=True, with mmap=True (and "
         "weights_only=False), and in C++ (torch::pickle_load; torch::jit::load for TorchScript): it opens, it opens "
         "but something is to be known, or it does not, with what PyTorch would say. Reads no tensor data, and "
         "executes nothing.",
     .exit_codes = "0: judged; with --for: it opens; with --into: it fits. 1: with --for or --into: it does not. 3: the "
                   "file is damaged. 4: it cannot be read. 5: it is no model file.",
     .options = kCheckOptions,
     .examples = kCheckExamples,
     .run = run_check},
    {.name = "help",
     .operands = "[COMMAND]",
     .most = 1,
     .brief = "explain a command",
     .detail = "The same as sconce COMMAND --help.",
     .exit_codes = "0; 2 where there is no such command.",
     .options = {},
     .examples = {},
     .run = run_help,
     .operand_choices = "inspect verify convert check devices load diff get completion man"},
    {.name = "completion",
     .operands = "SHELL",
     .least = 1,
     .most = 1,
     .brief = "completions for bash, zsh or fish",
     .detail = "Prints a script for the shell.",
     .exit_codes = "0; 2 where the shell is not known.",
     .options = {},
     .examples = kCompletionExamples,
     .run = run_completion,
     .operand_choices = "bash zsh fish"},
    {.name = "man",
     .operands = "[COMMAND]",
     .most = 1,
     .brief = "the manual page, as roff",
     .detail = "Prints the page of a command, or of sconce itself.",
     .exit_codes = "0; 2 where there is no such command.",
     .options = {},
     .examples = kManExamples,
     .run = run_man,
     .operand_choices = "inspect verify convert check devices load diff get completion help"},
};

}  // namespace

std::span<const Command> commands() noexcept { return kCommands; }
std::span<const Option> common_options() noexcept { return kCommon; }

const Command* find_command(std::string_view name) noexcept {
  for (const Command& command : kCommands)
    if (command.name == name) return &command;
  return nullptr;
}

}  // namespace sconce::cli
