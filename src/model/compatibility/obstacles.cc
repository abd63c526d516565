#include "model/compatibility/obstacles.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "io/write_plan.h"
#include "model/compatibility/facts.h"
#include "model/compatibility/features.h"
#include "model/compatibility/names.h"
#include "model/compatibility/planned_source.h"
#include "model/make_plan.h"
#include "model/open_model.h"
#include "model/state.h"

namespace sconce::model::compatibility {

namespace {

/// A text of the table with what it concerns in the place of {}.
std::string filled(std::string_view text, std::string_view concerns) {
  const std::size_t at = text.find("{}");
  if (at == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, at)) + escaped(concerns) + std::string(text.substr(at + 2));
}

/// Gathers what stands in the way of one version in a set of modes.
class Judge {
 public:
  Judge(const Features& features, TorchVersion version, Modes modes)
      : features_(features), version_(version), modes_(modes) {}

  std::vector<Obstacle> run() {
    match_facts();
    const bool in_python = features_.has_pickle && !features_.has(Trait::bare_pickle);
    const bool in_cpp = features_.has(Trait::zip);
    if (in_python || in_cpp) {
      if (has(kPlainly) && in_python) match_names(&NameFact::plain, &Judge::not_importable);
      if (has(kWeightsOnly) && in_python && version_ >= TorchVersion{1, 13}) {
        match_names(&NameFact::weights_only, &Judge::not_allowed);
        match_opcodes(&OpcodeFact::weights_only, &Judge::no_operand);
      }
      if (has(kCpp) && in_cpp && version_ >= TorchVersion{1, 4}) {
        match_names(&NameFact::libtorch, &Judge::not_resolved);
        match_opcodes(&OpcodeFact::libtorch, &Judge::no_opcode);
      }
    }
    const auto order = [](const Obstacle& a, const Obstacle& b) {
      return a.stops != b.stops ? a.stops : a.offset < b.offset;
    };
    std::ranges::stable_sort(found_, order);
    return std::move(found_);
  }

 private:
  using NameText = void (Judge::*)(const ImportedName&, const NameFact*);
  using OpcodeText = void (Judge::*)(const OpcodeFact&, std::uint64_t offset);

  [[nodiscard]] bool has(Modes modes) const noexcept { return (modes_ & modes) != 0; }
  void add(std::string_view fact, bool stops, std::string_view concerns, std::string message, std::string why,
           std::uint64_t offset) {
    found_.push_back({fact, stops, std::string(concerns), std::move(message), std::move(why), offset});
  }

  void match_facts() {
    for (const Fact& fact : facts()) {
      if (!has(fact.modes) || !fact.releases.has(version_)) continue;
      if (fact.when == Trait::any) add(fact.id, fact.stops, {}, std::string(fact.message), std::string(fact.why), 0);
      if (!features_.has(fact.when)) continue;
      for (const Met& met : features_.met)
        if (met.trait == fact.when)
          add(fact.id, fact.stops, met.concerns, filled(fact.message, met.concerns), filled(fact.why, met.concerns),
              met.offset);
    }
  }

  void match_names(Releases NameFact::*releases, NameText text) {
    for (const ImportedName& name : features_.names) {
      const NameFact* fact = name_fact(name.name);
      const bool is_plain = releases == &NameFact::plain;
      if (fact == nullptr && is_plain) continue;  // as if every module could be imported
      if (fact != nullptr && (fact->*releases).has(version_)) continue;
      (this->*text)(name, fact);
    }
  }

  void not_importable(const ImportedName& name, const NameFact* fact) {
    const std::size_t dot = name.name.rfind('.');
    const std::string last = name.name.substr(dot + 1);
    std::string why = version_ < fact->plain.from ? name.name + " came with " + to_string(fact->plain.from)
                                                  : name.name + " is gone since " + to_string(fact->plain.until);
    if (fact->plain.until != TorchVersion{} && version_ > fact->plain.until)
      why = name.name + " was there until " + to_string(fact->plain.until);
    if (!fact->history.empty()) why += " (" + std::string(fact->history) + ")";
    add("name-missing", true, name.name,
        "AttributeError: Can't get attribute '" + last + "' on <module '" + name.name.substr(0, dot) + "'",
        std::move(why), name.offset);
  }

  void not_allowed(const ImportedName& name, const NameFact* fact) {
    const std::string shown = escaped(name.name);
    if (const std::string_view module = allowed_after_import_of(name.name);
        !module.empty() && version_ >= TorchVersion{2, 6})
      return add("name-import-first", true, name.name,
                 module == "torch._dynamo"
                     ? "``torch.nested`` and ``torch._dynamo`` must be imported to load nested jagged tensors"
                     : "``" + std::string(module) + "`` must be imported to load DTensors",
                 "weights_only allows " + shown + " only after `import " + std::string(module) + "`", name.offset);
    std::string why = "weights_only does not allow " + shown;
    if (fact != nullptr && fact->weights_only.from > version_ && fact->weights_only.from < TorchVersion{99, 0})
      why += " before " + to_string(fact->weights_only.from);
    add("name-not-allowed", true, name.name,
        version_ < TorchVersion{2, 4}
            ? "Unsupported class " + escaped(name.spelled)
            : "Unsupported global: GLOBAL " + shown + " was not an allowed global by default.",
        std::move(why), name.offset);
  }

