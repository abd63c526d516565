// One value or tensor out of a file.
#include <sconce/save.h>

#include <string>

#include "base/fail.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interruption.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/tensor_text.h"
#include "cli/value_json.h"
#include "cli/value_text.h"

namespace sconce::cli {

namespace {

/// What the command line asks for: a name, or steps.
struct Wanted {
  explicit Wanted(const Arguments& arguments) {
    const std::vector<std::string> steps = arguments.values("step");
    by_steps = !steps.empty();
    if (by_steps && arguments.operands().size() > 1)
      usage_error("PATH and --step are two ways to say the same", "give one of them");
    if (arguments.operands().size() > 1) name = arguments.operands()[1];
    for (const std::string& step : steps) {
      path.push_back({PathStep::How::key, step, 0});
      name += (name.empty() ? "" : ".") + step;
    }
  }

  [[nodiscard]] Value find(const Checkpoint& checkpoint) const {
    if (by_steps) return checkpoint.at(path);
    return name.empty() ? checkpoint.root() : checkpoint.at(name);
  }

  bool by_steps = false;
  std::string name;
  Path path;
};

bool has_elements(const Tensor& tensor) { return tensor.layout() == Layout::strided && !tensor.is_meta(); }

/// A bare storage is a tensor of one dimension.
bool is_tensor_like(const Value& value) { return value.is_tensor() || value.kind() == Kind::storage; }

Tensor tensor_of(const Checkpoint& checkpoint, const Wanted& wanted, const Value& value) {
  if (value.is_tensor()) return value.as_tensor();
  if (value.kind() == Kind::storage && !wanted.by_steps) return checkpoint.tensor(wanted.name);
  if (value.kind() == Kind::storage) {
    const Storage storage = value.as_storage();
    const DType dtype = storage.dtype().value_or(DType::uint8);
    const std::int64_t shape[] = {static_cast<std::int64_t>(storage.nbytes() / element_size(dtype))};
    constexpr std::int64_t kOne[] = {1};
    return Tensor::over(storage, dtype, shape, kOne, 0);
  }
  if (value.kind() == Kind::bytes || value.kind() == Kind::bytearray) {
    const std::span<const std::byte> bytes = value.as_bytes();
    const std::int64_t shape[] = {static_cast<std::int64_t>(bytes.size())};
    return Tensor::copy_of(DType::uint8, bytes, shape);
  }
  ErrorPlace place;
  place.file = checkpoint.file().name;
  place.key = wanted.name;
  fail(ErrorCode::wrong_type,
       "only tensors and bytes can be written to a file; this is a " + std::string(to_string(value.kind())),
       std::move(place), "leave --out away to print it");
}

void write_file(const Arguments& arguments, const Checkpoint& checkpoint, const Wanted& wanted, const Value& value,
                Output& output) {
  const std::string out(*arguments.value("out"));
  const Tensor tensor = tensor_of(checkpoint, wanted, value);
  const std::string_view format = arguments.value("format").value_or(out.ends_with(".npy") ? "npy" : "raw");
  const Interruption interruption;
  ProgressBar progress(arguments);
  SaveOptions options;
  options.overwrite = arguments.has("force");
  options.progress = progress.function();
  options.cancel = interruption.token();
  format == "npy" ? save_npy(tensor, out, options) : save_raw(tensor, out, options);
  progress.clear();
  const std::uint64_t bytes = bytes_of(tensor.dtype(), tensor.numel()).value_or(0);
  if (arguments.json()) {
    JsonWriter json(output.text());
    json.begin_object().member("name", std::string_view(wanted.name)).member("out", std::string_view(out));
    json.member("format", format).member("dtype", to_string(tensor.dtype())).key("shape").begin_array();
    for (const std::int64_t size : tensor.shape()) json.value(size);
    json.end_array().member("nbytes", bytes).end_object();
    output << "\n";
  } else if (!arguments.quiet()) {
    output << "wrote " << escaped(out) << ": " << format << ", " << tensor_line(tensor) << ", " << human_bytes(bytes)
           << "\n";
  }
}

void print_json(const Checkpoint& checkpoint, const Wanted& wanted, const Value& value, bool full, Output& output) {
  JsonWriter json(output.text());
  json.begin_object().member("name", std::string_view(wanted.name));
  json.member("type", to_string(value.kind()));
  if (is_tensor_like(value)) {
    const Tensor tensor = tensor_of(checkpoint, wanted, value);
    json.member("dtype", to_string(tensor.dtype())).key("shape").begin_array();
    for (const std::int64_t size : tensor.shape()) json.value(size);
    json.end_array().key("value");
    // null: not shown; --full shows any number of elements.
    if (has_elements(tensor) && (full || tensor.numel() <= kElideFrom))
      write_elements(json, tensor);
    else
      json.null();
  } else {
    json.key("value");
    write_tree(json, value);
  }
  json.end_object();
  output << "\n";
}

/// What there is to say of a tensor beside its elements.
std::string heading(const Tensor& tensor) {
  std::string text = tensor_line(tensor);
  if (tensor.layout() != Layout::strided) text += ", " + std::string(to_string(tensor.layout()));
  if (tensor.device() != "cpu") text += ", " + escaped(tensor.device());
  if (tensor.is_parameter()) text += ", parameter";
  if (tensor.requires_grad()) text += ", requires_grad";
  if (tensor.qscheme() == QScheme::per_tensor_affine)
    text += ", value = (q - " + std::to_string(tensor.q_zero_point()) + ") * " + python_float(tensor.q_scale());
  return text;
}

void print_text(const Checkpoint& checkpoint, const Wanted& wanted, const Value& value, bool full, Output& output) {
  if (value.kind() == Kind::str) {
    output << escaped(value.as_str()) << "\n";
    return;
  }
  if (!is_tensor_like(value)) {
    print_tree(output, value);
    return;
  }
  const Tensor tensor = tensor_of(checkpoint, wanted, value);
  output << heading(tensor) << "\n";
  if (has_elements(tensor)) print_elements(output, tensor, full);
  for (const TensorPart& part : tensor.parts()) {
    output << escaped(part.name) << ": " << heading(part.tensor) << "\n";
    if (has_elements(part.tensor)) print_elements(output, part.tensor, full);
  }
}

}  // namespace

int run_get(const Arguments& arguments) {
  const Wanted wanted(arguments);
  if (arguments.has("format") && !arguments.has("out"))
    usage_error("--format is about the file that is written", "name it with --out");
  if (const auto out = arguments.value("out")) refuse_existing(arguments, std::string(*out));
  const Checkpoint checkpoint = load_for_one(arguments.operands().front());
  Output output;
  const Value value = wanted.find(checkpoint);
  ErrorPlace place;
  place.file = checkpoint.file().name;
  place.key = wanted.name;
  with_place(place, [&] {
    if (arguments.has("out"))
      write_file(arguments, checkpoint, wanted, value, output);
    else if (arguments.json())
      print_json(checkpoint, wanted, value, arguments.has("full"), output);
    else
      print_text(checkpoint, wanted, value, arguments.has("full"), output);
  });
  output.flush();
  return kClean;
}

}  // namespace sconce::cli
