// diff(): what two checkpoints have in common, and what not.
#include <sconce/diff.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>

#include "model/model_builder.h"
#include "model/state.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::floats;
using test::vector_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// "name: what", one a line.
std::string tensors_of(const DiffReport& report) {
  std::string text;
  for (const TensorDifference& difference : report.tensors) text += difference.name + ": " + difference.what + "\n";
  return text;
}

std::string values_of(const DiffReport& report) {
  std::string text;
  for (const ValueDifference& difference : report.values)
    text += difference.name + ": " + difference.a + " | " + difference.b + "\n";
  return text;
}

DiffOptions strict() {
  DiffOptions options;
  options.strict = true;
  return options;
}

TEST(Diff, SaysThatEqualCheckpointsAreTheSame) {
  const auto make = [] { return checkpoint({{"w", floats({1, 2, kNaN})}, {"epoch", 3}, {"name", "resnet"}}); };
  for (const DiffOptions& options : {DiffOptions{}, strict()}) {
    const DiffReport report = diff(make(), make(), options);
    EXPECT_TRUE(report.same) << tensors_of(report) << values_of(report);
    EXPECT_EQ(report.tensors_compared, 1U);
    EXPECT_EQ(report.bytes_compared, 12U);
  }
}

TEST(Diff, ListsTensorsThatOneSideLacks) {
  const DiffReport report = diff(checkpoint({{"both", floats({1})}, {"left", floats({1})}}),
                                 checkpoint({{"right", floats({1})}, {"both", floats({1})}}));
  EXPECT_FALSE(report.same);
  EXPECT_THAT(report.only_a, ElementsAre("left"));
  EXPECT_THAT(report.only_b, ElementsAre("right"));
  EXPECT_THAT(report.tensors, IsEmpty());
}

TEST(Diff, CountsElementsThatDifferAndSaysHowFarAndWhere) {
  const Checkpoint a = checkpoint({{"w", Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3})}});
  const Checkpoint b = checkpoint({{"w", Tensor::from(std::vector<float>{1, 2, 3, 4, 7, 6.5}, {2, 3})}});
  const DiffReport report = diff(a, b);
  ASSERT_EQ(report.tensors.size(), 1U);
  const TensorDifference& found = report.tensors[0];
  EXPECT_EQ(found.name, "w");
  EXPECT_EQ(found.what, "values");
  EXPECT_EQ(found.numel, 6U);
  EXPECT_EQ(found.different, 2U);
  EXPECT_EQ(found.max_abs, 2);
  EXPECT_EQ(found.max_rel, 2.0 / 7);
  EXPECT_THAT(found.first, ElementsAre(1, 1));
}

TEST(Diff, AllowsForTolerances) {
  const Checkpoint a = checkpoint({{"w", floats({100, 0.001F})}});
  const Checkpoint b = checkpoint({{"w", floats({101, 0})}});
  DiffOptions options;
  EXPECT_EQ(diff(a, b, options).tensors.at(0).different, 2U);
  options.rtol = 0.01;
  EXPECT_EQ(diff(a, b, options).tensors.at(0).different, 1U) << "|a - b| <= rtol * |b|, and 0.001 is more than nothing";
  options.atol = 0.01;
  EXPECT_TRUE(diff(a, b, options).same);
  options.rtol = -1;
  EXPECT_THAT(test::error_of([&] { (void)diff(a, b, options); }),
              test::is_error(ErrorCode::invalid_argument, "tolerance"));
}

TEST(Diff, TakesNaNForEqualToNaNAndInfinityOnlyForItself) {
  const float inf = std::numeric_limits<float>::infinity();
  DiffOptions loose;
  loose.rtol = loose.atol = 1e30;
  EXPECT_TRUE(diff(checkpoint({{"w", floats({kNaN, inf})}}), checkpoint({{"w", floats({-kNaN, inf})}})).same);
  for (const float other : {1.0F, -inf, kNaN}) {
    const DiffReport report =
        diff(checkpoint({{"w", floats({inf, 1})}}), checkpoint({{"w", floats({other, 1})}}), loose);
    ASSERT_EQ(report.tensors.size(), 1U) << other;
    EXPECT_EQ(report.tensors[0].different, 1U);
    EXPECT_TRUE(std::isinf(report.tensors[0].max_abs));
    EXPECT_TRUE(std::isinf(report.tensors[0].max_rel));
  }
}

