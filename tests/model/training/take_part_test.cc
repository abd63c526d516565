// One part of a checkpoint by itself.
#include <sconce/training.h>

#include "model/model_builder.h"
#include "model/state.h"

namespace sconce {
namespace {

using test::error_of;
using test::is_error;
using ::testing::ElementsAre;

std::string file(const std::string& name) { return test::fixture("training/" + name); }

std::vector<std::string> keys_of(const Value& dict) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : dict.items()) keys.emplace_back(key.as_str());
  return keys;
}

TEST(TakePart, OfTheModelIsItsStateDictWithItsKeys) {
  const Checkpoint run = load(file("torch-1.13/lightning.ckpt"));
  const Checkpoint model = take_part(run, PartKind::model);
  EXPECT_EQ(model.root().dict_flavor(), DictFlavor::ordered_dict);
  EXPECT_TRUE(model.root().attribute("_metadata").has_value());
  EXPECT_THAT(keys_of(model.root()), ElementsAre("conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean",
                                                 "bn.running_var", "bn.num_batches_tracked", "fc.weight", "fc.bias"));
  // Storages are those of the file; nothing is copied.
  EXPECT_TRUE(model.tensor("fc.weight").storage().is(run.tensor("state_dict.fc.weight").storage()));
}

TEST(TakePart, IsWrittenAndReadAgain) {
  const Checkpoint run = load(file("torch-2.13/whole.pt"));
  test::StringSink sink;
  SaveOptions options;
  options.format = "pytorch-zip";
  const SaveReport report = save(take_part(run, PartKind::optimizer), sink, options);
  EXPECT_LT(report.bytes, run.file().bytes);
  const Checkpoint again = load(memory_source(std::as_bytes(std::span(sink.text))));
  EXPECT_EQ(training_state(again).optimizers.at(0).algorithm, "SGD");
}

TEST(TakePart, OfSeveralIsADictByTheirPaths) {
  const Checkpoint run = load(file("torch-1.13/schedulers.pt"));
  const Checkpoint all = take_part(run, PartKind::scheduler);
  EXPECT_TRUE(all.root().contains("schedulers.cosine"));
  const Checkpoint one = take_part(run, PartKind::scheduler, "schedulers.cosine");
  EXPECT_TRUE(one.root().contains("T_max"));
}

TEST(TakePart, SaysWhatThereIs) {
  const Checkpoint run = load(file("torch-1.13/yolo.pt"));
  const Error error = error_of([&] { (void)take_part(run, PartKind::model); });
  EXPECT_THAT(error, is_error(ErrorCode::not_found, "no part of the kind model"));
  EXPECT_THAT(error.advice(), testing::HasSubstr("ema \"ema\""));
}

TEST(TakePart, OfAFileThatExecutesIsRefusedAsTheFileIs) {
  const Checkpoint run = load(file("torch-1.13/tutorial.pt"));
  run.state()->facts.calls.push_back({.what = CallFact::What::call,
                                      .effect = CallFact::Effect::effect,
                                      .name = "os.system",
                                      .record = {},
                                      .count = 1});
  test::StringSink sink;
  SaveOptions options;
  options.format = "pytorch-zip";
  EXPECT_THAT(error_of([&] { (void)save(take_part(run, PartKind::model), sink, options); }),
              is_error(ErrorCode::hostile, "os.system"));
}

TEST(PartKinds, HaveNames) {
  EXPECT_EQ(part_kind_from_text("optimizer"), PartKind::optimizer);
  EXPECT_EQ(to_string(PartKind::hyper_parameters), "hyper_parameters");
  EXPECT_THAT(error_of([] { (void)part_kind_from_text("weights"); }),
              is_error(ErrorCode::invalid_argument, "no kind of part called \"weights\""));
}

}  // namespace
}  // namespace sconce
