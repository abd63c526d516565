// Tens of thousands of names: work stays bounded, whatever they are.
#include <ctime>
#include <string>

#include "model/matching/match_builder.h"

namespace sconce {
namespace {

using test::Shapes;
using test::state_dict;
using test::target;

constexpr int kNames = 20'000;

class AtScale : public ::testing::Test {
 protected:
  /// Seconds of the processor, generous: debug builds and sanitizers; quadratic work would take minutes.
  static constexpr double kMost = 60;

  void TearDown() override { EXPECT_LT(static_cast<double>(std::clock() - begin_) / CLOCKS_PER_SEC, kMost); }

  std::clock_t begin_ = std::clock();
};

template <typename Name>
Shapes named(Name&& name, int count = kNames) {
  Shapes made;
  for (int i = 0; i < count; ++i) made.emplace_back(name(i), test::Shape{1 + i % 7});
  return made;
}

TEST_F(AtScale, FindsSlipsAmongManyNames) {
  const auto deep = [](int i, const char* leaf) {
    return "layers." + std::to_string(i / 10) + ".block" + std::to_string(i % 10) + "." + leaf;
  };
  const Target wanted = target(named([&](int i) { return deep(i, "weight"); }));
  const MatchReport report = match_state_dict(state_dict(named([&](int i) { return deep(i, "weigth"); })), wanted);
  ASSERT_EQ(report.findings.size(), 2U * kNames);
  EXPECT_EQ(report.findings[0].suggestions.at(0), "layers.0.block0.weigth");
  EXPECT_EQ(report.findings[5'000].suggestions.at(0), deep(5'000, "weigth"));
  EXPECT_LT(to_text(report, wanted).size(), 20'000U);
}

TEST_F(AtScale, EndsOnNamesThatAreAllAlike) {
  const std::string stem(200, 'a');
  const Target wanted = target(named([&](int i) { return stem + std::to_string(i) + "x"; }));
  EXPECT_FALSE(match_state_dict(state_dict(named([&](int i) { return stem + std::to_string(i) + "y"; })), wanted).fits);
}

TEST_F(AtScale, EndsOnNamesWithManyComponents) {
  constexpr int kFew = 6'000;
  std::string stem;
  for (int i = 0; i < 60; ++i) stem += "m.";
  const Target wanted = target(named([&](int i) { return stem + std::to_string(i); }, kFew));
  const auto other = [&](int i) { return "n." + stem + "o." + std::to_string(i); };
  EXPECT_FALSE(match_state_dict(state_dict(named(other, kFew)), wanted).fits);
}

TEST_F(AtScale, FindsAPrefixAmongManyNames) {
  const auto name = [](int i) { return "layers." + std::to_string(i) + ".weight"; };
  const Target wanted = target(named(name));
  MatchOptions options;
  options.auto_prefix = true;
  EXPECT_TRUE(
      match_state_dict(state_dict(named([&](int i) { return "model.module." + name(i); })), wanted, options).fits);
}

}  // namespace
}  // namespace sconce