TEST(Diff, CountsSignsOfZeroAndPayloadsOfNaNOnlyWhereStrict) {
  const Checkpoint a = checkpoint({{"w", floats({0, kNaN})}});
  const Checkpoint b = checkpoint({{"w", floats({-0.0F, std::bit_cast<float>(0x7FC00001)})}});
  EXPECT_TRUE(diff(a, b).same);
  const DiffReport report = diff(a, b, strict());
  ASSERT_EQ(report.tensors.size(), 1U);
  EXPECT_EQ(report.tensors[0].different, 2U);
  EXPECT_EQ(report.tensors[0].max_abs, 0);
}

TEST(Diff, TellsNeighboursBeyondWhatADoubleHolds) {
  const std::int64_t large = std::int64_t{1} << 60;
  const DiffReport report = diff(checkpoint({{"n", vector_of<std::int64_t>({large, INT64_MIN})}}),
                                 checkpoint({{"n", vector_of<std::int64_t>({large + 1, INT64_MAX})}}));
  ASSERT_EQ(report.tensors.size(), 1U);
  EXPECT_EQ(report.tensors[0].different, 2U);
  EXPECT_EQ(report.tensors[0].max_abs, 0x1p64);
}

TEST(Diff, ComparesShapesAndDtypesAndValuesAcrossDtypes) {
  const Checkpoint a = checkpoint({{"shape", Tensor::from(std::vector<float>{1, 2}, {2})},
                                   {"cast", floats({1, 2})},
                                   {"exact", vector_of<std::int32_t>({1, 2})}});
  const Checkpoint b = checkpoint({{"shape", Tensor::from(std::vector<float>{1, 2}, {1, 2})},
                                   {"cast", vector_of<BFloat16>({{0x3F80}, {0x4040}})},
                                   {"exact", floats({1, 2})}});
  const DiffReport report = diff(a, b);
  EXPECT_EQ(tensors_of(report), "shape: shape\ncast: dtype\ncast: values\nexact: dtype\n");
  EXPECT_EQ(report.tensors[0].a, "[2]");
  EXPECT_EQ(report.tensors[0].b, "[1, 2]");
  EXPECT_EQ(report.tensors[1].b, "bfloat16");
  EXPECT_EQ(report.tensors[2].different, 1U);
}

TEST(Diff, ComparesElementsAndNotHowTheyLie) {
  const Tensor rows = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor columns = Tensor::over(floats({1, 4, 2, 5, 3, 6}).storage(), DType::float32,
                                      std::vector<std::int64_t>{2, 3}, std::vector<std::int64_t>{1, 2}, 0);
  EXPECT_TRUE(diff(checkpoint({{"w", rows}}), checkpoint({{"w", columns}})).same);
  EXPECT_EQ(tensors_of(diff(checkpoint({{"w", rows}}), checkpoint({{"w", columns}}), strict())), "w: strides\n");
}

TEST(Diff, FindsTheOneElementInATensorOfManyPieces) {
  std::vector<float> values(9'000'001, 0.5F);  // 36 MB: several pieces and windows
  const Checkpoint a = checkpoint({{"w", floats(values)}});
  values[8'765'432] = 0.25F;
  values[4'200'000] = 1;
  const DiffReport report = diff(a, checkpoint({{"w", floats(values)}}));
  ASSERT_EQ(report.tensors.size(), 1U);
  EXPECT_EQ(report.tensors[0].different, 2U);
  EXPECT_THAT(report.tensors[0].first, ElementsAre(4'200'000));
  EXPECT_EQ(report.tensors[0].max_abs, 0.5);
}

TEST(Diff, ComparesElementsThatShareBytes) {
  const std::int64_t shape[] = {3};
  const auto quarter = [&](std::string_view bytes) {
    return checkpoint({{"q", Tensor::copy_of(DType::quint4x2, std::as_bytes(std::span(bytes)), shape)}});
  };
  const DiffReport report = diff(quarter("\x21\x03"), quarter("\x25\x03"));
  ASSERT_EQ(report.tensors.size(), 1U);
  EXPECT_EQ(report.tensors[0].different, 1U);
  EXPECT_EQ(report.tensors[0].max_abs, 4);
}

TEST(Diff, NamesTensorsThatShareAStorageOnOneSideOnly) {
  const Tensor tied = floats({1, 2});
  const Checkpoint a = checkpoint({{"x", tied}, {"y", tied}, {"z", tied}});
  const Checkpoint b = checkpoint({{"x", floats({1, 2})}, {"y", tied}, {"z", tied}});
  DiffReport report = diff(a, b);
  EXPECT_FALSE(report.same);
  EXPECT_THAT(report.aliases, ElementsAre("x, y, z share a storage in A only"));
  EXPECT_THAT(diff(b, a).aliases, ElementsAre("x, y, z share a storage in B only"));
  EXPECT_TRUE(diff(a, a).same);
}