  void not_resolved(const ImportedName& name, const NameFact* fact) {
    const std::string shown = escaped(name.name);
    const bool of_torch = name.name.starts_with("torch.") && name.name.find('.', 6) == std::string::npos;
    std::string why = "torch::pickle_load knows no " + shown;
    if (fact != nullptr && fact->libtorch.from > version_ && fact->libtorch.from < TorchVersion{99, 0})
      why += " before " + to_string(fact->libtorch.from);
    add("name-not-resolved", true, name.name,
        of_torch ? "Unpickler found unknown torch global, '" + shown + "'"
                 : "Unpickler found unknown type " + escaped(name.spelled),
        std::move(why), name.offset);
  }

  void match_opcodes(TorchVersion OpcodeFact::*from, OpcodeText text) {
    for (std::size_t code = 0; code < features_.opcode_at.size(); ++code) {
      if (features_.opcode_at[code] == 0) continue;
      const OpcodeFact* fact = opcode_fact(static_cast<std::uint8_t>(code));
      if (fact != nullptr && version_ < fact->*from) (this->*text)(*fact, features_.opcode_at[code] - 1);
    }
  }

  void no_operand(const OpcodeFact& fact, std::uint64_t offset) {
    std::string why = "weights_only does not know the pickle opcode " + std::string(fact.name);
    if (fact.weights_only < TorchVersion{99, 0}) why += " before " + to_string(fact.weights_only);
    if (fact.name == "BINFLOAT") why += ": the file holds a floating-point number";
    if (fact.name == "FRAME") why += ": the file was saved with pickle protocol 4 or 5";
    add("opcode-weights-only", true, fact.name, "Unsupported operand " + std::to_string(fact.code), std::move(why),
        offset);
  }

  void no_opcode(const OpcodeFact& fact, std::uint64_t offset) {
    std::string why = "C++ does not know the pickle opcode " + std::string(fact.name);
    if (fact.libtorch < TorchVersion{99, 0}) why += " before " + to_string(fact.libtorch);
    if (fact.name == "SETITEM") why += ": a dict with one entry";
    if (fact.name == "APPEND") why += ": a list with one item";
    add("opcode-libtorch", true, fact.name, "Unknown opcode for unpickling at … : " + std::to_string(fact.code),
        std::move(why), offset);
  }

  const Features& features_;
  TorchVersion version_;
  Modes modes_;
  std::vector<Obstacle> found_;
};

}  // namespace

bool is_by_source(TorchVersion version, TorchMode mode) noexcept {
  constexpr std::array<TorchVersion, 5> kRun = {{{1, 7}, {1, 13}, {2, 6}, {2, 13}, {2, 14}}};
  if (mode == TorchMode::libtorch) return version != TorchVersion{1, 13} && version != TorchVersion{2, 13};
  return std::ranges::find(kRun, version) == kRun.end();
}

std::vector<Obstacle> obstacles(const Features& features, TorchVersion version, TorchMode mode) {
  return Judge(features, version, only(mode)).run();
}

std::shared_ptr<const Features> features_of(const std::string& path, const LoadOptions& options) {
  if (std::shared_ptr<const Features> folder = collect_folder(path)) return folder;
  const SourcePtr source = open_model(path, options.access);
  try {
    return features_of(load(source, options));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    if (std::shared_ptr<const Features> features = collect_foreign(source, options)) return features;
    throw;
  }
}

std::shared_ptr<const Features> features_of(const Checkpoint& checkpoint) {
  const Checkpoint::State& state = *checkpoint.state();
  LoadOptions options;
  options.limits = state.limits;
  if (state.source)
    return std::make_shared<Features>(collect(state.source, state.facts.format, state.roots.size(), options));
  SaveOptions saving;
  saving.format = "pytorch-zip";
  saving.drop = true;
  return features_of_plan(checkpoint, saving);
}

std::shared_ptr<const Features> features_of_plan(const Checkpoint& checkpoint, const SaveOptions& options) {
  SaveReport report;
  LoadOptions reading;
  reading.limits = checkpoint.state()->limits;
  const auto plan = std::make_shared<const io::WritePlan>(make_plan(checkpoint, options.format, options, report));
  return std::make_shared<Features>(
      collect(planned_source(plan), options.format, checkpoint.state()->roots.size(), reading));
}

}  // namespace sconce::model::compatibility
