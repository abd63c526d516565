// State_dicts of older classes. What PyTorch itself does with them is in pytorch_test.cc; here is what is ours.
#include <string>

#include "model/matching/match_builder.h"

namespace sconce {
namespace {

using test::filled;
using test::findings_of;
using test::pairs_of;
using test::state_dict;
using test::target;
using test::with_versions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const test::Shapes kNorm = {{"bn.weight", {3}}, {"bn.running_mean", {3}}, {"bn.running_var", {3}}};

Target norm() {
  test::Shapes entries = kNorm;
  entries.emplace_back("bn.num_batches_tracked", test::Shape{});
  return target(entries);
}

TEST(Upgrade, VersionsOfMetadataTravelWithRenamedModules) {
  const auto prefixed = [](int version) {
    test::Shapes entries;
    for (const auto& [name, shape] : kNorm) entries.emplace_back("module." + name, shape);
    return with_versions(entries, {{"module.bn", version}});
  };
  MatchOptions options;
  options.strip = {"module."};
  const MatchReport old = match_state_dict(prefixed(1), norm(), options);
  EXPECT_TRUE(old.fits);
  ASSERT_EQ(old.matched.size(), 4U);
  EXPECT_TRUE(old.matched[3].keeps);
  EXPECT_EQ(old.matched[3].source, "");
  EXPECT_EQ(findings_of(match_state_dict(prefixed(2), norm(), options)), "missing bn.num_batches_tracked\n");
  options.upgrade = false;
  EXPECT_EQ(findings_of(match_state_dict(prefixed(1), norm(), options)), "missing bn.num_batches_tracked\n");
}

TEST(Upgrade, OnlyANormGetsItsCount) {
  const Target wanted = target({{"x.num_batches_tracked", {}}});
  EXPECT_EQ(findings_of(match_state_dict(state_dict({{"y", {1}}}), wanted)),
            "missing x.num_batches_tracked\nunexpected y\n");
}

TEST(Upgrade, WeightNormGoesBothWays) {
  const test::Shapes old = {{"l.weight_g", {2, 1}}, {"l.weight_v", {2, 3}}, {"l.bias", {2}}};
  const test::Shapes now = {{"l.bias", {2}},
                            {"l.parametrizations.weight.original0", {2, 1}},
                            {"l.parametrizations.weight.original1", {2, 3}}};
  const MatchReport forth = match_state_dict(state_dict(old), target(now));
  EXPECT_TRUE(forth.fits);
  EXPECT_EQ(pairs_of(forth, target(now)),
            "l.bias <- l.bias\nl.parametrizations.weight.original0 <- l.weight_g\n"
            "l.parametrizations.weight.original1 <- l.weight_v\n");
  const MatchReport back = match_state_dict(state_dict(now), target(old));
  EXPECT_TRUE(back.fits);
  EXPECT_THAT(back.applied, ElementsAre("upgrade: parametrizations to weight_norm (2 entries)"));
  // At the root of a model, and for another parameter.
  EXPECT_TRUE(
      match_state_dict(state_dict({{"kernel_g", {2}}, {"kernel_v", {3}}}),
                       target({{"parametrizations.kernel.original0", {2}}, {"parametrizations.kernel.original1", {3}}}))
          .fits);
  EXPECT_EQ(findings_of(match_state_dict(state_dict({{"l.weight_g", {2, 1}}, {"l.bias", {2}}}), target(old))),
            "missing l.weight_v\n");
}

TEST(Upgrade, ObserversBeforeVersion3HadOtherNames) {
  const test::Shapes old = {{"o.min_vals", {2}}, {"o.max_vals", {2}}, {"o.eps", {1}}};
  const Target wanted = target({{"o.eps", {1}}, {"o.min_val", {0}}, {"o.max_val", {0}}});
  const MatchReport report = match_state_dict(with_versions(old, {{"o", 2}}), wanted);
  ASSERT_TRUE(report.fits) << to_text(report, wanted);
  EXPECT_TRUE(report.matched[1].resizes);
  EXPECT_THAT(report.matched[1].steps, ElementsAre(HasSubstr("upgrade per-channel"), "resize [0] to [2]"));
  EXPECT_FALSE(match_state_dict(with_versions(old, {{"o", 3}}), wanted).fits);
}

TEST(Upgrade, AttentionInOnePieceIsSplitAsViews) {
  const Checkpoint source = test::checkpoint(
      {{"a.in_proj_weight", Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {6, 2})},
       {"a.in_proj_bias", test::floats({0, 1, 2, 3, 4, 5})}});
  const Target wanted = target({{"a.k_proj.weight", {2, 2}},
                                {"a.k_proj.bias", {2}},
                                {"a.v_proj.weight", {2, 2}},
                                {"a.v_proj.bias", {2}},
                                {"a.q_proj.weight", {2, 2}},
                                {"a.q_proj.bias", {2}}});
  const MatchReport report = match_state_dict(source, wanted);
  ASSERT_TRUE(report.fits) << to_text(report, wanted);
  EXPECT_THAT(report.matched[0].tensor.to_vector<float>(), ElementsAre(4, 5, 6, 7)) << "the middle third";
  EXPECT_THAT(report.matched[3].tensor.to_vector<float>(), ElementsAre(4, 5));
  EXPECT_THAT(report.matched[4].tensor.to_vector<float>(), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(
      match_state_dict(state_dict({{"in_proj_weight", {6, 2}}}),
                       target({{"q_proj_weight", {2, 2}}, {"k_proj_weight", {2, 2}}, {"v_proj_weight", {2, 2}}}))
          .fits);
}

}  // namespace
}  // namespace sconce
