// The table of facts, and what is collected of a file that wants to be too much.
#include "model/compatibility/facts.h"

#include <set>
#include <string>

#include "io/temporary_folder.h"
#include "model/compatibility/obstacles.h"
#include "model/model_builder.h"

namespace sconce::model::compatibility {
namespace {

using test::fixture;
using test::TemporaryFolder;
using test::write_file;
using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Facts, HaveAnIdAReasonAndASource) {
  std::set<std::string_view> ids;
  for (const Fact& fact : facts()) {
    EXPECT_TRUE(ids.insert(fact.id).second) << fact.id << " stands twice";
    EXPECT_FALSE(fact.why.empty()) << fact.id;
    EXPECT_FALSE(fact.source.empty()) << fact.id;
    EXPECT_NE(fact.modes, 0) << fact.id;
    EXPECT_TRUE(fact.stops || fact.message.empty()) << fact.id << ": PyTorch says nothing where it opens";
    const bool ends = fact.releases.until != TorchVersion{};
    EXPECT_TRUE(!ends || fact.releases.from <= fact.releases.until) << fact.id;
  }
}

TEST(Facts, NamesAreThereBeforeTheyAreAllowed) {
  const NameFact* v3 = name_fact("torch._utils._rebuild_tensor_v3");
  ASSERT_NE(v3, nullptr);
  EXPECT_FALSE(v3->plain.has({2, 0}));
  EXPECT_TRUE(v3->plain.has({2, 1}));
  EXPECT_FALSE(v3->weights_only.has({2, 5}));
  EXPECT_TRUE(v3->weights_only.has({2, 6}));
  EXPECT_EQ(name_fact("models.resnet.ResNet"), nullptr);
  EXPECT_NE(name_fact("torch.cuda.HalfStorage"), nullptr);
  EXPECT_NE(name_fact("torch.cuda.sparse.FloatTensor"), nullptr);
}

TEST(Obstacles, NameTheFactAndWhatItConcerns) {
  const auto features = features_of(fixture("torch-2.13/conj_and_neg.zip.pt"));
  const auto old = obstacles(*features, {1, 13}, TorchMode::plain);
  ASSERT_THAT(old, SizeIs(1));
  EXPECT_EQ(old[0].fact, "tensor-metadata");
  EXPECT_TRUE(old[0].stops);
  EXPECT_THAT(obstacles(*features, {2, 0}, TorchMode::plain), IsEmpty());
}

TEST(Obstacles, OfAPlanAreThoseOfTheFileThatItWrites) {
  const Checkpoint loaded = load(fixture("torch-2.13/state_dict.zip.p5.pt"));
  EXPECT_THAT(obstacles(*features_of(loaded), {2, 13}, TorchMode::weights_only),
              Contains(Field(&Obstacle::concerns, "FRAME")))
      << "saved with pickle protocol 5";
  SaveOptions options;
  options.format = "pytorch-zip";
  EXPECT_THAT(obstacles(*features_of_plan(loaded, options), {2, 13}, TorchMode::weights_only), IsEmpty());
  options.format = "pytorch-legacy";
  EXPECT_THAT(obstacles(*features_of_plan(loaded, options), {1, 0}, TorchMode::plain), IsEmpty());
}

TEST(Obstacles, AreBoundedWhateverAFileNames) {
  std::string pickle = "\x80\x02(";
  for (int at = 0; at < 20000; ++at) pickle += "cmodule" + std::to_string(at) + "\nClass\n";
  const TemporaryFolder folder;
  write_file(folder / "many.pkl", pickle + "l.");
  const auto features = features_of(folder / "many.pkl");
  EXPECT_LE(obstacles(*features, {2, 13}, TorchMode::weights_only).size(), 600U);
}

}  // namespace
}  // namespace sconce::model::compatibility
