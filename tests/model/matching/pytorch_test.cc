// What real PyTorch says about the same state_dicts and models: tests/fixtures/load_state_dict, made by its make.py
// with PyTorch 2.13 and 1.13.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/matching/match_builder.h"

namespace sconce {
namespace {

using ::testing::ElementsAre;

Checkpoint fixture(std::string_view name) { return load(test::fixture("load_state_dict/" + std::string(name))); }

Target target_of_case(const Value& facts) {
  Target target;
  for (const Value entry : facts["entries"].elements()) {
    TargetEntry& wanted = target.entries.emplace_back();
    wanted.name = std::string(entry[0].as_str());
    wanted.value = entry[3].as_bool();
    wanted.shared = static_cast<std::uint64_t>(entry[4].as_int());
    if (wanted.value) continue;
    wanted.dtype = dtype_from_string(entry[1].as_str()).value();
    for (const Value size : entry[2].elements()) wanted.shape.push_back(size.as_int());
  }
  for (const Value module : facts["modules"].elements()) {
    TargetModule& made = target.modules.emplace_back();
    made.path = std::string(module[0].as_str());
    made.type = std::string(module[1].as_str());
    if (module[2].as_int() >= 0) made.version = module[2].as_int();
  }
  return target;
}

std::vector<std::string> names_of(const MatchReport& report, MatchFinding::Kind kind) {
  std::vector<std::string> names;
  for (const MatchFinding& finding : report.findings)
    if (finding.kind == kind) names.push_back(finding.name);
  return names;
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> made;
  for (const Value text : list.elements()) made.emplace_back(text.as_str());
  return made;
}

std::vector<float> numbers(const Tensor& tensor) {
  if (tensor.dtype() != DType::int64) return tensor.to_vector<float>();
  std::vector<float> made;
  for (const std::int64_t number : tensor.to_vector<std::int64_t>()) made.push_back(static_cast<float>(number));
  return made;
}

/// The values that the module has afterwards, for the names that an upgrade concerns.
void expect_values(const MatchReport& report, const Target& target, const Value& after, float kept) {
  for (const auto& [name, values] : after.items()) {
    for (const MatchedEntry& entry : report.matched) {
      if (target.entries[entry.target].name != name.as_str()) continue;
      std::vector<float> expected;
      for (const Value value : values.elements()) expected.push_back(static_cast<float>(value.as_float()));
      const std::vector<float> ours = entry.keeps ? std::vector<float>{kept} : numbers(entry.tensor);
      EXPECT_EQ(ours, expected) << name.as_str();
    }
  }
}

class PyTorchAgrees : public ::testing::Test {
 protected:
  Checkpoint cases_ = fixture("cases.pt");
  Checkpoint reports_ = fixture("report_2_13.pt");
};

TEST_F(PyTorchAgrees, OnEveryNameAndEveryMessage) {
  std::size_t count = 0;
  for (const auto& [key, facts] : cases_.root().items()) {
    const std::string name(key.as_str());
    SCOPED_TRACE(name);
    ++count;
    const Target target = target_of_case(facts);
    const MatchReport report = match_state_dict(cases_, target, {}, name + ".source");
    const Value said = reports_.root()[name];
    EXPECT_EQ(torch_message(report, target), said["message"].as_str());
    EXPECT_EQ(torch_message(report, target, false), said["loose"].as_str());
    if (said.contains("missing")) {
      EXPECT_EQ(names_of(report, MatchFinding::Kind::missing), texts(said["missing"]));
      EXPECT_EQ(names_of(report, MatchFinding::Kind::unexpected), texts(said["unexpected"]));
    }
    // PyTorch would not load what is tied and saved once; it gets its value all the same.
    const bool loads = said["message"].as_str().empty() || name == "tied_once";
    EXPECT_EQ(report.fits, loads) << to_text(report, target);
    if (loads) expect_values(report, target, said["after"], 5);
  }
  EXPECT_GE(count, 35U);
}

TEST_F(PyTorchAgrees, And113DiffersInWhatIsDocumented) {
  const Checkpoint older = fixture("report_1_13.pt");
  std::set<std::string> different;
  for (const auto& [key, said] : older.root().items()) {
    const std::string name(key.as_str());
    if (said["message"].as_str() != reports_.root()[name]["message"].as_str()) different.insert(name);
  }
  EXPECT_THAT(different, ElementsAre("below_a_parameter", "named_like_a_module", "two_elements"));
  for (const std::string name : {"batch_norm_plain_dict", "batch_norm_version_1"}) {
    const Target target = target_of_case(cases_.root()[name]);
    const MatchReport report = match_state_dict(cases_, target, {}, name + ".source");
    std::size_t filled = 0;
    for (const MatchedEntry& entry : report.matched) {
      if (!entry.keeps) continue;
      ++filled;
      EXPECT_THAT(entry.source, ::testing::IsEmpty());
      EXPECT_EQ(entry.tensor.item<std::int64_t>(), 0) << "what 1.13 writes";
    }
    EXPECT_EQ(filled, 1U);
    expect_values(report, target, older.root()[name]["after"], 0);
  }
}

}  // namespace
}  // namespace sconce