TEST(Diff, ComparesOtherValuesAsPythonDoes) {
  const Checkpoint a = checkpoint({{"epoch", 3}, {"lr", 0.1}, {"flag", true}, {"gone", nullptr}, {"nan", kNaN}});
  const Checkpoint b = checkpoint({{"epoch", 3.0}, {"lr", 0.2}, {"flag", 1}, {"new", "text"}, {"nan", kNaN}});
  EXPECT_EQ(values_of(diff(a, b)), "lr: 0.1 | 0.2\ngone: None | \nnew:  | 'text'\n");
  EXPECT_EQ(values_of(diff(a, b, strict())),
            "epoch: 3 | 3.0\nlr: 0.1 | 0.2\nflag: True | 1\ngone: None | \nnew:  | 'text'\n");
}

TEST(Diff, ComparesWholeNumbersExactly) {
  const Checkpoint a = checkpoint({{"n", std::int64_t{9007199254740993}}});
  EXPECT_EQ(values_of(diff(a, checkpoint({{"n", 9007199254740992.0}}))), "n: 9007199254740993 | 9007199254740992.0\n");
  EXPECT_TRUE(diff(checkpoint({{"n", std::int64_t{9007199254740992}}}), checkpoint({{"n", 9007199254740992.0}})).same);
}

TEST(Diff, SeesKindsOfContainersOnlyWhereStrict) {
  const Checkpoint a = checkpoint({{"list", Literal::list({1, 2})}, {"dict", Literal::dict({{"k", 1}})}});
  const Checkpoint b = checkpoint({{"list", Literal::tuple({1, 2})}, {"dict", Literal::ordered_dict({{"k", 1}})}});
  EXPECT_TRUE(diff(a, b).same);
  EXPECT_EQ(values_of(diff(a, b, strict())), "list: list | tuple\ndict: dict | OrderedDict\n");
}

TEST(Diff, LeavesOutWhatIsIgnored) {
  const Checkpoint a = checkpoint({{"w", floats({1})}, {"optimizer", Literal::dict({{"lr", 1}, {"m", floats({1})}})}});
  const Checkpoint b = checkpoint({{"w", floats({1})}, {"optimizer", Literal::dict({{"lr", 2}, {"m", floats({3})}})}});
  EXPECT_FALSE(diff(a, b).same);
  DiffOptions options;
  options.ignore = {"optimizer.*"};
  EXPECT_TRUE(diff(a, b, options).same);
}

TEST(Diff, NotesWhatAFormatOfTensorsOnlyCannotHold) {
  const Tensor tied = floats({1});
  const Checkpoint a = checkpoint({{"x", tied}, {"y", tied}, {"epoch", 3}});
  const Checkpoint b = checkpoint({{"x", floats({1})}, {"y", floats({1})}});
  EXPECT_FALSE(diff(a, b).same);
  b.state()->facts.format = "safetensors";
  b.state()->facts.only_tensors = true;
  const DiffReport report = diff(a, b);
  EXPECT_TRUE(report.same) << tensors_of(report) << values_of(report);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("share a storage in A"), HasSubstr("1 value of A")));
}

TEST(Diff, ReadsATensorOfManyNamesOnce) {
  Checkpoint a = checkpoint({{"first", Literal::dict({{"w", floats({1, 2})}})}});
  a["second"] = a["first"].get();
  const DiffReport report = diff(a, a);
  EXPECT_TRUE(report.same);
  EXPECT_EQ(report.tensors_compared, 2U);
  EXPECT_EQ(report.bytes_compared, 8U);
}

TEST(Diff, CanBeStoppedAndTellsHowFarItIs) {
  const Checkpoint a = checkpoint({{"w", floats(std::vector<float>(1'000'000, 1))}});
  std::stop_source stop;
  DiffOptions options;
  options.cancel = stop.get_token();
  std::uint64_t told = 0;
  const auto caller = std::this_thread::get_id();
  options.progress = [&](const ProgressReport& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(progress.stage, "compare");
    EXPECT_EQ(progress.total, 4'000'000U);
    told = progress.done;
  };
  EXPECT_TRUE(diff(a, a, options).same);
  EXPECT_EQ(told, 4'000'000U);
  stop.request_stop();
  EXPECT_THAT(test::error_of([&] { (void)diff(a, a, options); }), test::is_error(ErrorCode::cancelled, "cancelled"));
}

}  // namespace
}  // namespace sconce
